"""The memory of one coin: from updates of mid and own fills to the readings a model may use (`observations`).

Every model is a pure function; what has to be remembered for it is kept here. A restart loses it all: volatility is
known again after sixty updates, at the earliest after a minute, and what is usual, which had up to a day of memory, ten
minutes later and from then on only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, sqrt
from typing import NamedTuple

from market_making.quoting.models.ladder_shape import ShapeState, next_shape
from market_making.quoting.readings.markouts import Markouts, OwnFill, recent_capture_bps
from market_making.quoting.readings.observations import NOTHING_OBSERVED, Observations
from market_making.quoting.readings.rolling_volatility import LONGEST_GAP_MS, RollingVolatility
from market_making.quoting.readings.volatility import bps_per_root_minute, price_volatility

SPACING_MS = 1_000
_USUAL_MEMORY_MS = 86_400_000
_USUAL_FROM_MS = 600_000
_CAPTURE_MS = 300_000


@dataclass(frozen=True)
class ObserverSettings:
    """How fills are judged: after `markout_ms`, by a move of one standard deviation in that time."""

    markout_ms: int = 10_000
    calm_bps: float = 5.0
    wild_bps: float = 25.0


class Beside(NamedTuple):
    """What others tell: the trend from −1 to 1, the share of the margin in use, whether a model is hedging."""

    bias: float = 0.0
    margin_used: float = 0.0
    hedging: bool = False


_NOTHING_TOLD = Beside()


class Observer:
    """What is remembered of one coin.

    Attributes
    ----------
    volatility : float or None
        Relative per √s; None while too little was seen.
    markouts : Markouts
        Scores of own fills, and those that are too fresh to be judged.
    fills : tuple of OwnFill
        Of the last minutes.
    """

    def __init__(self) -> None:
        self.volatility: float | None = None
        self.markouts = Markouts()
        self.fills: tuple[OwnFill, ...] = ()
        self._rolling = RollingVolatility()
        self._usual = 0.0  # average over the time in which volatility was known, with a memory of a day
        self._known_ms = 0
        self._shape = ShapeState()

    @property
    def mids(self) -> Sequence[tuple[int, float]]:
        """At most one update of mid per second of the last ten minutes [ms, price]."""
        return self._rolling.mids

    def filled(self, fill: OwnFill) -> None:
        """Take note of a fill of our own quote."""
        recent = tuple(known for known in self.fills if fill.time_ms - known.time_ms <= _CAPTURE_MS)
        self.fills, self.markouts = (*recent, fill), self.markouts.filled(fill)

    def seen(self, time_ms: int, mid: float, settings: ObserverSettings) -> None:
        """Take note of an update of mid; a second one within a second changes only the scores of fills."""
        scale = mid * (self.volatility or 0.0) * sqrt(settings.markout_ms / 1e3)
        self.markouts = self.markouts.seen(time_ms, mid, horizon_ms=settings.markout_ms, scale=scale)
        last_ms = self.mids[-1][0] if self.mids else None
        if last_ms is not None and time_ms - last_ms < SPACING_MS:
            return
        self.volatility = volatility = self._rolling.seen(time_ms, mid)
        if volatility is None or last_ms is None:
            return
        # Over a gap nothing was learnt. Weights are those of a memory that began empty: the first is one of many.
        elapsed_ms = min(time_ms - last_ms, LONGEST_GAP_MS)
        self._known_ms += elapsed_ms
        weight = expm1(-elapsed_ms / _USUAL_MEMORY_MS) / expm1(-self._known_ms / _USUAL_MEMORY_MS)
        self._usual += weight * (volatility - self._usual)
        per_minute = bps_per_root_minute(volatility)
        self._shape = next_shape(self._shape, per_minute, calm_bps=settings.calm_bps, wild_bps=settings.wild_bps)

    def observations(
        self, now_ms: int, mid: float, levels: Observations = NOTHING_OBSERVED, beside: Beside = _NOTHING_TOLD
    ) -> Observations:
        """The readings now, with the book of `levels` and what others tell; those of the risk rules are added later."""
        return Observations(
            bids=levels.bids,
            asks=levels.asks,
            bias=beside.bias,
            volatility=None if self.volatility is None else price_volatility(self.volatility, mid),
            usual_volatility=None if self._known_ms < _USUAL_FROM_MS else price_volatility(self._usual, mid),
            ladder_shape=self._shape.shape,
            markout_factors=self.markouts.factors,
            recent_capture_bps=recent_capture_bps(self.fills, now_ms, mid, window_ms=_CAPTURE_MS),
            margin_used=beside.margin_used,
            hedging=beside.hedging,
        )
