"""The risk rules over the pairs of a bot, remembered across restarts.

A loss that closed a pair must still close it after a restart, so its state is kept in ``<folder>/<bot>-<COIN>.json``,
and while it cannot be kept nothing is opened. To go on after a drawdown a person removes the file and restarts the bot:
the value then is the new peak.
"""

import json
from dataclasses import asdict
from pathlib import Path

from market_making.market.durable_file import write_durably
from market_making.market.errors import SafetyError
from market_making.market.reasons import Because, Reason
from market_making.quoting.risk.rules import Reading, RiskLimits, RiskState, Verdict, verdict

_SAVED_EVERY_MS = 60_000
# A fill under way is seen in the next loop; whoever does not know for so long what the account is worth is blind.
_VALUED_WITHIN_MS = 60_000


class RiskWatch:
    """Judges every pair in every loop.

    Parameters
    ----------
    limits : RiskLimits
        For each pair.
    folder : Path or None
        Where the states are kept; None forgets them at the end, as a replay must.
    bot : str
        First part of the file names.
    """

    def __init__(self, limits: RiskLimits, folder: Path | None, bot: str) -> None:
        self._limits = limits
        self._folder = folder
        self._bot = bot
        self._states: dict[str, RiskState] = {}
        self._saved_ms: dict[str, int] = {}
        self._unsaved: dict[str, Because] = {}
        self._valued_ms: dict[str, int] = {}

    def judge(self, coin: str, reading: Reading) -> Verdict:
        """What the rules say about a coin now.

        Raises
        ------
        MalformedMessage
            If the reading holds no numbers.
        SafetyError
            If the state of an earlier run cannot be read: a limit may have been reached in it.
        """
        before = self._state(coin)
        after = before.seen(reading, self._limits)
        self._states[coin] = after
        latched = (before.equity.lost_today, before.equity.drawn_down) != (
            after.equity.lost_today,
            after.equity.drawn_down,
        )
        if latched or coin in self._unsaved or reading.time_ms - self._saved_ms.get(coin, 0) >= _SAVED_EVERY_MS:
            self._save(coin, reading.time_ms)
        said = verdict(after, reading, self._limits)
        for because in filter(None, (self._unsaved.get(coin), self._unvalued(coin, reading))):
            said = said.restrained(because)
        return said

    def traded(self, coin: str, time_ms: int, value: float, *, is_taker: bool) -> None:
        """Count a fill of this value [quote currency]."""
        self._states[coin] = self._state(coin).traded(time_ms, value, is_taker=is_taker)

    def judged(self, coin: str, time_ms: int, *, losing: bool) -> None:
        """Count a fill whose markout is known."""
        self._states[coin] = self._state(coin).judged(time_ms, self._limits, losing=losing)

    def failed(self, coin: str, time_ms: int) -> None:
        """Count an error of the exchange's interface."""
        self._states[coin] = self._state(coin).failed(time_ms, self._limits)

    def _unvalued(self, coin: str, reading: Reading) -> Because | None:
        """Why nothing may be opened without a judgement of the account's value, once it has been missing for long."""
        last_ms = self._valued_ms.setdefault(coin, reading.time_ms)
        if reading.equity is not None:
            self._valued_ms[coin] = reading.time_ms
            return None
        is_long = reading.time_ms - last_ms > _VALUED_WITHIN_MS
        detail = f"the account's value has not been known for {_VALUED_WITHIN_MS / 1e3:.0f} s"
        return Because(Reason.EQUITY_UNKNOWN, detail) if is_long else None

    def _path(self, folder: Path, coin: str) -> Path:
        return folder / f"{self._bot}-{coin}.json"

    def _state(self, coin: str) -> RiskState:
        if coin not in self._states:
            self._states[coin] = self._load(coin)
        return self._states[coin]

    def _load(self, coin: str) -> RiskState:
        if self._folder is None:
            return RiskState()
        path = self._path(self._folder, coin)
        try:
            return RiskState.from_json(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return RiskState()
        except (OSError, ValueError, KeyError, TypeError):
            detail = f"the risk state {path} cannot be read; remove it to start afresh"
            raise SafetyError(detail, reason=Reason.RISK_UNREADABLE) from None

    def _save(self, coin: str, time_ms: int) -> None:
        if self._folder is None:
            return
        try:
            write_durably(self._path(self._folder, coin), json.dumps(asdict(self._state(coin))))
        except OSError as error:
            detail = f"the risk state cannot be saved: {error.strerror or error}"
            self._unsaved[coin] = Because(Reason.RISK_UNSAVED, detail)
        else:
            self._saved_ms[coin] = time_ms
            self._unsaved.pop(coin, None)
