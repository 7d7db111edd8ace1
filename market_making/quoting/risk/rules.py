"""Risk rules over all models: what may be quoted at all, given what has happened so far.

A pure state machine: `RiskState` is an immutable value that survives as JSON; events lead from one state to the next;
`verdict` reads it. Rules about the position and about trading costs leave the side open that reduces the position. Only
stale data closes both, because then no price is known to be right.

| rule | closes | until |
|---|---|---|
| position beyond 80 % of the largest | the growing side | back under 60 % |
| position beyond 90 % | the growing side, and the rest should be left | back under 90 % |
| loss of the day | the growing side | 00:00 UTC |
| drawdown from the peak | the growing side | reset by hand |
| volatility beyond 3 times the usual | the growing side | it is back |
| mid moved by more than 1 % within 10 s | the growing side | 300 s later |
| more than 5 interface errors within 60 s | the growing side | 120 s later |
| taker volume beyond 20 % of the last 24 hours' | the growing side | under 15 % |
| five losing fills in a row | the growing side | 60 s later, then three count |
| data older than 3 s | both | it is fresh |
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any, NamedTuple

from market_making.market.errors import ConfigurationError, MalformedMessage
from market_making.market.reasons import Because, Reason
from market_making.quoting.readings.observations import RiskLevel
from market_making.quoting.risk.breakers import (
    EquityBreaker,
    ErrorBreaker,
    LosingBreaker,
    MoveBreaker,
    PositionBreaker,
    SpikeBreaker,
    TakerBreaker,
)


@dataclass(frozen=True)
class RiskLimits:
    """Thresholds; money in quote currency, shares as fractions, times in milliseconds.

    `fade_factor` multiplies the depths from `fade_at` losing fills on, unless the model has seen to that itself.

    Raises
    ------
    ConfigurationError
        If a pair of thresholds is not in order or a number is not positive.
    """

    largest_position: float
    daily_loss: float
    drawdown: float
    one_sided_share: float = 0.8
    both_sided_share: float = 0.6
    leave_share: float = 0.9
    spike_ratio: float = 3.0
    spike_warm_up_ms: int = 600_000
    spike_memory_ms: int = 1_800_000
    move_share: float = 0.01
    move_within_ms: int = 10_000
    move_pause_ms: int = 300_000
    most_errors: int = 5
    errors_within_ms: int = 60_000
    errors_pause_ms: int = 120_000
    taker_pause: float = 0.20
    taker_resume: float = 0.15
    taker_warning: float = 0.10
    taker_least_volume: float = 2_000.0
    fade_at: int = 3
    fade_factor: float = 1.5
    pause_at: int = 5
    losing_pause_ms: int = 60_000
    oldest_data_ms: int = 3_000
    leave_after_loss: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, bool) or (isfinite(value) and value > 0)):
                raise ConfigurationError(f"{field.name} must be positive, got {value}")
        for low, high in (
            ("both_sided_share", "one_sided_share"),
            ("one_sided_share", "leave_share"),
            ("taker_resume", "taker_pause"),
            ("fade_at", "pause_at"),
        ):
            if getattr(self, low) > getattr(self, high):
                limit, value = getattr(self, high), getattr(self, low)
                raise ConfigurationError(f"{low} must be at most {high} ({limit}), got {value}")


class Reading(NamedTuple):
    """What is known at one moment.

    `position` is the signed value of the inventory and `equity` the value of everything at mid [quote currency], None
    where it is not known at this moment: what was last said about it holds. `volatility` is in any unit, NaN if
    unknown, and `is_observed` where it is of the last minutes, not calibrated; `data_ms` the exchange's time of the
    newest book.
    """

    time_ms: int
    mid: float
    position: float
    equity: float | None
    volatility: float
    data_ms: int
    is_observed: bool = False


@dataclass(frozen=True)
class RiskState:
    """Everything the rules remember."""

    equity: EquityBreaker = EquityBreaker()  # noqa: RUF009 - immutable
    position: PositionBreaker = PositionBreaker()  # noqa: RUF009
    spike: SpikeBreaker = SpikeBreaker()  # noqa: RUF009
    move: MoveBreaker = MoveBreaker()  # noqa: RUF009
    errors: ErrorBreaker = ErrorBreaker()  # noqa: RUF009
    taker: TakerBreaker = TakerBreaker()  # noqa: RUF009
    losing: LosingBreaker = LosingBreaker()  # noqa: RUF009

    def seen(self, reading: Reading, limits: RiskLimits) -> "RiskState":
        """After a reading of market and account.

        Raises
        ------
        MalformedMessage
            If mid, position or equity is not a number: the rules must not be blind.
        """
        known = (reading.mid, reading.position, 0.0 if reading.equity is None else reading.equity)
        if not all(map(isfinite, known)):
            raise MalformedMessage(f"mid, position and equity must be numbers, seen is {reading}")
        time_ms, equity, spike = reading.time_ms, self.equity, self.spike
        if reading.equity is not None:
            equity = equity.seen(time_ms, reading.equity, daily_loss=limits.daily_loss, drawdown=limits.drawdown)
        if isfinite(reading.volatility):
            spike = spike.seen(
                time_ms,
                reading.volatility,
                ratio=limits.spike_ratio,
                warm_up_ms=limits.spike_warm_up_ms,
                memory_ms=limits.spike_memory_ms,
                is_observed=reading.is_observed,
            )
        return RiskState(
            equity=equity,
            position=self.position.seen(
                reading.position / limits.largest_position,
                lower=limits.both_sided_share,
                upper=limits.one_sided_share,
            ),
            spike=spike,
            move=self.move.seen(
                time_ms,
                reading.mid,
                share=limits.move_share,
                within_ms=limits.move_within_ms,
                pause_ms=limits.move_pause_ms,
            ),
            errors=self.errors,
            taker=self.taker.seen(
                time_ms,
                pause=limits.taker_pause,
                resume=limits.taker_resume,
                least_volume=limits.taker_least_volume,
            ),
            losing=self.losing.seen(time_ms, resume_at=limits.fade_at),
        )

    def failed(self, time_ms: int, limits: RiskLimits) -> "RiskState":
        """After an error of the exchange's interface."""
        errors = self.errors.failed(
            time_ms, most=limits.most_errors, within_ms=limits.errors_within_ms, pause_ms=limits.errors_pause_ms
        )
        return replace(self, errors=errors)

    def traded(self, time_ms: int, value: float, *, is_taker: bool) -> "RiskState":
        """After a fill of this value [quote currency]."""
        return replace(self, taker=self.taker.traded(time_ms, value, is_taker=is_taker))

    def judged(self, time_ms: int, limits: RiskLimits, *, losing: bool) -> "RiskState":
        """After the markout of a fill is known."""
        count = self.losing.judged(time_ms, losing=losing, pause_at=limits.pause_at, pause_ms=limits.losing_pause_ms)
        return replace(self, losing=count)

    def reset(self, equity: float) -> "RiskState":
        """After a person has decided to go on: the drawdown is forgotten, the present value is the new peak."""
        return replace(self, equity=self.equity.reset(equity))

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "RiskState":
        """Rebuild what ``json.loads(json.dumps(dataclasses.asdict(state)))`` gives."""
        empty = cls()
        kinds = {field.name: type(getattr(empty, field.name)) for field in fields(cls)}
        return cls(**{name: kind(*map(_frozen, document[name])) for name, kind in kinds.items()})


