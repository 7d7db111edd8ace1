"""How far an interval of the estimates moves what quotes earn: draws of the true market around what was estimated.

Each number is drawn so that its median is the estimate and 2.5 % lie beyond each end of its interval, prices on the
linear and rates on the logarithmic scale. κ and A are not drawn apart: what was observed is the rate of orders at the
start of the tail, and A is that rate extrapolated with κ, so an error of κ turns the curve around that point.
"""

import numpy as np

from calibration.estimate import Estimate
from market.tape import FloatArray
from quoting.cartea_jaimungal import FillArrays

DRAWS = 2000
_SEED = 20_250_904
_QUANTILE = 1.959964
_LEAST_SHARE = 1e-3  # a rate whose interval reaches zero is believed to be at least this share of its estimate


class Draws:
    """Standard normal numbers for the four estimates of both directions, the same for every coin.

    Common numbers make the intervals of two coins, and of two runs, differ only by what was estimated.
    """

    def __init__(self, number: int = DRAWS, seed: int = _SEED) -> None:
        self._normal = np.random.default_rng(seed).standard_normal((2, 4, number))

    def fills(self, direction: int, point: "FillArrays", estimates: "FillEstimates") -> FillArrays:
        """Draw how market orders of one direction (0 or 1) may truly fill a side.

        Parameters
        ----------
        direction : int
            Which numbers to use.
        point : FillArrays
            The side as estimated, arrays of shape (1,).
        estimates : FillEstimates
            What it follows from.

        Returns
        -------
        FillArrays
            Arrays of shape (number of draws,).
        """
        z = self._normal[direction]
        decay = _positive(estimates.decay, z[0])
        intensity = estimates.tail_rate(z[1]) * np.exp(decay * estimates.tail_start)
        slope = _linear(estimates.slope, z[3]) - estimates.slope.value
        on_fill = _linear(estimates.on_fill, z[2]) - estimates.on_fill.value
        # ε is the mean beyond the floor: a steeper slope turns the cost around it.
        cost = point.cost + on_fill - slope * point.floor
        return FillArrays(intensity, decay, cost, np.broadcast_to(point.floor, cost.shape), point.proceeds - slope)


class FillEstimates:
    """The estimates behind the fills of one side; `tail_start` is where the tail of the depths begins [price]."""

    def __init__(
        self, decay: Estimate, intensity: Estimate, on_fill: Estimate, slope: Estimate, tail_start: float
    ) -> None:
        self.decay = decay
        self.intensity = intensity
        self.on_fill = on_fill
        self.slope = slope
        self.tail_start = tail_start

    def tail_rate(self, normal: FloatArray) -> FloatArray:
        """Draw the rate of orders that reach `tail_start` [1/s]: what A leaves uncertain beside κ."""
        value = self.intensity.value
        from_decay = (self.decay.high - self.decay.low) / (2 * _QUANTILE) * self.tail_start
        below, above = (
            float(np.sqrt(max(spread**2 - from_decay**2, 0.0))) for spread in _log_spreads(self.intensity)
        )
        rate = value * np.exp(-self.decay.value * self.tail_start)
        return np.asarray(rate * np.exp(normal * np.where(normal > 0, above, below)))


def _linear(estimate: Estimate, normal: FloatArray) -> FloatArray:
    below, above = estimate.value - estimate.low, estimate.high - estimate.value
    return estimate.value + normal / _QUANTILE * np.where(normal > 0, above, below)


def _positive(estimate: Estimate, normal: FloatArray) -> FloatArray:
    below, above = _log_spreads(estimate)
    return estimate.value * np.exp(normal * np.where(normal > 0, above, below))


def _log_spreads(estimate: Estimate) -> tuple[float, float]:
    """Standard deviation of the logarithm below and above the estimate."""
    low, high = max(estimate.low, _LEAST_SHARE * estimate.value), max(estimate.high, estimate.value)
    return float(np.log(estimate.value / low)) / _QUANTILE, float(np.log(high / estimate.value)) / _QUANTILE
