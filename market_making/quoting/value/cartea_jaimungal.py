r"""The value of inventory to a market maker, and the quotes that follow from it (Cartea and Jaimungal).

The maker's value is cash + q·mid + h(τ, q), with q the inventory in lots and τ the time left. h solves

.. math::
    \partial_\tau h(q) = H^{a}\big(h(q-1)-h(q)\big) + H^{b}\big(h(q+1)-h(q)\big) + b\,q - \phi\,q^2,
    \qquad h(0, q) = -\alpha\,q^2

.. math::
    H(p) = \sup_{d \ge d_{min}} A\,e^{-\kappa d}\,(s\,d - c + p)

where A e^{−κd} is the rate of market orders that reach depth d, c the cost of a fill (adverse selection and fee), s the
share of the depth that is kept, d_min the smallest depth that may be quoted, b the drift of mid and φ the running
penalty. At the inventory bounds the term of the side that would go further is absent: no bid at the maximum, no ask at
the minimum. The best depth is max(d_min, 1/κ + (c − p)/s).

Source: Cartea, Jaimungal, Penalva, "Algorithmic and High-Frequency Trading" (2015), chapter 10; what differs from it
(bounds, fee, depth floor, units) is derived in docs/model.md.
"""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_making.market.errors import InvalidFlow
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray, IntArray

# Without a depth floor the fill rate grows as exp(−κ d) without bound. A floor at −40/κ keeps it finite and changes no
# quote by more than rounding: nobody who would pay 40 mean depths to trade survives the first microsecond.
_DEEPEST_CROSSING = 40.0


@dataclass(frozen=True)
class Fills:
    """How market orders fill one side of the quote, one entry per coin; scalars are broadcast.

    Parameters
    ----------
    intensity : array_like, shape (C,)
        A, rate of market orders that reach depth 0 [1/s]; not negative.
    decay : array_like, shape (C,)
        κ [1/price]; positive.
    cost : array_like, shape (C,)
        c, adverse selection on a fill plus maker fee, at depth 0 [price].
    floor : array_like, shape (C,)
        d_min, the smallest depth that may be quoted [price]; −inf for none.
    proceeds : array_like, shape (C,)
        s, the share of the depth that is kept: 1 − fee − θ on asks, 1 + fee − θ on bids [1]; positive.
    """

    intensity: ArrayLike
    decay: ArrayLike
    cost: ArrayLike = 0.0
    floor: ArrayLike = -np.inf
    proceeds: ArrayLike = 1.0

    def arrays(self, coins: int) -> "FillArrays":
        """Broadcast to all coins and check.

        Raises
        ------
        InvalidFlow
            If an entry is out of bounds or not a number.
        """
        given = (np.asarray(getattr(self, field.name), dtype=np.float64) for field in fields(self))
        arrays = FillArrays(*(np.broadcast_to(array, (coins,)) for array in given))
        _require(arrays.intensity, arrays.intensity >= 0, "a fill intensity", "finite and not negative")
        _require(arrays.decay, arrays.decay > 0, "a fill decay", "finite and positive")
        _require(arrays.cost, np.ones(coins, dtype=bool), "a cost", "finite")
        _require(np.maximum(arrays.floor, 0.0), arrays.floor < np.inf, "a depth floor", "finite or −inf")
        _require(arrays.proceeds, arrays.proceeds > 0, "a share of the depth", "finite and positive")
        return arrays


class FillArrays(NamedTuple):
    """`Fills` as arrays of shape (C,), checked."""

    intensity: FloatArray
    decay: FloatArray
    cost: FloatArray
    floor: FloatArray
    proceeds: FloatArray

    def depth(self, gain: FloatArray) -> FloatArray:
        """Best depth [price] if a fill changes h by `gain` [price]; shape (..., C)."""
        return np.maximum(self.floor, 1 / self.decay + (self.cost - gain) / self.proceeds)

    def income(self, gain: FloatArray) -> tuple[FloatArray, FloatArray]:
        """H(p) [price/s] and its derivative, the fill rate at the best depth [1/s]; shape (..., C)."""
        floor = np.maximum(self.floor, -_DEEPEST_CROSSING / self.decay)
        depth = np.maximum(floor, 1 / self.decay + (self.cost - gain) / self.proceeds)
        rate = self.intensity * np.exp(-self.decay * depth)
        # s d − c + p is s/κ where the floor does not bind and more where it does.
        return rate * np.maximum(self.proceeds / self.decay, self.proceeds * floor - self.cost + gain), rate