class Verdict(NamedTuple):
    """Why the position may not grow (empty: it may), how worried to be, whether to leave the position, how far to fade.

    `holds` says that it may not be reduced either; `losing_fills` is how many have lost in a row.
    """

    reasons: tuple[Because, ...] = ()
    level: RiskLevel = RiskLevel.NORMAL
    leaving: bool = False
    holds: bool = False
    depth_factor: float = 1.0
    losing_fills: int = 0

    @property
    def growing(self) -> Because | None:
        """Why the position may not grow: the first reason, with the text of all; None if it may."""
        if not self.reasons:
            return None
        return Because(self.reasons[0].reason, "; ".join(because.detail for because in self.reasons))

    @property
    def reducing(self) -> Because | None:
        """Why the position may not be reduced; None if it may."""
        return self.growing if self.holds else None

    def restrained(self, because: Because) -> "Verdict":
        """The same with one more reason why the position may not grow."""
        return self._replace(reasons=(*self.reasons, because), level=max(self.level, RiskLevel.HIGH))


NO_OBJECTION = Verdict()


def verdict(state: RiskState, reading: Reading, limits: RiskLimits) -> Verdict:
    """What the rules say now; `state` has seen the reading."""
    if reading.time_ms - reading.data_ms > limits.oldest_data_ms:
        stale = Because(Reason.BOOK_STALE, f"the data is {(reading.time_ms - reading.data_ms) / 1e3:.1f} s old")
        return Verdict((stale,), RiskLevel.CRITICAL, holds=True)
    share = abs(reading.position) / limits.largest_position
    lost = state.equity.lost_today or state.equity.drawn_down
    reasons = tuple(_reasons(state, reading, share, limits))
    leaving = share >= limits.leave_share or (lost and limits.leave_after_loss)
    return Verdict(
        reasons,
        _level(state, share, lost, bool(reasons), limits),
        leaving,
        holds=lost and not leaving,
        depth_factor=limits.fade_factor if state.losing.losses >= limits.fade_at else 1.0,
        losing_fills=state.losing.losses,
    )


def _reasons(state: RiskState, reading: Reading, share: float, limits: RiskLimits) -> Iterator[Because]:
    """Why the position may not grow."""
    large = state.position.one_sided or share >= limits.leave_share
    time_ms = reading.time_ms
    if state.equity.drawn_down:
        yield Because(Reason.DRAWDOWN, "the drawdown limit is reached; it must be reset by hand")
    if state.equity.lost_today:
        yield Because(Reason.DAILY_LOSS, "the loss limit of the day is reached")
    if large:
        yield Because(Reason.POSITION_LARGE, f"the position is {100 * share:.0f} % of the largest")
    if state.spike.spiking:
        yield Because(Reason.VOLATILITY_SPIKE, f"volatility is more than {limits.spike_ratio:g} times the usual")
    yield from _pauses(state, time_ms)


def _pauses(state: RiskState, time_ms: int) -> Iterator[Because]:
    """Why the position may not grow for some time."""
    if time_ms < state.move.until_ms:
        yield Because(Reason.FAST_MOVE, "mid has moved too far too fast")
    if time_ms < state.errors.until_ms:
        yield Because(Reason.INTERFACE_ERRORS, "the exchange's interface fails too often")
    if state.taker.paused:
        yield Because(Reason.TAKER_VOLUME, "too much of the volume is taken")
    if time_ms < state.losing.until_ms:
        yield Because(Reason.LOSING_FILLS, f"{state.losing.losses} fills in a row have lost")


def _level(state: RiskState, share: float, lost: bool, restrained: bool, limits: RiskLimits) -> RiskLevel:
    if lost or share >= limits.leave_share:
        return RiskLevel.CRITICAL
    if restrained:
        return RiskLevel.HIGH
    warned = (
        share >= limits.both_sided_share
        or state.taker.share(limits.taker_least_volume) > limits.taker_warning
        or state.losing.losses >= limits.fade_at
    )
    return RiskLevel.MEDIUM if warned else RiskLevel.NORMAL


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
