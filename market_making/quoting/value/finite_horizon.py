"""Quotes that end flat at a planned time: h(τ, q) for a grid of times left.

Source of the method: RODAS of Hairer and Wanner, "Solving Ordinary Differential Equations II" (1996), IV.7: an L-stable
Rosenbrock method of order 4 with an embedded estimate of order 3. The exact Jacobian is tridiagonal, so a step costs
one elimination and six substitutions. Only differences of h between neighbouring inventories quote, so the error is
measured on them; h(τ, 0) is integrated apart, where it cannot swamp them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from market_making.market.errors import InvalidFlow, NoSolution
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.value.cartea_jaimungal import Flows, ProblemArrays, ValueProblem
from market_making.quoting.value.tridiagonal import Elimination

_DIAGONAL = 0.25
_STAGE = (  # weights of the earlier stages in the argument of a stage
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
)
_COUPLING = (  # weights of the earlier stages, over the step, on the right-hand side of a stage
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
_STEPS = 100_000


@dataclass(frozen=True)
class FiniteHorizonSolution:
    """The value of inventory and the quotes for T times left, C coins and N inventories.

    Attributes
    ----------
    inventory : IntArray, shape (N,)
        Ascending [lots].
    time_left : FloatArray, shape (T,)
        As asked for [s].
    value : FloatArray, shape (T, C, N)
        h(τ, q) − h(τ, 0) [price per lot].
    value_at_zero : FloatArray, shape (T, C)
        h(τ, 0), what the maker expects to earn until the end [price per lot].
    depths : Sides[FloatArray], shape (T, C, N)
        Distance of the quotes from mid [price]; NaN where a side is not quoted.
    """

    inventory: IntArray
    time_left: FloatArray
    value: FloatArray
    value_at_zero: FloatArray
    depths: Sides[FloatArray]


def finite_horizon(
    problem: ValueProblem,
    terminal_penalty: ArrayLike,
    time_left: ArrayLike,
    *,
    tolerance: float = 1e-7,
) -> FiniteHorizonSolution:
    """Solve for the value and quotes at each time left.

    Parameters
    ----------
    problem : ValueProblem
        C coins; a side without fills is allowed.
    terminal_penalty : array_like, shape (C,)
        α, paid for the square of the inventory left at the end [price per lot²]; not negative.
    time_left : array_like, shape (T,)
        Ascending, not negative [s].
    tolerance : float
        Local error of a step, on differences of h, against 1/κ plus the difference. The global error is about as large.

    Raises
    ------
    InvalidFlow
        If the penalty or the times are out of bounds.
    NoSolution
        If the steps become too many.
    """
    times = np.atleast_1d(np.asarray(time_left, dtype=np.float64))
    penalty = np.broadcast_to(np.asarray(terminal_penalty, dtype=np.float64), (problem.coins,))
    if not (np.isfinite(times).all() and (times >= 0).all() and (np.diff(times) > 0).all()):
        raise InvalidFlow(f"the times left must ascend and not be negative, got {times}")
    if not (np.isfinite(penalty).all() and (penalty >= 0).all()):
        raise InvalidFlow(f"the terminal penalty must not be negative, got {penalty}")
    arrays = problem.arrays()
    integration = _Integration(arrays, -penalty * problem.inventory[:, None] ** 2.0, tolerance)
    values, levels = [], []
    for time in times:
        integration.advance_to(time)
        values.append(integration.value)
        levels.append(integration.level.copy())
    depths = [arrays.depths(value) for value in values]
    return FiniteHorizonSolution(
        inventory=problem.inventory,
        time_left=times,
        value=np.stack([value.T for value in values]),
        value_at_zero=np.stack(levels),
        depths=Sides(*(np.stack([sides[side].T for sides in depths]) for side in range(2))),
    )


class _Integration:
    """An adaptive integration of the equation, all coins with the same steps."""

    def __init__(self, arrays: ProblemArrays, value: FloatArray, tolerance: float) -> None:
        self._arrays = arrays
        self._tolerance = tolerance
        self._time = 0.0
        self._steps = 0
        flows = arrays.flows(value)
        fastest = float(max(flows.ask_rate.max(initial=0.0), flows.bid_rate.max(initial=0.0)))
        self._step = 1e-2 / fastest if fastest > 0 else np.inf
        self.value = value  # with value[N // 2] == 0
        self.level = np.zeros(value.shape[1])

    def advance_to(self, time: float) -> None:
        """Integrate up to a later time left [s]."""
        while self._time < time:
            # Two equal last steps instead of a step and a sliver.
            left = time - self._time
            step = left if self._step >= left else min(self._step, left / 2)
            error, value = self._attempt(step)
            if error <= 1:
                self._accept(value)
                self._time = time if step == left else self._time + step
            factor = min(6.0, max(0.2, 0.9 * error**-0.25)) if error > 0 else 6.0
            # A step cut short by a time asked for says nothing against the longer one planned.
            if error > 1 or step == self._step or step * factor > self._step:
                self._step = step * factor
            self._count()

    def _accept(self, value: FloatArray) -> None:
        shift = value[len(value) // 2].copy()
        self.level += shift
        self.value = value - shift

    @np.errstate(over="ignore", invalid="ignore")  # too long a step may overflow; it is then refused
    def _attempt(self, step: float) -> tuple[float, FloatArray]:
        """Error against the tolerance (at most 1 is good, infinite on overflow) and the value after the step."""
        flows = self._arrays.flows(self.value)
        shift = np.full(self.value.shape[1], 1 / (_DIAGONAL * step))
        elimination = Elimination.of(shift, flows.ask_rate, flows.bid_rate)
        stages: list[FloatArray] = []
        argument = self.value
        for stage, coupling in enumerate(_COUPLING):
            if 0 < stage < len(_STAGE):
                argument = self.value + _combine(_STAGE[stage], stages)
            elif stage == len(_STAGE):
                argument = argument + stages[-1]
            growth = flows.growth if stage == 0 else self._growth(argument)
            stages.append(elimination.solve(growth + _combine(coupling, stages) / step if coupling else growth))
        value = argument + stages[-1]
        return self._error(stages[-1], value), value

    def _growth(self, value: FloatArray) -> FloatArray:
        flows: Flows = self._arrays.flows(value)
        return flows.growth

    def _error(self, error: FloatArray, value: FloatArray) -> float:
        scale = self._arrays.length + np.abs(np.diff(value, axis=0))
        ratio = float((np.abs(np.diff(error, axis=0)) / scale).max()) / self._tolerance
        return ratio if np.isfinite(ratio) else np.inf

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _STEPS:
            raise NoSolution(f"{_STEPS} steps were not enough to reach a tolerance of {self._tolerance}")


def _combine(weights: tuple[float, ...], stages: list[FloatArray]) -> FloatArray:
    total = weights[0] * stages[0]
    for weight, stage in zip(weights[1:], stages[1:], strict=False):
        total += weight * stage
    return total
