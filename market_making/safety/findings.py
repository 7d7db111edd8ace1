"""What state files show: pure tests over one document and the time, each yielding what it found, with figures.

A test knows neither when its finding began nor whether anybody has heard of it; that is the tracker's business
(`market_making.safety.notice_tracker`). Ages and durations are in milliseconds, like the documents.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from market_making.market.reasons import Reason
from market_making.safety.leg_pair import transfer_between
from market_making.safety.state_file import BotState, PairState, SidecarState

SILENT_MS = 30_000  # a program that has not written its state for so long hangs, has ended or cannot write
NOT_WRITING_MS = 60_000
AHEAD_MS = 1_000  # how far the exchange's clock may be before this machine's
BEHIND_MS = 500  # a bot quotes from no book that is a second ahead, and warns before that
SLOW_LOOP_MS = 5_000
FEW_ACTIONS, FEW_HOURS = 500, 2.0
_DUST = 1e-9  # coins: no exchange has smaller lots
_RULES = (
    *(Reason.DRAWDOWN, Reason.DAILY_LOSS, Reason.POSITION_LARGE, Reason.VOLATILITY_SPIKE, Reason.FAST_MOVE),
    *(Reason.INTERFACE_ERRORS, Reason.TAKER_VOLUME, Reason.LOSING_FILLS),
)


@dataclass(frozen=True)
class Finding:
    """What a test has found.

    Parameters
    ----------
    subject : str or None
        The pair or coin it is about; None if it is about the whole program.
    figures : Mapping[str, str | float]
        What the sentence of the condition is filled with.
    grave : bool
        Whether money is at stake now, such as a position that is not quoted: an alarm, whatever the condition is else.
    since_ms : int or None
        When it began, if the document says so [ms].
    """

    subject: str | None = None
    figures: Mapping[str, str | float] = field(default_factory=dict)
    grave: bool = False
    since_ms: int | None = None


Test = Callable[[Any, int], Iterator[Finding]]  # of the one kind of document that its condition names
BotTest = Callable[[BotState, int], Iterator[Finding]]


def seconds(duration_ms: float) -> str:
    """A duration in the largest unit of which there are two, as people read it."""
    for unit, length in (("days", 86_400e3), ("h", 3_600e3), ("min", 60e3)):
        if duration_ms >= 2 * length:
            return f"{duration_ms / length:.0f} {unit}"
    return f"{duration_ms / 1e3:.0f} s" if duration_ms >= 10e3 else f"{duration_ms / 1e3:.1f} s"


def is_held(pair: PairState) -> bool:
    """Whether a pair holds more than the rounding of floating point."""
    return abs(pair.coins) > _DUST


# ---- one pair of a bot ---------------------------------------------------------------------------------------------


def withheld(*reasons: Reason, never_grave: bool = False, also_closed: bool = False) -> BotTest:
    """Return the test for pairs without a wanted order for one of these reasons; grave while a position is held.

    With `also_closed` it finds the pairs, too, of which one side is closed for such a reason while the other is quoted:
    what is known to be the bot's own may be left, and the matter is as grave.
    """
    known = frozenset(reasons)

    def find(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001 - every test is asked alike
        for pair in state.pairs:
            grave = is_held(pair) and not never_grave
            closed = next((side for side in (pair.bid, pair.ask) if side.reason in known), None)
            if not pair.quoting and (pair.reason or Reason.UNEXPECTED) in known:
                yield Finding(pair.pair, _about(pair) | {"does": "is not quoted"}, grave, pair.since_ms or None)
            elif also_closed and closed is not None:
                why = {"does": "opens nothing", "detail": _why(closed.reason, closed.detail)}
                yield Finding(pair.pair, _about(pair) | why, grave)

    return find


def risk_holds(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find the pairs that a risk rule keeps from opening; grave while one of them leaves its position or is not quoted.

    A risk state that cannot be saved or read and a value that is not known have conditions of their own.
    """
    for pair in state.pairs:
        rules = [reason for reason in _RULES if reason in pair.risk or (reason is pair.reason and not pair.quoting)]
        if rules:
            named = pair.risk_detail.rstrip(".") or ", ".join(reason.replace("_", " ") for reason in rules)
            grave = pair.leaving or (is_held(pair) and not pair.quoting)
            verb = "leaves its position" if pair.leaving else "opens nothing"
            yield Finding(pair.pair, _about(pair) | {"rules": named, "does": verb}, grave)


