r"""The default running penalty: one that makes the maker mind its inventory as much as its spread.

A penalty of zero is no neutral choice: the quotes then hardly react to inventory until its bound. The default φ moves
the quote that would bring inventory back by 1.5 half-spreads between inventory zero and the bound, whatever the coin,
the lot or the unit of price:

.. math:: \tfrac12 \sum_{side} \big( p(\pm q_{max}) - p(0) \big)
    = 1.5 \cdot \tfrac12 \sum_{side} \max(d_{min}, 1/\kappa + c)

with p the gain in h that a fill of this quote brings (before the depth floor: a quote cannot follow beyond it). The
iteration starts from the quadratic approximation of h, whose curvature is √(2φ / (κ⁺²P + κ⁻²M)) with P and M the side's
income A/κ·exp(−1 − κ c) (docs/model.md).
"""

import numpy as np

from market.tape import FloatArray
from quoting.cartea_jaimungal import FillArrays, ProblemArrays, ValueProblem
from quoting.stationary import stationary

HALF_SPREADS = 1.5
_TOLERANCE = 0.02  # of the move
_ITERATIONS = 40
_LEAST = 1e-3  # of the first guess: below it the bound alone already moves the quote further

_VANISHING = 1e-300


def default_running_penalty(problem: ValueProblem) -> FloatArray:
    """Running penalty of each coin [price/s per lot²], shape (C,).

    The problem's own penalty and drift are ignored: what inventory costs is not to depend on a guess of direction.
    Where the flow is so lopsided that the bound alone moves the quote by more than 1.5 half-spreads, the result is the
    small penalty below which nothing changes any more. A coin without stationary quotes (no fills on a side, or a cost
    so high that they all but vanish) gets the quadratic approximation.
    """
    neutral = ValueProblem(problem.ask, problem.bid, problem.maximum_inventory)
    arrays = neutral.arrays()
    target = HALF_SPREADS * _half_spread(arrays)
    penalty = _quadratic_guess(arrays, target / problem.maximum_inventory)
    first = stationary(neutral.with_penalty(penalty))
    coins = np.flatnonzero(first.solved & (penalty > 0))
    search = _Search(neutral.of(coins), np.log(target[coins]), np.log(penalty[coins]), first.value[coins])
    for _ in range(_ITERATIONS):
        search.step()
        if search.settled.all():
            break
    penalty[coins[search.arrived]] = np.exp(search.log_penalty[search.arrived])
    return penalty


def quote_move(value: FloatArray) -> FloatArray:
    """How far the quotes that reduce inventory move from inventory 0 to the bound, mean of both sides [price].

    `value` is h, shape (..., N); the result has shape (...). The depth floor is not applied.
    """
    gain = np.diff(value, axis=-1)
    centre = gain.shape[-1] // 2
    ask_move = gain[..., centre - 1] - gain[..., -1]
    bid_move = gain[..., 0] - gain[..., centre]
    return (ask_move + bid_move) / 2


class _Search:
    """Secant iteration on log φ → log move, all coins at once; the move rises with φ."""

    def __init__(self, problem: ValueProblem, log_target: FloatArray, log_guess: FloatArray, value: FloatArray) -> None:
        self._problem = problem
        self._log_target = log_target
        self._least = log_guess + np.log(_LEAST)
        self._slope = np.full(log_guess.shape, 0.5)
        self._last: tuple[FloatArray, FloatArray] | None = None
        self._value = value
        self.log_penalty = log_guess
        self.arrived = self.settled = np.zeros(log_guess.shape, dtype=np.bool_)

    def step(self) -> None:
        """Try the present penalties and propose better ones for the coins that have not arrived."""
        solution = stationary(self._problem.with_penalty(np.exp(self.log_penalty)), self._value)
        miss = np.log(np.maximum(quote_move(solution.value), _VANISHING)) - self._log_target
        self.arrived = (np.abs(miss) <= _TOLERANCE) | ((miss > 0) & (self.log_penalty <= self._least))
        if self._last is not None:
            run, rise = self.log_penalty - self._last[0], miss - self._last[1]
            usable = np.abs(run) > 1e-9
            secant = np.divide(rise, run, out=self._slope.copy(), where=usable)
            self._slope = np.clip(secant, 0.05, 1.0)
        self._last, self._value = (self.log_penalty, miss), solution.value
        proposal = self.log_penalty - np.clip(miss / self._slope, -3.0, 3.0)
        self.settled = self.arrived | ~solution.solved
        self.log_penalty = np.where(self.settled, self.log_penalty, np.maximum(proposal, self._least))


def _half_spread(arrays: ProblemArrays) -> FloatArray:
    """Half-spread of the optimal quotes if inventory did not matter, at least 1/κ [price]."""
    depths = [np.maximum(side.depth(np.zeros_like(side.decay)), 1 / side.decay) for side in arrays.sides]
    return (depths[0] + depths[1]) / 2


def _quadratic_guess(arrays: ProblemArrays, curvature: FloatArray) -> FloatArray:
    """φ of the quadratic approximation whose h has this curvature [price/s per lot²]."""
    return curvature**2 * (_stiffness(arrays.sides.ask) + _stiffness(arrays.sides.bid)) / 2


def _stiffness(side: FillArrays) -> FloatArray:
    _, rate = side.income(np.zeros_like(side.decay))
    return side.decay * rate
