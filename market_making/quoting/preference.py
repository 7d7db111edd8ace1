r"""Which of two quotes to rest when only one order can rest.

A quote of depth d is expected to earn

.. math:: \frac{A}{\kappa} e^{-\kappa d}

a second: A e^{−κd} fills, each with the mean surplus 1/κ of a quote at its optimum. In the Cartea–Jaimungal model this
is exactly the side's term of the equation for h, so the choice is the model's own; any other model states its wish to
trade on a side by quoting it closer, and is understood the same way.
"""

from math import exp

from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow

# A resting order has a place in the queue, and a position wants to end: the other side must promise this much more.
PERSISTENCE = 1.25


def expected_gain(flow: OrderFlow, side: Side, depth: float) -> float:
    """Expected gain of resting a quote at `depth` [price] on one side, per lot [price/s]."""
    decay = flow.fill_decay.on(side)
    return flow.fill_intensity.on(side) / decay * exp(min(-decay * depth, 700.0))


def preferred_side(flow: OrderFlow, depths: Sides[float], *, usual: Side, is_held: bool) -> Side:
    """The side to quote when both may be quoted.

    Parameters
    ----------
    depths : Sides[float]
        Distance of either quote from mid [price].
    usual : Side
        The side to quote at a tie: that of a resting order, else the one that reduces inventory.
    is_held : bool
        Whether there is an order or an inventory: the other side must then be clearly better.
    """
    gains = Sides(expected_gain(flow, Side.BID, depths.bid), expected_gain(flow, Side.ASK, depths.ask))
    threshold = gains.of(usual) * (PERSISTENCE if is_held else 1.0)
    return usual.opposite if gains.of(usual.opposite) > threshold else usual
