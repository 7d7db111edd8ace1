"""What peers quote: at a fixed distance, at the touch, and as three public makers do."""

from collections import deque
from dataclasses import dataclass, field
from math import isfinite, log1p, sqrt

import numpy as np

from market_making.market.sides import Side, Sides
from market_making.replay.peers.peer import PeerView, Wanted

_FULL = 1 - 1e-9  # of an order: less room than this is none


@dataclass
class FixedSpread:
    """Both sides at a fixed distance from mid, whatever is held.

    Parameters
    ----------
    half_spread_bps : float
        Distance from mid [bps].
    """

    half_spread_bps: float = 5.0

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """A lot on each side."""
        distance = view.mid * self.half_spread_bps * 1e-4
        return both(view, view.mid - distance, view.mid + distance)


@dataclass
class AtTouch:
    """Both sides at the market's best prices."""

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """A lot on each side."""
        return both(view, view.bid, view.ask)


@dataclass
class RollingAvellaneda:
    """Hummingbot's Avellaneda–Stoikov rules with no end of the day.

    With q the deviation from the target as a share of the inventory, γ the risk factor, and σ the root mean square of
    the last mid changes, both prices lie around ``mid − q γ σ`` and their distance is ``γ σ + (2/γ) ln(1 + γ/κ)``.
    Neither goes further ahead than one tick beyond the market's best. Here κ is that of the calibration and not of
    Hummingbot's own fit, and the target is a flat position: q runs from −1/2 to 1/2.

    Parameters
    ----------
    risk_factor : float
        γ.
    samples : int
        ``volatility_buffer_size``, one a loop; until they are full nothing is quoted.
    """

    risk_factor: float = 1.0
    samples: int = 200
    _mids: deque[float] = field(default_factory=deque, init=False)

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """A lot on each side."""
        self._mids.append(view.mid)
        if len(self._mids) > self.samples:
            self._mids.popleft()
        if len(self._mids) < self.samples or view.flow is None:
            return Sides(None, None)
        volatility = sqrt(float(np.mean(np.square(np.diff(np.array(self._mids))))))
        decay = (view.flow.fill_decay.buy + view.flow.fill_decay.sell) / 2
        share, risk = view.position / (2 * view.bound), self.risk_factor
        middle = view.mid - share * risk * volatility
        half = (risk * volatility + 2 / risk * log1p(risk / decay)) / 2
        return both(view, min(middle - half, view.bid + view.tick), max(middle + half, view.ask - view.tick))


@dataclass
class BasicAdding:
    """The Hyperliquid SDK's example: 0.3 % beyond the touch, with a size that would reach the bound.

    Parameters
    ----------
    depth : float
        Distance from the best price of the side [fraction].
    """

    depth: float = 0.003

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """One order on each side while there is room."""

        def of(side: Side) -> Wanted | None:
            sign = -1 if side is Side.BID else 1
            size = view.room(side)
            if size < view.lot * _FULL:
                return None
            return Wanted(view.best(side) * (1 + sign * self.depth), size)

        return Sides(bid=of(Side.BID), ask=of(Side.ASK))


def both(view: PeerView, bid: float, ask: float) -> Sides[Wanted | None]:
    """A lot at each of these prices [price] as long as the bound leaves room for it."""

    def of(side: Side, price: float) -> Wanted | None:
        has_room = view.room(side) >= view.lot * _FULL
        return Wanted(price, view.lot) if has_room and isfinite(price) and price > 0 else None

    return Sides(bid=of(Side.BID, bid), ask=of(Side.ASK, ask))
