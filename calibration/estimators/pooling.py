r"""How much the two directions of one market say about each other.

.. math:: m = \min(m_0, 1 / \hat\tau^2), \quad \hat\tau^2 = (\Delta^2 - 1.96^2 v) / 2

with Δ the difference of the logarithms of their numbers, `v` its variance by chance, and m the worth of the common
prior in orders: an order tells the logarithm of a rate or a decay with variance 1. Directions that agree within what
chance does in 95 % of cases share the full prior, those that clearly differ hardly any (empirical Bayes).
"""

import numpy as np

_CHANCE = 1.96


def prior_worth(one: float, other: float, orders: tuple[float, float], most: float) -> float:
    """Worth of the prior both directions share [orders].

    Parameters
    ----------
    one, other : float
        Estimates of both directions; positive.
    orders : tuple of float
        How many independent orders each rests on.
    most : float
        Worth where they agree.
    """
    variance = sum(1 / (n + 0.5) for n in orders)
    spread = (float(np.log(one / other)) ** 2 - _CHANCE**2 * variance) / 2
    return most if spread * most <= 1 else 1 / spread
