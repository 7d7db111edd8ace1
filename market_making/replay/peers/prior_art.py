"""The earlier public Cartea–Jaimungal bot on Freqtrade: its formula and its table as published, mistakes included.

What it does otherwise than `market_making.quoting`: no penalty of inventory (φ = α = 0), a fresh minute to the horizon
at every calibration, the whole drift λ⁺ε⁺ − λ⁻ε⁻, income at the bounds as if inventory could go on growing, and two
maker fees on each side beside the model instead of one inside it. It is long or flat: it buys one lot, then sells it.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.integrate import solve_ivp

from market_making.market.sides import Direction, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow
from market_making.replay.peers.peer import PeerView, Wanted
from market_making.replay.peers.pricing import both

_STEEPEST = 50.0  # of an exponent: rates beyond it are no rates


@dataclass
class PriorArt:
    """The published formula.

    Parameters
    ----------
    maker_fee : float
        Fraction of the value; it is added twice on each side.
    most : int
        Bound of the table [lots].
    horizon_s : float
        T [s].
    """

    maker_fee: float = 0.00015
    most: int = 3
    horizon_s: float = 60.0
    _known: tuple[OrderFlow, FloatArray] | None = field(default=None, init=False)

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """A bid while flat, an ask while long."""
        flow = view.flow
        if flow is None:
            return Sides(None, None)
        if self._known is None or self._known[0] is not flow:
            self._known = flow, published_table(flow, self.most, self.horizon_s)
        table, held = self._known[1], min(max(round(view.position / view.lot), 0), self.most)
        row, cushion = held + self.most, 2 * self.maker_fee * view.mid
        lower, higher = table[max(row - 1, 0)], table[min(row + 1, len(table) - 1)]
        ask = 1 / flow.fill_decay.buy + flow.adverse_selection.buy - (lower - table[row]) + cushion
        bid = 1 / flow.fill_decay.sell + flow.adverse_selection.sell - (higher - table[row]) + cushion
        quotes = both(view, view.mid - bid, view.mid + ask)
        if view.position < view.lot / 2:
            return quotes._replace(ask=None)
        return Sides(bid=None, ask=None if quotes.ask is None else Wanted(quotes.ask.price, view.position))


def published_table(flow: OrderFlow, most: int, horizon_s: float) -> FloatArray:
    """h(0, q) of the published equations for q = −most … most, shape (2 · most + 1,) [price].

    Parameters
    ----------
    flow : OrderFlow
        λ, κ and ε over all market orders.
    most : int
        Bound of the inventory [lots].
    horizon_s : float
        T [s].
    """
    inventory = np.arange(-most, most + 1)
    rate, decay, adverse = flow.arrival_rate, flow.fill_decay, flow.adverse_selection
    drift = rate.buy * adverse.buy - rate.sell * adverse.sell

    def slope(_: float, h: FloatArray) -> FloatArray:
        lower, higher = np.append(h[0], h[:-1]), np.append(h[1:], h[-1])  # at a bound: as if nothing changed there
        gains = [
            rate.of(side) / decay.of(side) * _exp(-1 - decay.of(side) * (adverse.of(side) - (next_ - h)))
            for side, next_ in zip(Direction, (lower, higher), strict=True)
        ]
        return np.asarray(inventory * drift + gains[0] + gains[1])

    solved = solve_ivp(slope, (0.0, horizon_s), np.zeros(len(inventory)), method="LSODA", rtol=1e-8, atol=1e-10)
    return np.asarray(solved.y[:, -1], dtype=np.float64)


def _exp(exponent: FloatArray) -> FloatArray:
    return np.asarray(np.exp(np.minimum(exponent, _STEEPEST)))
