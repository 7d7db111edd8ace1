r"""Which of two quotes to rest when only one order can rest.

A quote of depth d is expected to earn

.. math:: \frac{A}{\kappa} e^{-\kappa d}

a second: A e^{−κd} fills, each with the mean surplus 1/κ of a quote at its optimum. In the Cartea–Jaimungal model this
is exactly the side's term of the equation for h, so the choice is the model's own; any other model states its wish to
trade on a side by quoting it closer, and is understood the same way.
"""

from math import exp

from market.sides import Side, Sides
from quoting.order_flow import OrderFlow

# A resting order has a place in the queue: the other side must promise this much more before it is given up.
_PERSISTENCE = 1.25


def expected_gain(flow: OrderFlow, side: Side, depth: float) -> float:
    """Expected gain of resting a quote at `depth` [price] on one side, per lot [price/s]."""
    decay = flow.fill_decay.on_quotes().of(side)
    return flow.fill_intensity.on_quotes().of(side) / decay * exp(min(-decay * depth, 700.0))


def preferred_side(flow: OrderFlow, depths: Sides[float], *, reducing: Side, resting: Side | None) -> Side:
    """The side to quote when both may be quoted; at a tie the one that reduces inventory.

    Parameters
    ----------
    depths : Sides[float]
        Distance of either quote from mid [price].
    reducing : Side
        The side that brings inventory back to zero; with none, any.
    resting : Side or None
        The side on which an order rests already, which is kept unless the other is clearly better.
    """
    gains = Sides(expected_gain(flow, Side.BID, depths.bid), expected_gain(flow, Side.ASK, depths.ask))
    favoured = reducing if resting is None else resting
    threshold = gains.of(favoured) * (1.0 if resting is None else _PERSISTENCE)
    return favoured.opposite if gains.of(favoured.opposite) > threshold else favoured
