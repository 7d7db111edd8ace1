"""What people have told a bot to leave undone: kill switch, `/stop`, `/stopentry` and `/forceexit`, on every leg."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from freqtrade.constants import CANCEL_REASON
from freqtrade.enums import RunMode

from market_making.market.reasons import Because, Reason
from market_making.safety.account_lock import take_account
from market_making.safety.kill_switch import read_kill
from market_making.safety.standing import Standing, read_standing

ONLY_CHECKED = "market_making_only_checked"  # set where a configuration is looked at and no bot is started
_FORCED = str(CANCEL_REASON["FORCE_EXIT"])
_PAUSED = Because(Reason.STOPPED, "paused by /stopentry; /start lets it open again")
_LEAVING = Because(Reason.STOPPED, "/forceexit asks to leave the position")


class Halt(NamedTuple):
    """What must not be done with one pair: `nothing` may rest, `no_opening`, or the position is to be left."""

    nothing: Because | None = None
    no_opening: Because | None = None
    leaving: bool = False


class ForcedOrder(Protocol):
    """What is needed of ``freqtrade.persistence.Order``."""

    @property
    def ft_cancel_reason(self) -> str | None:
        """Why it was cancelled, in Freqtrade's words."""
        ...


class ForcedTrade(Protocol):
    """What is needed of ``freqtrade.persistence.Trade``."""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        ...

    @property
    def orders(self) -> Any:
        """Every order so far."""
        ...


def halt_of(folder: Path, trade: ForcedTrade | None, *, is_paused: bool) -> Halt:
    """What holds for one pair now.

    Parameters
    ----------
    folder : Path
        The state folder, where the kill switch lies.
    trade : freqtrade.persistence.Trade or None
        The open trade of the pair.
    is_paused : bool
        Whether Freqtrade places no entries.
    """
    kill = read_kill(folder)
    if kill is not None:
        because = Because(Reason.KILL_SWITCH, kill.sentence)
        return Halt(None, because, leaving=True) if kill.flatten else Halt(because)
    if trade is not None and is_forced(trade):
        return Halt(None, _LEAVING, leaving=True)
    return Halt(None, _PAUSED) if is_paused else Halt()


def is_forced(trade: ForcedTrade) -> bool:
    """Whether `/forceexit` was said while an addition rested.

    Freqtrade then cancels the addition and does no more: its own next loop would place it again. What was asked is in
    the database, so it is remembered until the trade has ended.
    """
    return trade.is_open and any((order.ft_cancel_reason or "").startswith(_FORCED) for order in trade.orders)


def bot_name(config: Mapping[str, Any]) -> str:
    """Name of the bot's own files; a dry run has others."""
    return f"{config.get('bot_name', 'freqtrade')}{'-dry-run' if config['dry_run'] else ''}"


def start_as_left(config: dict[str, Any], folder: Path) -> None:
    """Let Freqtrade begin stopped or paused where somebody has told it so before it ended."""
    if not _is_trading(config):
        return
    standing = read_standing(folder, bot_name(config))
    if standing is not Standing.RUNNING:
        config["initial_state"] = str(standing)


def claim_account(config: Mapping[str, Any], folder: Path) -> None:
    """Be the only process that trades on the account, live; before Freqtrade opens the database or cancels anything.

    Raises
    ------
    SafetyError
        If another process does.
    OSError
        If the lock cannot be written.
    """
    if config.get("runmode") is not RunMode.LIVE or config["dry_run"] or config.get(ONLY_CHECKED):
        return
    # Freqtrade has taken the address out of what a strategy sees.
    exchange = config.get("original_config", config).get("exchange", {})
    address = str(exchange.get("walletAddress") or exchange.get("wallet_address") or "")
    if address:
        take_account(folder, address)


def _is_trading(config: Mapping[str, Any]) -> bool:
    return config.get("runmode") in (RunMode.LIVE, RunMode.DRY_RUN)