@dataclass(frozen=True)
class ValueProblem:
    """The equation of h for C coins that share an inventory bound.

    Parameters
    ----------
    ask, bid : Fills
        How market buys fill the ask and market sells the bid.
    maximum_inventory : int
        The bound of the inventory, on both sides [lots]; at least 1.
    running_penalty : array_like, shape (C,)
        φ [price/s per lot²]; not negative.
    drift : array_like, shape (C,)
        b, expected change of mid net of funding [price/s].

    Raises
    ------
    InvalidFlow
        If an entry is out of bounds or not a number.
    """

    ask: Fills
    bid: Fills
    maximum_inventory: int
    running_penalty: ArrayLike = 0.0
    drift: ArrayLike = 0.0

    def __post_init__(self) -> None:
        if self.maximum_inventory < 1:
            raise InvalidFlow(f"the maximum inventory must be at least 1 lot, got {self.maximum_inventory}")
        self.arrays()

    @property
    def coins(self) -> int:
        """Number of coins."""
        given = [getattr(side, field.name) for side in (self.ask, self.bid) for field in fields(side)]
        shape = np.broadcast_shapes(*(np.shape(value) for value in (*given, self.running_penalty, self.drift)))
        if len(shape) > 1:
            raise InvalidFlow(f"the inputs must have one entry per coin, got shape {shape}")
        return shape[0] if shape else 1

    @property
    def inventory(self) -> IntArray:
        """Every inventory, ascending, shape (2 maximum_inventory + 1,) [lots]."""
        return np.arange(-self.maximum_inventory, self.maximum_inventory + 1)

    def arrays(self) -> "ProblemArrays":
        """The same with every entry broadcast to all coins and checked."""
        coins, q = self.coins, self.inventory[:, None]
        penalty, drift = (
            np.broadcast_to(np.asarray(value, dtype=np.float64), (coins,))
            for value in (self.running_penalty, self.drift)
        )
        _require(penalty, penalty >= 0, "a running penalty", "finite and not negative")
        _require(drift, np.ones(coins, dtype=bool), "a drift", "finite")
        sides = Sides(bid=self.bid.arrays(coins), ask=self.ask.arrays(coins))
        return ProblemArrays(sides, drift * q - penalty * q**2)

    def with_penalty(self, running_penalty: ArrayLike) -> "ValueProblem":
        """The same problem with another φ."""
        return replace(self, running_penalty=running_penalty)

    def of(self, chosen: IntArray) -> "ValueProblem":
        """The same problem for some of the coins."""
        coins = self.coins
        ask, bid = (Fills(*(array[chosen] for array in side.arrays(coins))) for side in (self.ask, self.bid))
        penalty, drift = (np.broadcast_to(value, (coins,))[chosen] for value in (self.running_penalty, self.drift))
        return ValueProblem(ask, bid, self.maximum_inventory, penalty, drift)


class Flows(NamedTuple):
    """The right-hand side of the equation at some h: growth of h (N, C), fill rates of ask and bid (N − 1, C).

    `ask_rate[i]` leads from inventory i + 1 to i, `bid_rate[i]` from i to i + 1.
    """

    growth: FloatArray
    ask_rate: FloatArray
    bid_rate: FloatArray


class ProblemArrays(NamedTuple):
    """A value problem in the layout of the solvers: inventory along the first axis, coins along the fast one."""

    sides: Sides[FillArrays]
    carry: FloatArray  # b q − φ q², shape (N, C) [price/s]

    def flows(self, value: FloatArray) -> Flows:
        """Growth of h and the fill rates at the best quotes, for h of shape (N, C) [price]."""
        bid_gain = np.diff(value, axis=0)
        ask_income, ask_rate = self.sides.ask.income(-bid_gain)
        bid_income, bid_rate = self.sides.bid.income(bid_gain)
        growth = self.carry.copy()
        growth[1:] += ask_income
        growth[:-1] += bid_income
        return Flows(growth, ask_rate, bid_rate)

    def depths(self, value: FloatArray) -> Sides[FloatArray]:
        """Best depths for h of shape (N, C); NaN where the side is not quoted [price]."""
        bid_gain = np.diff(value, axis=0)
        ask, bid = np.full_like(value, np.nan), np.full_like(value, np.nan)
        ask[1:] = self.sides.ask.depth(-bid_gain)
        bid[:-1] = self.sides.bid.depth(bid_gain)
        return Sides(bid=bid, ask=ask)

    def of(self, chosen: IntArray) -> "ProblemArrays":
        """The same equation for some of the coins."""
        sides = self.sides.map(lambda side: FillArrays(*(array[chosen] for array in side)))
        return ProblemArrays(sides, self.carry[:, chosen])

    @property
    def length(self) -> FloatArray:
        """The unit of depth of each coin: the smaller 1/κ, shape (C,) [price]."""
        length: FloatArray = 1 / np.maximum(self.sides.ask.decay, self.sides.bid.decay)
        return length


def _require(values: FloatArray, holds: NDArray[np.bool_], what: str, needed: str) -> None:
    wrong = ~(holds & np.isfinite(values))
    if wrong.any():
        coin = int(np.argmax(wrong))
        raise InvalidFlow(f"{what} must be {needed}, got {values[coin]} (coin {coin})")
