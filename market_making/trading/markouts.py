"""What mid did after own fills, at several horizons: means with intervals, for people and pages."""

from math import sqrt

from scipy.special import stdtrit

from market_making.market.sides import Side
from market_making.safety.state_file import MarkoutState
from market_making.trading.fills import Fill

HORIZONS_S = (1.0, 10.0, 60.0)
_LIKELIHOOD = 0.975  # two-sided 95 %


class _Horizon:
    """Moves at one horizon: the fills that wait, and the sums of those that do no more (Welford)."""

    def __init__(self, horizon_s: float) -> None:
        self.horizon_s = horizon_s
        self.waiting: list[Fill] = []
        self._n = 0
        self._mean = 0.0
        self._squares = 0.0

    def seen(self, time_ms: int, mid: float) -> None:
        due = [fill for fill in self.waiting if time_ms - fill.time_ms >= self.horizon_s * 1e3]
        for fill in due:
            self._add(favourable_move_bps(fill, mid))
        del self.waiting[: len(due)]

    def state(self) -> MarkoutState:
        if self._n < 2:
            return MarkoutState(self.horizon_s, self._mean, None, None, self._n)
        error = sqrt(self._squares / (self._n - 1) / self._n)
        reach = float(stdtrit(self._n - 1, _LIKELIHOOD)) * error
        return MarkoutState(self.horizon_s, self._mean, self._mean - reach, self._mean + reach, self._n)

    def _add(self, move: float) -> None:
        self._n += 1
        before = move - self._mean
        self._mean += before / self._n
        self._squares += before * (move - self._mean)


class MarkoutMeter:
    """Markouts of one pair since the start."""

    def __init__(self) -> None:
        self._horizons = [_Horizon(horizon_s) for horizon_s in HORIZONS_S]

    def filled(self, fill: Fill) -> None:
        """Wait for what follows a fill; without the mid before it nothing can be told."""
        if fill.mid is not None:
            for horizon in self._horizons:
                horizon.waiting.append(fill)

    def seen(self, time_ms: int, mid: float) -> None:
        """Judge the fills whose time has come by this mid [price]."""
        for horizon in self._horizons:
            horizon.seen(time_ms, mid)

    def states(self) -> tuple[MarkoutState, ...]:
        """The mean at each horizon with its 95 % interval; fills soon after one another are not independent."""
        return tuple(horizon.state() for horizon in self._horizons)


def favourable_move_bps(fill: Fill, mid: float) -> float:
    """Move of mid since before the fill, positive in favour of the position that it opened [bps]."""
    before = fill.mid if fill.mid is not None else fill.price
    move = (mid - before) / before * 1e4
    return move if fill.side is Side.BID else -move