def risk_says(*reasons: Reason) -> BotTest:
    """Return the test for pairs of which the risk rules, or the lack of a plan, give one of these reasons."""
    known = frozenset(reasons)

    def find(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
        for pair in state.pairs:
            if known & {*pair.risk, pair.reason}:
                yield Finding(pair.pair, _about(pair), is_held(pair))

    return find


def nothing_rests(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find the pairs whose plan wants an order, and none rests: it was refused, or Freqtrade does not ask for it."""
    for pair in state.pairs:
        if pair.quoting and pair.resting is None:
            yield Finding(pair.pair, _about(pair), is_held(pair))


def clock_behind(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find books of the future: a book that stops would not be noticed for as long as the clock is behind."""
    for pair in state.pairs:
        ahead_ms = 0 if pair.book is None else pair.book.exchange_ms - state.written_ms
        if ahead_ms > BEHIND_MS:
            yield Finding(pair.pair, _about(pair) | {"ahead": seconds(ahead_ms)}, is_held(pair))


def settings_differ(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find the pairs whose parameter file was made for other settings than the bot's."""
    for pair in state.pairs:
        used = pair.calibration
        if used.why or used.own_table:
            table = " It solves its own table." if used.own_table else ""
            yield Finding(pair.pair, _about(pair) | {"why": used.why or "unknown which", "table": table})


def _about(pair: PairState) -> dict[str, str | float]:
    held = f" {pair.coins:g} {pair.coin} are held." if is_held(pair) else ""
    return {"pair": pair.pair, "coin": pair.coin, "detail": _why(pair.reason, pair.detail), "held": held}


def _why(reason: Reason | None, detail: str) -> str:
    return (detail or str(reason or "no reason is known").replace("_", " ")).rstrip(".")


# ---- a bot as a whole ----------------------------------------------------------------------------------------------


def unwritable(kind: str) -> BotTest:
    """Return the test for a file of the bot that could not be written in the last loop."""

    def find(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
        why = state.unwritable.get(kind)
        if why:
            yield Finding(None, {"detail": why.rstrip(".")})

    return find


def killed(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find a kill switch that is on; grave while a position is held that nothing leaves."""
    if state.killed or any(pair.reason is Reason.KILL_SWITCH for pair in state.pairs):
        held = "".join(str(_about(pair)["held"]) for pair in state.pairs)
        grave = any(is_held(pair) and not pair.quoting for pair in state.pairs)
        yield Finding(None, {"held": held}, grave)


def no_pair(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find a bot that has no pair to quote, as after a wrong name in the whitelist."""
    if not state.pairs:
        yield Finding()


def actions_low(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find an address whose actions are about to be used up; grave when a hundred are left."""
    left, hours = state.account.actions_left, state.account.hours_left
    few = (left is not None and left < FEW_ACTIONS) or (hours is not None and hours < FEW_HOURS)
    if few:
        known = "few" if left is None else f"{max(left, 0):,}"
        lasting = "" if hours is None else f", at this rate enough for {seconds(hours * 3_600e3)}"
        yield Finding(None, {"left": known, "lasting": lasting}, left is not None and left < FEW_ACTIONS / 5)


def loop_slow(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find a loop that takes several times as long as it should."""
    if state.loop_ms > SLOW_LOOP_MS:
        yield Finding(None, {"loop": seconds(state.loop_ms)}, any(map(is_held, state.pairs)))


def legs_uneven(state: BotState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find two legs whose capital has drifted apart; the poorer leg tells."""
    own, other = state.account.equity, state.account.other_leg
    transfer = transfer_between(*((own, other) if state.leg == "long" else (other, own)))
    if state.leg is not None and transfer is not None and transfer.is_due and transfer.target == state.leg:
        worth = {"own": f"{own:,.2f}", "other": f"{other:,.2f}", "leg": state.leg, "transfer": transfer.sentence}
        yield Finding(None, worth)


# ---- what only a reader can see ------------------------------------------------------------------------------------


def silent(state: BotState | SidecarState, now_ms: int) -> Iterator[Finding]:
    """Find a program that writes its state no more."""
    age_ms = now_ms - state.written_ms
    if age_ms > SILENT_MS and not state.stopped:
        who = state.bot if isinstance(state, BotState) else state.name
        figures = {"name": who, "age": seconds(age_ms)}
        yield Finding(None, figures, since_ms=state.written_ms)


def stopped_with_position(state: BotState, now_ms: int) -> Iterator[Finding]:
    """Find a bot that has ended and left something held or resting."""
    if state.stopped:
        for pair in state.pairs:
            if is_held(pair) or pair.resting is not None:
                left = f"{pair.coins:g} {pair.coin}" if is_held(pair) else "an order"
                figures = _about(pair) | {"left": left, "age": seconds(now_ms - state.written_ms)}
                yield Finding(pair.pair, figures, since_ms=state.written_ms)


def not_writing(state: SidecarState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find coins of which a collector has received nothing for a minute, or nothing since it started."""
    for coin in state.coins:
        age_ms = state.written_ms - state.started_ms if coin.age_ms is None else coin.age_ms
        if age_ms > NOT_WRITING_MS:
            yield Finding(coin.coin, {"coin": coin.coin, "age": seconds(age_ms), "detail": _tail(coin.detail)})


def failing(state: SidecarState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find what a program says it failed at."""
    if state.failures:
        yield Finding(None, {"detail": "; ".join(state.failures).rstrip(".")})


def gaps(state: SidecarState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find coins whose recording of today has gaps."""
    for coin in state.coins:
        if coin.gaps:
            counted = "1 gap" if coin.gaps == 1 else f"{coin.gaps} gaps"
            yield Finding(coin.coin, {"coin": coin.coin, "gaps": counted})


def clock_off(state: SidecarState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find a clock that differs from the exchange's by more than a second."""
    offset_ms = state.figures.get("clock_offset_ms")
    if offset_ms is not None and abs(offset_ms) > AHEAD_MS:
        way = "behind" if offset_ms > 0 else "ahead of"
        yield Finding(None, {"offset": seconds(abs(offset_ms)), "way": way})


def not_calibrated(state: SidecarState, now_ms: int) -> Iterator[Finding]:  # noqa: ARG001
    """Find coins of which a calibrator has published nothing usable."""
    for coin in state.coins:
        late = coin.age_ms is None or coin.age_ms > NOT_WRITING_MS
        if late or coin.status == "bad":
            yield Finding(coin.coin, {"coin": coin.coin, "detail": _tail(coin.detail)})


def _tail(detail: str) -> str:
    return f": {detail.rstrip('.')}" if detail else ""
