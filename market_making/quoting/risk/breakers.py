"""The single circuit breakers of the risk rules: each a few numbers and what an event does to them.

All are immutable and hold nothing but numbers, so that a state survives as JSON. Times are UTC milliseconds and never
run backwards; who feeds them sees to that.
"""

from math import expm1
from typing import NamedTuple

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_LONGEST_STEP_MS = 60_000
# Money that is compared with a limit after having been added up in another order may be off by rounding.
_ROUNDING = 1e-9


class EquityBreaker(NamedTuple):
    """Daily loss, forgotten at 00:00 UTC, and drawdown from the peak, kept until it is reset by hand."""

    day: int = -1
    start_of_day: float = 0.0
    peak: float = 0.0
    lost_today: bool = False
    drawn_down: bool = False

    def seen(self, time_ms: int, equity: float, *, daily_loss: float, drawdown: float) -> "EquityBreaker":
        """After a valuation [quote currency]."""
        day, start_of_day, peak, lost_today, drawn_down = self
        if day < 0:
            peak = equity
        if time_ms // DAY_MS != day:
            day, start_of_day, lost_today = time_ms // DAY_MS, equity, False
        peak = max(peak, equity)
        slack = _ROUNDING * max(abs(peak), 1.0)
        lost_today = lost_today or start_of_day - equity > daily_loss + slack
        return EquityBreaker(day, start_of_day, peak, lost_today, drawn_down or peak - equity > drawdown + slack)

    def reset(self, equity: float) -> "EquityBreaker":
        """Forget the drawdown: the present value is the new peak. The daily loss stays until midnight."""
        return self._replace(peak=equity, drawn_down=False)


class PositionBreaker(NamedTuple):
    """One-sided from the upper share of the largest position on, until it is back under the lower one."""

    one_sided: bool = False

    def seen(self, share: float, *, lower: float, upper: float) -> "PositionBreaker":
        """After a valuation of the position, as a share of the largest one."""
        size = abs(share) + _ROUNDING
        return PositionBreaker(size >= upper or (self.one_sided and size >= lower))


class SpikeBreaker(NamedTuple):
    """Volatility beyond a multiple of its slow average, once that average rests on enough time.

    The average is over `known_ms`, the time in which there were readings. Volatility comes from one of two sources,
    which may disagree in calm weather, so each has its own average; `aside` is that of the other one.
    """

    usual: float = 0.0
    known_ms: int = 0
    last_ms: int = -1
    spiking: bool = False
    is_observed: bool = False
    aside: tuple[float, int, int] = (0.0, 0, -1)

    def seen(
        self,
        time_ms: int,
        volatility: float,
        *,
        ratio: float,
        warm_up_ms: int,
        memory_ms: int,
        is_observed: bool = False,
    ) -> "SpikeBreaker":
        """After a reading of volatility, whatever its unit; the average forgets with the time constant `memory_ms`."""
        if is_observed is not self.is_observed:
            return SpikeBreaker(*self.aside, self.spiking, is_observed, self[:3]).seen(
                time_ms, volatility, ratio=ratio, warm_up_ms=warm_up_ms, memory_ms=memory_ms, is_observed=is_observed
            )
        if self.last_ms < 0:
            return self._replace(usual=volatility, known_ms=0, last_ms=time_ms, spiking=False)
        # A silence teaches nothing about what is usual. Weights are those of a memory that began empty: else the
        # first reading, or the first after the silence, would be most of the average.
        elapsed_ms = min(time_ms - self.last_ms, _LONGEST_STEP_MS)
        known_ms = self.known_ms + elapsed_ms
        weight = expm1(-elapsed_ms / memory_ms) / expm1(-known_ms / memory_ms) if known_ms else 0.0
        usual = self.usual + weight * (volatility - self.usual)
        spiking = self.known_ms >= warm_up_ms and volatility > ratio * self.usual > 0
        return SpikeBreaker(usual, known_ms, time_ms, spiking, is_observed, self.aside)


class MoveBreaker(NamedTuple):
    """A pause after mid has moved too far within a short time; the updates of that time are kept."""

    recent: tuple[tuple[int, float], ...] = ()
    until_ms: int = -1

    def seen(self, time_ms: int, mid: float, *, share: float, within_ms: int, pause_ms: int) -> "MoveBreaker":
        """After an update of mid."""
        recent = (*[entry for entry in self.recent if time_ms - entry[0] <= within_ms], (time_ms, mid))
        prices = [price for _, price in recent]
        moved = max(mid / min(prices), max(prices) / mid) - 1 > share
        return MoveBreaker(recent, time_ms + pause_ms if moved else self.until_ms)


class ErrorBreaker(NamedTuple):
    """A pause after too many errors of the exchange's interface within a short time."""

    times_ms: tuple[int, ...] = ()
    until_ms: int = -1

    def failed(self, time_ms: int, *, most: int, within_ms: int, pause_ms: int) -> "ErrorBreaker":
        """After an error."""
        times = (*(time for time in self.times_ms if time_ms - time < within_ms), time_ms)
        return ErrorBreaker(times, time_ms + pause_ms if len(times) > most else self.until_ms)


class TakerBreaker(NamedTuple):
    """The share of our volume traded as taker over 24 hours, in buckets of an hour: (hour, maker, taker)."""

    buckets: tuple[tuple[int, float, float], ...] = ()
    paused: bool = False

    def seen(self, time_ms: int, *, pause: float, resume: float, least_volume: float) -> "TakerBreaker":
        """After time has passed: old volume is forgotten, and the pause ends below the lower share."""
        if not self.buckets and not self.paused:
            return self
        hour = time_ms // _HOUR_MS
        kept = TakerBreaker(tuple(bucket for bucket in self.buckets if hour - bucket[0] < 24), self.paused)
        share = kept.share(least_volume)
        return kept._replace(paused=share > pause + _ROUNDING or (self.paused and share >= resume - _ROUNDING))

    def traded(self, time_ms: int, value: float, *, is_taker: bool) -> "TakerBreaker":
        """After a fill of this value [quote currency]."""
        hour = time_ms // _HOUR_MS
        kept = [bucket for bucket in self.buckets if bucket[0] != hour]
        maker, taker = next((bucket[1:] for bucket in self.buckets if bucket[0] == hour), (0.0, 0.0))
        bucket = (hour, maker, taker + value) if is_taker else (hour, maker + value, taker)
        return self._replace(buckets=(*kept, bucket))

    def share(self, least_volume: float) -> float:
        """Taker volume over all volume; 0 while there is too little to tell."""
        maker = taker = 0.0
        for _, made, taken in self.buckets:
            maker, taker = maker + made, taker + taken
        return taker / (maker + taker) if maker + taker >= max(least_volume, _ROUNDING) else 0.0


class LosingBreaker(NamedTuple):
    """Losing fills in a row and when the pause they caused ends."""

    losses: int = 0
    until_ms: int = -1

    def judged(self, time_ms: int, *, losing: bool, pause_at: int, pause_ms: int) -> "LosingBreaker":
        """After a fill has been judged by its markout; a winning one ends the series, but not a pause."""
        if not losing:
            return self._replace(losses=0)
        losses = self.losses + 1
        pauses = losses >= pause_at and self.until_ms <= time_ms
        return LosingBreaker(losses, time_ms + pause_ms if pauses else self.until_ms)

    def seen(self, time_ms: int, *, resume_at: int) -> "LosingBreaker":
        """After time has passed: the end of a pause takes the count back to where quotes only fade."""
        if 0 <= self.until_ms <= time_ms:
            return LosingBreaker(min(self.losses, resume_at), -1)
        return self
