"""How peers keep their orders."""

from dataclasses import dataclass, field
from math import inf

from market_making.market.sides import Side, Sides
from market_making.replay.makers.maker import Resting
from market_making.replay.peers.peer import Changes, PeerView, Wanted

_ALIKE = 1e-12  # of a price


@dataclass
class EveryLoop:
    """Every order follows its wanted price at once; a side is cancelled and placed again in one loop."""

    every_s: float | None = None

    def changes(
        self, view: PeerView, wanted: Sides[Wanted | None], resting: Sides[Resting | None], *, filled: bool
    ) -> Changes:
        """Cancel what differs from the wanted price, place what is missing."""
        del view, filled
        moved = tuple(side for side in Side if _moved(wanted.of(side), resting.of(side), 0.0))
        missing = [side for side in Side if resting.of(side) is None or side in moved]
        return Changes(moved, tuple(side for side in missing if wanted.of(side) is not None))


@dataclass
class Refreshing:
    """Hummingbot's timers: both orders are cancelled and placed again every so often, later after a fill.

    Parameters
    ----------
    refresh_s : float
        ``order_refresh_time`` [s].
    tolerance : float
        ``order_refresh_tolerance_pct``: orders within it of their new prices stay [fraction of the price].
    after_fill_s : float
        ``filled_order_delay`` [s].
    """

    refresh_s: float = 30.0
    tolerance: float = 0.0
    after_fill_s: float = 60.0
    every_s: float | None = None
    _create_ms: float = field(default=-inf, init=False)
    _cancel_ms: float = field(default=inf, init=False)

    def changes(
        self, view: PeerView, wanted: Sides[Wanted | None], resting: Sides[Resting | None], *, filled: bool
    ) -> Changes:
        """Cancel when it is time, place when it is time and nothing rests."""
        now_ms, refresh_ms = view.time_ms, self.refresh_s * 1e3
        if filled:
            self._create_ms = now_ms + self.after_fill_s * 1e3
            self._cancel_ms = min(self._cancel_ms, self._create_ms)
        rests = tuple(side for side in Side if resting.of(side) is not None)
        if rests and now_ms >= self._cancel_ms:
            if not any(_moved(wanted.of(side), resting.of(side), self.tolerance) for side in Side):
                self._cancel_ms = now_ms + refresh_ms
                return Changes()
            self._cancel_ms = inf
            return Changes(cancel=rests, place=self._placed(now_ms, wanted))
        return Changes(place=() if rests else self._placed(now_ms, wanted))

    def _placed(self, now_ms: int, wanted: Sides[Wanted | None]) -> tuple[Side, ...]:
        sides = tuple(side for side in Side if wanted.of(side) is not None)
        if now_ms < self._create_ms or not sides:
            return ()
        self._create_ms = self._cancel_ms = now_ms + self.refresh_s * 1e3
        return sides


@dataclass
class Drifting:
    """The SDK's example: an order stays until it is off by a share of its distance; fills are learnt by polling.

    Parameters
    ----------
    deviation : float
        Share of the distance from the touch by which a price may be off.
    poll_s : float
        After a fill nothing is placed until the position is next asked for [s].
    """

    deviation: float = 0.5
    poll_s: float = 10.0
    every_s: float | None = None
    _known: bool = field(default=True, init=False)
    _poll_ms: float = field(default=-inf, init=False)

    def changes(
        self, view: PeerView, wanted: Sides[Wanted | None], resting: Sides[Resting | None], *, filled: bool
    ) -> Changes:
        """Cancel what has drifted, place what is missing if the position is known."""
        self._known = self._known and not filled
        if view.time_ms >= self._poll_ms:
            self._known, self._poll_ms = True, view.time_ms + self.poll_s * 1e3
        gone, placed = [], []
        for side in Side:
            order, held = wanted.of(side), resting.of(side)
            if held is not None and order is not None:
                allowed = self.deviation * abs(order.price - view.best(side))
                if abs(order.price - held.price) > allowed:
                    gone.append(side)
            if order is not None and self._known and (held is None or side in gone):
                placed.append(side)
        return Changes(tuple(gone), tuple(placed))


@dataclass
class TimingOut:
    """Freqtrade's way with a timeout: an order stays until it is old, whatever the market does, then a new one.

    Parameters
    ----------
    every_s : float
        ``process_throttle_secs`` [s].
    timeout_s : float
        ``unfilledtimeout`` [s].
    """

    every_s: float | None = 15.0
    timeout_s: float = 15.0

    def changes(
        self, view: PeerView, wanted: Sides[Wanted | None], resting: Sides[Resting | None], *, filled: bool
    ) -> Changes:
        """Cancel what is too old; place where nothing rests. One order at a time."""
        del filled
        held = [side for side in Side if resting.of(side) is not None]
        old = tuple(side for side in held if view.time_ms - _placed_ms(resting.of(side)) >= self.timeout_s * 1e3)
        if len(old) < len(held):
            return Changes(old)
        return Changes(old, tuple(side for side in Side if wanted.of(side) is not None)[:1])


def _moved(wanted: Wanted | None, resting: Resting | None, tolerance: float) -> bool:
    """Whether a resting order is not where it is wanted."""
    if resting is None:
        return False
    return wanted is None or abs(wanted.price - resting.price) > max(tolerance, _ALIKE) * resting.price


def _placed_ms(resting: Resting | None) -> float:
    return inf if resting is None else resting.placed_ms
