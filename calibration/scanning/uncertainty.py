"""How far the intervals of the estimates move what quotes earn: draws of the true market around what was estimated.

Each number is drawn so that its median is the estimate and 2.5 % lie beyond each end of its interval, prices on the
linear and rates on the logarithmic scale. κ and A are not drawn apart: what was observed is the rate of orders at the
start of the tail, and A is that rate extrapolated with κ, so an error of κ turns the curve around that point. λ is not
drawn: it enters the quotes through the believed drift only, and a scan believes in none.
"""

from dataclasses import dataclass

import numpy as np

from calibration.estimators.estimate import Estimate, FlowEstimates
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray
from market_making.quoting.value.cartea_jaimungal import FillArrays

DRAWS = 2_000
_SEED = 20_250_904
_QUANTILE = 1.959964
_LEAST_SHARE = 1e-3  # a rate whose interval reaches zero is believed to be at least this share of its estimate


@dataclass(frozen=True)
class Draws:
    """Standard normal numbers for κ, A, ε and θ of both directions, shape (2, 4, D), and for what the bot is, (2, D).

    The same for every coin: the intervals of two coins then differ only by what was estimated.
    """

    normal: FloatArray
    of_bot: FloatArray

    @classmethod
    def of(cls, number: int = DRAWS, seed: int = _SEED) -> "Draws":
        """Draw them; same seed, same numbers."""
        random = np.random.default_rng(seed)
        return cls(random.standard_normal((len(Direction), 4, number)), random.standard_normal((2, number)))

    def surplus_error(self, surplus: Estimate) -> FloatArray:
        """Draw by how much fills of the bot may make more than was estimated, shape (D,) [price]."""
        return _error(surplus, self.of_bot[0])

    def presence(self, presence: Estimate) -> FloatArray:
        """Draw how often an order of the bot is truly filled, shape (D,)."""
        return _positive(presence, self.of_bot[1])

    def fills(
        self, direction: Direction, estimates: FlowEstimates, estimated: FillArrays, tail_start: float
    ) -> FillArrays:
        """Draw how the market orders of one direction may truly fill a side.

        Parameters
        ----------
        direction : Direction
            Which numbers to use.
        estimates : FlowEstimates
            What is known of these orders.
        estimated : FillArrays, arrays of shape (1,)
            The side that follows from the values of the estimates.
        tail_start : float
            Depth at which the rate of orders was observed [price].

        Returns
        -------
        FillArrays
            Arrays of shape (D,).
        """
        to_decay, to_rate, to_impact, to_slope = self.normal[list(Direction).index(direction)]
        decay = _positive(estimates.fill_decay, to_decay)
        rate = _tail_rate(estimates, tail_start, to_rate)
        impact_error = _error(estimates.adverse_selection_on_fill, to_impact)
        slope_error = _error(estimates.adverse_selection_slope, to_slope)
        # ε is the mean beyond the floor: a steeper slope turns the cost around that depth.
        cost = estimated.cost + impact_error - slope_error * estimated.floor
        floor = np.broadcast_to(estimated.floor, cost.shape)
        return FillArrays(rate * np.exp(decay * tail_start), decay, cost, floor, estimated.proceeds - slope_error)


def _tail_rate(estimates: FlowEstimates, tail_start: float, normal: FloatArray) -> FloatArray:
    """Rate of orders that reach the start of the tail [1/s]: what is uncertain in A beside κ."""
    decay, intensity = estimates.fill_decay, estimates.fill_intensity
    from_decay = (decay.high - decay.low) / (2 * _QUANTILE) * tail_start
    below, above = (np.sqrt(max(spread**2 - from_decay**2, 0.0)) for spread in _log_spreads(intensity))
    rate: FloatArray = intensity.value * np.exp(normal * np.where(normal > 0, above, below))
    return rate * float(np.exp(-decay.value * tail_start))


def _error(estimate: Estimate, normal: FloatArray) -> FloatArray:
    below, above = estimate.value - estimate.low, estimate.high - estimate.value
    error: FloatArray = normal / _QUANTILE * np.where(normal > 0, above, below)
    return error


def _positive(estimate: Estimate, normal: FloatArray) -> FloatArray:
    below, above = _log_spreads(estimate)
    drawn: FloatArray = estimate.value * np.exp(normal * np.where(normal > 0, above, below))
    return drawn


def _log_spreads(estimate: Estimate) -> tuple[float, float]:
    """Standard deviation of the logarithm below and above the estimate; none around a rate of zero."""
    if estimate.value <= 0:
        return 0.0, 0.0
    low, high = max(estimate.low, _LEAST_SHARE * estimate.value), max(estimate.high, estimate.value)
    return float(np.log(estimate.value / low)) / _QUANTILE, float(np.log(high / estimate.value)) / _QUANTILE
