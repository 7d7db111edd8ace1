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

from market_making.market.tape import FloatArray
from market_making.quoting.value.cartea_jaimungal import FillArrays, ProblemArrays, ValueProblem
from market_making.quoting.value.stationary import stationary

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
        if search.settled.all():
            break
        search.step()
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
    mean: FloatArray = (ask_move + bid_move) / 2
    return mean


class _Search:
    """Secant iteration on log φ → log move, all coins at once; the move rises with φ.

    A coin that has settled is left as it is, so its penalty does not depend on the other coins.
    """

    def __init__(self, problem: ValueProblem, log_target: FloatArray, log_guess: FloatArray, value: FloatArray) -> None:
        self._problem = problem
        self._log_target = log_target
        self._least = log_guess + np.log(_LEAST)
        self._slope = np.full(log_guess.shape, 0.5)
        self._log_before = np.full(log_guess.shape, np.nan)
        self._miss = np.full(log_guess.shape, np.nan)
        self._value = value.copy()
        self.log_penalty = log_guess.copy()
        self.arrived, self.settled = np.zeros((2, *log_guess.shape), dtype=np.bool_)

    def step(self) -> None:
        """Try the present penalties and propose better ones for the coins that have not arrived."""
        on = np.flatnonzero(~self.settled)
        log_penalty, least = self.log_penalty[on], self._least[on]
        solution = stationary(self._problem.of(on).with_penalty(np.exp(log_penalty)), self._value[on])
        miss = np.log(np.maximum(quote_move(solution.value), _VANISHING)) - self._log_target[on]
        arrived = (np.abs(miss) <= _TOLERANCE) | ((miss > 0) & (log_penalty <= least))
        run, rise = log_penalty - self._log_before[on], miss - self._miss[on]
        usable = np.abs(run) > 1e-9  # nor at the first step, where there is none before
        slope = np.clip(np.divide(rise, run, out=self._slope[on], where=usable), 0.05, 1.0)
        self._log_before[on], self._miss[on], self._slope[on] = log_penalty, miss, slope
        self._value[on], self.arrived[on], self.settled[on] = solution.value, arrived, arrived | ~solution.solved
        proposal = np.maximum(log_penalty - np.clip(miss / slope, -3.0, 3.0), least)
        self.log_penalty[on] = np.where(self.settled[on], log_penalty, proposal)


def _half_spread(arrays: ProblemArrays) -> FloatArray:
    """Half-spread of the optimal quotes if inventory did not matter, at least 1/κ [price]."""
    depths = [np.maximum(side.depth(np.zeros_like(side.decay)), 1 / side.decay) for side in arrays.sides]
    half_spread: FloatArray = (depths[0] + depths[1]) / 2
    return half_spread


def _quadratic_guess(arrays: ProblemArrays, curvature: FloatArray) -> FloatArray:
    """φ of the quadratic approximation whose h has this curvature [price/s per lot²]."""
    return curvature**2 * (_stiffness(arrays.sides.ask) + _stiffness(arrays.sides.bid)) / 2


def _stiffness(side: FillArrays) -> FloatArray:
    _, rate = side.income(np.zeros_like(side.decay))
    return side.decay * rate
