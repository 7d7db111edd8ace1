"""The memory of one coin: from updates of mid and own fills to the readings a model may use (`observations`).

Every model is a pure function; what has to be remembered for it is kept here, in one immutable value that its owner
replaces after every event. A restart loses it all: volatility is known again after sixty updates, at the earliest after
a minute, and what is usual, which had up to a day of memory, ten minutes later and from then on only.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import expm1, sqrt

import numpy as np

from market_making.quoting.models.ladder_shape import ShapeState, next_shape
from market_making.quoting.readings.markouts import Markouts, OwnFill, recent_capture_bps
from market_making.quoting.readings.observations import Observations
from market_making.quoting.readings.volatility import (
    bps_per_root_minute,
    effective_volatility,
    price_volatility,
    unbroken_returns,
)

_SPACING_MS = 1_000
_KEPT_MS = 600_000
_LONGEST_GAP_MS = 10_000
_LEAST_RETURNS, _LEAST_COVERED_S = 60, 60.0
_USUAL_MEMORY_MS = 86_400_000
_USUAL_FROM_MS = 600_000
_CAPTURE_MS = 300_000


@dataclass(frozen=True)
class ObserverSettings:
    """How fills are judged: after `markout_ms`, by a move of one standard deviation in that time."""

    markout_ms: int = 10_000
    calm_bps: float = 5.0
    wild_bps: float = 25.0


@dataclass(frozen=True)
class Observer:
    """What is remembered of one coin.

    `mids` holds at most one update per second of the last ten minutes; `volatility` is relative per √s, None with too
    few of them. `usual` is its average over `known_ms`, the time in which it was known, with a memory of a day.
    """

    mids: tuple[tuple[int, float], ...] = ()
    volatility: float | None = None
    usual: float = 0.0
    known_ms: int = 0
    shape: ShapeState = ShapeState()  # noqa: RUF009 - immutable
    markouts: Markouts = Markouts()  # noqa: RUF009
    fills: tuple[OwnFill, ...] = ()

    def filled(self, fill: OwnFill) -> "Observer":
        """After a fill of our own quote."""
        recent = tuple(known for known in self.fills if fill.time_ms - known.time_ms <= _CAPTURE_MS)
        return replace(self, fills=(*recent, fill), markouts=self.markouts.filled(fill))

    def seen(self, time_ms: int, mid: float, settings: ObserverSettings) -> "Observer":
        """After an update of mid; a second one within a second changes only the scores of fills."""
        scale = mid * (self.volatility or 0.0) * sqrt(settings.markout_ms / 1e3)
        markouts = self.markouts.seen(time_ms, mid, horizon_ms=settings.markout_ms, scale=scale)
        if self.mids and time_ms - self.mids[-1][0] < _SPACING_MS:
            return replace(self, markouts=markouts)
        kept = bisect_left(self.mids, (time_ms - _KEPT_MS,))  # they ascend in time
        mids = (*self.mids[kept:], (time_ms, mid))
        volatility = _volatility(mids)
        if volatility is None:
            return replace(self, mids=mids, volatility=None, markouts=markouts)
        # Over a gap nothing was learnt. Weights are those of a memory that began empty: the first is one of many.
        elapsed_ms = min(time_ms - self.mids[-1][0], _LONGEST_GAP_MS)
        known_ms = self.known_ms + elapsed_ms
        weight = expm1(-elapsed_ms / _USUAL_MEMORY_MS) / expm1(-known_ms / _USUAL_MEMORY_MS)
        usual = self.usual + weight * (volatility - self.usual)
        shape = next_shape(
            self.shape, bps_per_root_minute(volatility), calm_bps=settings.calm_bps, wild_bps=settings.wild_bps
        )
        known = replace(self, mids=mids, volatility=volatility, usual=usual, known_ms=known_ms)
        return replace(known, shape=shape, markouts=markouts)

    def observations(self, now_ms: int, mid: float) -> Observations:
        """The readings now; levels, trend, funding and risk are for the caller to add."""
        return Observations(
            volatility=None if self.volatility is None else price_volatility(self.volatility, mid),
            usual_volatility=None if self.known_ms < _USUAL_FROM_MS else price_volatility(self.usual, mid),
            ladder_shape=self.shape.shape,
            markout_factors=self.markouts.factors,
            recent_capture_bps=recent_capture_bps(self.fills, now_ms, mid, window_ms=_CAPTURE_MS),
        )


def _volatility(mids: tuple[tuple[int, float], ...]) -> float | None:
    """Effective volatility of the last ten minutes, or None if too little of them was seen [relative per √s]."""
    time_ms, mid = np.array([entry[0] for entry in mids]), np.array([entry[1] for entry in mids])
    returns = unbroken_returns(time_ms, mid, longest_gap_ms=_LONGEST_GAP_MS)
    if len(returns.moves) < _LEAST_RETURNS or returns.elapsed_s.sum() < _LEAST_COVERED_S:
        return None
    return effective_volatility(*returns).mixed
