r"""What quotes earn in the long run: money, not utility.

Under fixed depths inventory is a birth–death chain: market buys that reach the ask take it from q + 1 to q, market
sells that reach the bid take it from q to q + 1. In the long run every such step is crossed as often up as down, at

.. math:: f(q) = p(q)\,A^{b} e^{-\kappa^{b} \delta^{b}(q)} = p(q+1)\,A^{a} e^{-\kappa^{a} \delta^{a}(q+1)}

which also gives the stationary law p. Each pair of crossings earns both margins:

.. math:: m = \sum_q f(q) \big[ s^{a} \delta^{a}(q+1) - c^{a} + s^{b} \delta^{b}(q) - c^{b} \big]

Adverse selection and fee are in c and s; mid is driftless. The growth of the value function
(`market_making.quoting.value.stationary`) is
this less φ E[q²]: the penalty is a preference and no expense, so it is not in m.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_making.market.sides import Sides
from market_making.market.tape import FloatArray
from market_making.quoting.value.cartea_jaimungal import FillArrays


class Behind(NamedTuple):
    """The order that follows a fill stands on the other side, too far from mid, because mid moves on with the fill.

    Attributes
    ----------
    offset : FloatArray, shape (C,)
        By how much, in mean depths of the orders that would fill it, κε.
    life_s : FloatArray, shape (C,)
        How long it stays there [s].
    """

    offset: FloatArray
    life_s: FloatArray

    def delay_s(self, rate: FloatArray) -> FloatArray:
        """Return how much later the next fill comes, where fills come at this rate otherwise; shape (C,) [s].

        At first the rate is r e^(−κε), after the life L it is r. The mean wait is longer than 1/r by
        ``(1 − exp(−r e^(−κε) L)) (e^(κε) − 1) / r``.
        """
        at_first = np.exp(-self.offset) * self.life_s
        met = at_first * rate
        share = np.divide(-np.expm1(-met), met, out=np.ones_like(met), where=met > 0)
        return np.asarray(share * at_first * np.expm1(self.offset))


FOLLOWS_AT_ONCE = Behind(np.zeros(1), np.zeros(1))


class Earnings(NamedTuple):
    """Long-run averages under fixed depths, one entry a coin (or a draw of one coin's parameters).

    Attributes
    ----------
    money : FloatArray, shape (C,)
        Net of adverse selection and fee [price/s per lot].
    fills : FloatArray, shape (C,)
        Both sides together [1/s].
    occupancy : FloatArray, shape (N, C)
        Share of time spent at each inventory from −maximum to maximum.
    """

    money: FloatArray
    fills: FloatArray
    occupancy: FloatArray

    def at_age(self, presence: FloatArray, pause_s: FloatArray, behind: Behind = FOLLOWS_AT_ONCE) -> "Earnings":
        """Return what is left of them for quotes of a bot that needs time for everything it does.

        Parameters
        ----------
        presence : FloatArray, shape (C,)
            Fills of the bot's order as a share of those of one that follows mid at once.
        pause_s : FloatArray, shape (C,)
            How long each fill leaves the bot without an order [s].
        behind : Behind
            How far from mid the order after a fill stands at first.
        """
        rate = presence * self.fills
        share = presence / (1 + (pause_s + behind.delay_s(rate)) * rate)
        return self._replace(money=self.money * share, fills=self.fills * share)

    @property
    def _inventory(self) -> FloatArray:
        bound = len(self.occupancy) // 2
        return np.arange(-bound, bound + 1, dtype=np.float64)

    @property
    def mean_square_inventory(self) -> FloatArray:
        """E[q²], shape (C,) [lots²]."""
        square: FloatArray = self._inventory**2 @ self.occupancy
        return square

    @property
    def inventory_sd(self) -> FloatArray:
        """Standard deviation of inventory, shape (C,) [lots]."""
        mean = self._inventory @ self.occupancy
        deviation: FloatArray = np.sqrt(np.maximum(self.mean_square_inventory - mean**2, 0.0))
        return deviation

    def largest_inventory(self, share: float) -> FloatArray:
        """The least |q| that is not exceeded for this share of the time, shape (C,) [lots]."""
        bound = len(self.occupancy) // 2
        folded = self.occupancy[bound:].copy()
        folded[1:] += self.occupancy[:bound][::-1]
        least: FloatArray = (np.cumsum(folded, axis=0) < share - 1e-12).sum(axis=0).astype(np.float64)
        return least


def earnings(depths: Sides[FloatArray], fills: Sides[FillArrays]) -> Earnings:
    """Earnings of fixed depths.

    Parameters
    ----------
    depths : Sides[FloatArray], shape (N, C)
        Distance of the quotes from mid at each inventory, ascending [price]; infinite where there is none, not read
        where a side is at its bound. One column may serve all entries of `fills`.
    fills : Sides[FillArrays]
        How market orders fill each side, arrays of shape (C,). Where one side is not filled at all, inventory does not
        go: there would be no way back.
    """
    ask, bid = depths.ask[1:], depths.bid[:-1]
    down, up = _rate(fills.ask, ask), _rate(fills.bid, bid)
    passable = (down > 0) & (up > 0)
    occupancy = stationary_inventory(down, up, passable)
    crossings = np.where(passable, occupancy[:-1] * up, 0.0)
    ask, bid = (np.where(passable, depth, 0.0) for depth in (ask, bid))
    margin = fills.ask.proceeds * ask - fills.ask.cost + fills.bid.proceeds * bid - fills.bid.cost
    return Earnings((crossings * margin).sum(axis=0), 2 * crossings.sum(axis=0), occupancy)


def stationary_inventory(down: FloatArray, up: FloatArray, passable: NDArray[np.bool_]) -> FloatArray:
    """Stationary law of a birth–death chain that starts at zero, shape (N, C).

    Parameters
    ----------
    down, up : FloatArray, shape (N − 1, C)
        `down[i]` leads from state i + 1 to i, `up[i]` from i to i + 1 [1/s]; positive where passable.
    passable : NDArray[bool], shape (N − 1, C)
        Steps that can be taken at all; beyond others nothing is reached from the middle.
    """
    centre = len(up) // 2
    ratio = np.log(up, out=np.zeros_like(up), where=passable) - np.log(down, out=np.zeros_like(up), where=passable)
    above = np.where(passable[centre:], ratio[centre:], -np.inf).cumsum(axis=0)
    below = np.where(passable[:centre], -ratio[:centre], -np.inf)[::-1].cumsum(axis=0)[::-1]
    logarithm = np.concatenate([below, np.zeros((1, up.shape[1])), above])
    weight = np.exp(logarithm - logarithm.max(axis=0))
    law: FloatArray = weight / weight.sum(axis=0)
    return law


def _rate(side: FillArrays, depth: FloatArray) -> FloatArray:
    rate: FloatArray = side.intensity * np.exp(-side.decay * depth)
    return rate
