"""Checks of several bots side by side: what each needs for itself alone, and what two legs must share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from market_making.preflight.outcome import Outcome, judged
from market_making.preflight.subject import Subject
from market_making.safety.state_file import masked

_DEFAULT_NAME = "freqtrade"


class _Row(NamedTuple):
    """A setting: the name of its check, how messages call it, and what it is for one bot; None where it is not used."""

    check: str
    setting: str
    of: Callable[[Subject], Any]


def _port(bot: Subject) -> Any:
    server = bot.config.get("api_server", {})
    return server.get("listen_port") if server.get("enabled") else None


# Of its own: Freqtrade and this project keep one file, one position and one server for each.
_DISTINCT = (
    _Row("own-account", "exchange.walletAddress", lambda bot: bot.account and bot.account.lower()),
    _Row("own-key", "exchange.privateKey", lambda bot: bot.config.get("exchange", {}).get("privateKey") or None),
    _Row("own-database", "db_url", lambda bot: bot.config.get("db_url")),
    _Row("own-name", "bot_name", lambda bot: bot.config.get("bot_name", _DEFAULT_NAME)),
    _Row("own-port", "api_server.listen_port", _port),
)
_SHARED = (
    _Row("same-exchange", "market_making.url", lambda bot: bot.settings.url),
    _Row("same-mode", "dry_run", lambda bot: not bot.is_live),
    _Row("same-pairs", "exchange.pair_whitelist", lambda bot: sorted(bot.pairs)),
    _Row("same-legs", "market_making.legs", lambda bot: bot.settings.legs.absolute()),
    _Row("same-state", "market_making.state", lambda bot: bot.settings.state.absolute()),
    _Row("same-parameters", "market_making.parameters", lambda bot: bot.settings.parameters.absolute()),
    _Row("same-size", "market_making.model.order_notional", lambda bot: bot.settings.model.order_notional),
    _Row("same-bound", "market_making.model.maximum_inventory", lambda bot: bot.settings.model.maximum_inventory),
    _Row("same-leverage", "market_making.leverage", lambda bot: bot.settings.leverage),
)


def checks_of_several(bots: Sequence[Subject]) -> Iterator[Outcome]:
    """Yield what must differ between bots, and for two legs what must not."""
    for row in _DISTINCT:
        yield _distinct(row, bots)
    legs = [bot.settings.role.leg for bot in bots]
    if any(legs):
        is_pair = sorted(leg or "" for leg in legs) == ["long", "short"]
        reason = f"market_making.sides: {', '.join(bot.settings.role for bot in bots)}"
        yield judged("two-legs", is_pair, reason, "give one bot config-long.json and the other config-short.json")
        for row in _SHARED:
            yield _shared(row, bots)


def _distinct(row: _Row, bots: Sequence[Subject]) -> Outcome:
    values = [value for bot in bots if (value := row.of(bot)) is not None]
    is_good = len({str(value) for value in values}) == len(values)
    if row.check == "own-key":
        seen = "" if is_good else " sign with one key, whose numbers of actions must not meet"
    else:
        shown = (masked(str(value)) if row.check == "own-account" else str(value) for value in values)
        seen = f": {', '.join(filter(None, shown)) or 'not used'}"
    reason = f"{row.setting}{seen or ' differs'}"
    return judged(row.check, is_good, reason, f"give each bot a {row.setting} of its own in its private file")


def _shared(row: _Row, bots: Sequence[Subject]) -> Outcome:
    values = [row.of(bot) for bot in bots]
    shown = dict.fromkeys(str(value) for value in values)
    reason = f"{row.setting}: {' and '.join(shown)}"
    return judged(row.check, len(shown) == 1, reason, f"set {row.setting} in a file that both legs read")
