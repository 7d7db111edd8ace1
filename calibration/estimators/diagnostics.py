"""How far the model's assumptions hold in a window: distance from the geometric law, index of the jump tail."""

from typing import NamedTuple

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray


class GoodnessOfFit(NamedTuple):
    """Kolmogorov–Smirnov distance of the depths from the fitted law, and the value it should not exceed (95 %)."""

    distance: float
    critical: float

    @property
    def is_rejected(self) -> bool:
        """Whether the depths do not follow the law."""
        return self.distance > self.critical


def tail_fit(ticks: IntArray, decay_per_tick: float, design_effect: float = 1.0) -> GoodnessOfFit:
    """Compare numbers of ticks with the geometric law ``P(K ≥ k) = exp(−κ tick k)``.

    Raises
    ------
    NotEnoughData
        If there are none.
    """
    if len(ticks) == 0:
        raise NotEnoughData("0 market orders in the tail, need 1")
    counts = np.bincount(ticks)
    empirical = np.cumsum(counts) / len(ticks)
    model = -np.expm1(-decay_per_tick * np.arange(1, len(counts) + 1))
    critical = 1.36 * float(np.sqrt(design_effect / len(ticks)))
    return GoodnessOfFit(float(np.abs(empirical - model).max()), critical)


def hill_index(sizes: FloatArray, share: float = 0.1) -> float:
    """Tail index α of positive sizes, ``P(X > x) ~ x^{−α}``: below 2 the variance does not exist (Hill, 1975).

    Raises
    ------
    NotEnoughData
        With fewer than ten sizes in the tail.
    """
    positive = sizes[sizes > 0]
    tail = int(share * len(positive))
    if tail < 10:
        raise NotEnoughData(f"{len(positive)} positive moves, need {round(10 / share)}")
    largest = np.sort(np.partition(positive, -tail - 1)[-tail - 1 :])
    logarithms = np.log(largest[1:] / largest[0])
    return float(1 / logarithms.mean()) if logarithms.any() else float("inf")
