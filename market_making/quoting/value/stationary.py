"""Quotes far from any planned end: h(τ, q) → growth·τ + h(q), solved for many coins at once.

Source: pseudo-transient continuation, Kelley and Keyes (1998): linearly implicit Euler steps whose length grows as the
residual falls, so that the last steps are Newton's. The limit exists and is unique where both sides can be filled.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_making.market.errors import NoSolution
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.value.cartea_jaimungal import Flows, ProblemArrays, ValueProblem
from market_making.quoting.value.tridiagonal import Elimination

_ITERATIONS = 200
_TOLERANCE = 1e-11  # of the change of h between neighbouring inventories, against its scale
_LONGEST_STEP = 1e14  # in units of the time of the fastest fill: numerically Newton's method
_NOISE = 1e-13  # residual that is rounding, against its scale


@dataclass(frozen=True)
class StationarySolution:
    """The stationary value of inventory and its quotes, one row per coin.

    Attributes
    ----------
    inventory : IntArray, shape (N,)
        Ascending [lots].
    value : FloatArray, shape (C, N)
        h(q) with h(0) = 0 [price per lot]; NaN for coins that are not solved.
    growth : FloatArray, shape (C,)
        What the maker earns in the long run, penalty included [price/s per lot].
    depths : Sides[FloatArray], shape (C, N)
        Distance of the quotes from mid [price]; NaN where a side is not quoted or the coin is not solved.
    solved : NDArray[bool], shape (C,)
        False where a side has no fills (there is no limit then) or the iteration did not converge.
    """

    inventory: IntArray
    value: FloatArray
    growth: FloatArray
    depths: Sides[FloatArray]
    solved: NDArray[np.bool_]

    def required(self) -> "StationarySolution":
        """The solution itself, if every coin is solved.

        Raises
        ------
        NoSolution
            Naming the coins without a stationary limit by their position.
        """
        if not self.solved.all():
            missing = ", ".join(str(coin) for coin in np.flatnonzero(~self.solved))
            raise NoSolution(f"no stationary quotes for coin {missing}: both sides need fills that do not underflow")
        return self


def stationary(problem: ValueProblem, start: FloatArray | None = None) -> StationarySolution:
    """Solve for the stationary value and quotes of every coin.

    Parameters
    ----------
    problem : ValueProblem
        C coins, N = 2 maximum_inventory + 1 inventories.
    start : FloatArray, shape (C, N), optional
        A value near the solution, such as the previous one [price]; rows that are not finite are ignored.
    """
    arrays = problem.arrays()
    value = np.zeros(arrays.carry.shape)
    if start is not None:
        value = np.where(np.isfinite(start).all(axis=1), start.T, 0.0)
    solved = np.zeros(problem.coins, dtype=np.bool_)
    growth = np.full(problem.coins, np.nan)
    pending = np.flatnonzero((arrays.sides.ask.intensity > 0) & (arrays.sides.bid.intensity > 0))
    state = _State.at(arrays.of(pending), value[:, pending])
    for _ in range(_ITERATIONS):
        if not len(pending):
            break
        state, done = _advance(state)
        if done.any():
            ready = pending[done]
            value[:, ready], growth[ready], solved[ready] = state.value[:, done], state.growth[done], True
            pending, state = pending[~done], state.of(np.flatnonzero(~done))
    value[:, ~solved] = np.nan
    depths = arrays.depths(value).map(lambda depth: depth.T)
    return StationarySolution(problem.inventory, value.T, growth, depths, solved)


class _State(NamedTuple):
    """Where the iteration stands; value (N, C), the rest (C,) or as in `Flows`."""

    arrays: ProblemArrays
    value: FloatArray
    flows: Flows
    residual: FloatArray
    step: FloatArray  # pseudo-time [s]

    @classmethod
    def at(cls, arrays: ProblemArrays, value: FloatArray) -> "_State":
        flows = arrays.flows(value)
        return cls(arrays, value, flows, np.ptp(flows.growth, axis=0), 1 / _fastest(flows))

    def of(self, chosen: IntArray) -> "_State":
        flows = Flows(*(array[:, chosen] for array in self.flows))
        return _State(self.arrays.of(chosen), self.value[:, chosen], flows, self.residual[chosen], self.step[chosen])

    @property
    def growth(self) -> FloatArray:
        """Growth at zero inventory; at the solution it is the same at all [price/s]."""
        growth: FloatArray = self.flows.growth[len(self.value) // 2]
        return growth


@np.errstate(over="ignore", invalid="ignore")  # too long a step may overflow; it is then refused
def _advance(state: _State) -> tuple[_State, NDArray[np.bool_]]:
    """One step of the continuation for every coin, and which coins have arrived."""
    elimination = Elimination.of(1 / state.step, state.flows.ask_rate, state.flows.bid_rate)
    # h is defined up to a constant: only deviations from the growth at zero inventory matter.
    change = elimination.solve(state.flows.growth - state.growth)
    change -= change[len(change) // 2]
    value = state.value + change
    flows = state.arrays.flows(value)
    residual = np.ptp(flows.growth, axis=0)
    noise = _NOISE * (np.abs(state.arrays.carry).max(axis=0) + np.abs(state.flows.growth).max(axis=0))
    accepted = residual <= 2 * state.residual + noise
    scale = state.arrays.length + np.abs(np.diff(value, axis=0)).max(axis=0)
    small = accepted & (np.abs(np.diff(change, axis=0)).max(axis=0) <= _TOLERANCE * scale)
    # Where a fill is rare, rounding moves h by more than the tolerance; then the residual no longer falls.
    arrived = small | ((state.residual <= noise) & ~(residual < state.residual / 2))
    # That proves arrival only if the step was long: else take the longest one next.
    longest = _LONGEST_STEP / _fastest(state.flows)
    grown = np.where(arrived, longest, state.step * np.where(residual < state.residual / 2, 8, 2))
    step = np.where(accepted | arrived, np.minimum(grown, longest), state.step / 8)
    flows = Flows(*(np.where(accepted, new, old) for new, old in zip(flows, state.flows, strict=True)))
    after = _State(
        state.arrays,
        np.where(accepted, value, state.value),
        flows,
        np.where(accepted, residual, state.residual),
        step,
    )
    return after, arrived & (state.step >= longest)


def _fastest(flows: Flows) -> FloatArray:
    """Fastest fill of each coin, shape (C,) [1/s]; the smallest number there is for a coin without any."""
    fastest: FloatArray = np.maximum(flows.ask_rate.max(axis=0), flows.bid_rate.max(axis=0))
    return np.maximum(fastest, 1e-280)
