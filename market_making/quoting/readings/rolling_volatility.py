"""Effective volatility carried on from update to update: its sums are kept, and each return adds to them once.

Every sum is added up anew now and then, so that rounding does not pile up. The compiled desk of the replay reckons in
the same steps (`market_making.replay.fast_desk.readings`); `market_making.quoting.readings.volatility` has the formulas
over whole arrays.
"""

from collections import deque
from itertools import islice
from math import log, sqrt

SHORT = 60  # returns
DECAY = 0.94
KEPT_MS = 600_000
LONGEST_GAP_MS = 10_000
LEAST_RETURNS, LEAST_COVERED_S = 60, 60.0
ANEW = 256  # returns after which the sums are added up anew


class _Sums:
    """Sums over returns r that each took a time t [s]: Σr, Σr², Σt, Σt², Σrt."""

    __slots__ = ("move", "product", "span", "span_square", "square")

    def __init__(self) -> None:
        self.move = self.square = self.span = self.span_square = self.product = 0.0

    def add(self, move: float, span: float) -> None:
        """With one more return."""
        self.move += move
        self.square += move * move
        self.span += span
        self.span_square += span * span
        self.product += move * span

    def take(self, move: float, span: float) -> None:
        """Without a return that was added."""
        self.move -= move
        self.square -= move * move
        self.span -= span
        self.span_square -= span * span
        self.product -= move * span

    @property
    def variance(self) -> float:
        """Of the returns about their common drift [1/s]."""
        drift = self.move / self.span
        return max((self.square - 2 * drift * self.product + drift * drift * self.span_square) / self.span, 0.0)


class RollingVolatility:
    """Effective volatility of the last ten minutes.

    Attributes
    ----------
    mids : deque of (int, float)
        Updates of the last ten minutes, ascending in time [ms, price].
    """

    __slots__ = ("_last_log", "_long", "_returns", "_short", "_since", "_weighted_span", "_weighted_square", "mids")

    def __init__(self) -> None:
        self.mids: deque[tuple[int, float]] = deque()
        self._returns: deque[tuple[float, float]] = deque()
        self._last_log = 0.0
        self._since = 0
        self._long, self._short = _Sums(), _Sums()
        self._weighted_square = self._weighted_span = 0.0

    def seen(self, time_ms: int, mid: float) -> float | None:
        """After an update of mid; None while too little was seen [relative per √s].

        A jump over a gap of more than ten seconds is no return.
        """
        mids, here, oldest_ms = self.mids, log(mid), time_ms - KEPT_MS
        last_ms = mids[-1][0] if mids else None
        while mids and mids[0][0] < oldest_ms:
            gone_ms, _ = mids.popleft()
            if mids and mids[0][0] - gone_ms <= LONGEST_GAP_MS:
                self._forget()
        if mids and last_ms is not None and time_ms - last_ms <= LONGEST_GAP_MS:
            self._add(here - self._last_log, (time_ms - last_ms) / 1e3)
        mids.append((time_ms, mid))
        self._last_log = here
        return self._effective()

    def _add(self, move: float, span: float) -> None:
        returns = self._returns
        returns.append((move, span))
        self._since += 1
        if self._since >= ANEW:
            self._add_up()
            return
        self._long.add(move, span)
        self._short.add(move, span)
        self._weigh(move, span)
        if len(returns) > SHORT:
            self._short.take(*returns[-SHORT - 1])

    def _weigh(self, move: float, span: float) -> None:
        self._weighted_square = DECAY * self._weighted_square + (1 - DECAY) * move * move
        self._weighted_span = DECAY * self._weighted_span + (1 - DECAY) * span

    def _forget(self) -> None:
        """The oldest return is too old."""
        move, span = self._returns.popleft()
        left = len(self._returns)
        self._long.take(move, span)
        if left < SHORT:
            self._short.take(move, span)
        weight = (1 - DECAY) * DECAY**left
        self._weighted_square -= weight * move * move
        self._weighted_span -= weight * span

    def _add_up(self) -> None:
        """Add all sums up anew."""
        self._long, self._short = _Sums(), _Sums()
        self._weighted_square = self._weighted_span = 0.0
        self._since = 0
        for move, span in self._returns:
            self._long.add(move, span)
            self._weigh(move, span)
        for move, span in islice(self._returns, max(len(self._returns) - SHORT, 0), None):
            self._short.add(move, span)

    def _effective(self) -> float | None:
        count, span = len(self._returns), self._long.span
        if count < LEAST_RETURNS or span < LEAST_COVERED_S:
            return None
        long, start = self._long.variance, DECAY**count * span / count
        weighted = max((start * long + self._weighted_square) / (start + self._weighted_span), 0.0)
        return 0.3 * sqrt(self._short.variance) + 0.4 * sqrt(weighted) + 0.3 * sqrt(long)
