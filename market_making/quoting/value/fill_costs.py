"""What a fill costs, and so how far from mid a quote stands apart from the value of inventory.

The best depth is max(d_min, 1/κ + (c − p)/s): c = ε − θ·d_min + f·mid is the cost of a fill at depth 0, s the share of
the depth that is kept, p what a fill changes in h. With a slope θ the adverse selection grows with the depth reached; ε
is its mean beyond the touch, so that it is ε − θ·d_min at depth 0.
"""

from typing import Generic, NamedTuple, TypeVar

from market_making.market.sides import Direction, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow

Number = TypeVar("Number", float, FloatArray)


class FillCosts(NamedTuple, Generic[Number]):
    """The parts of the best depth of one side that do not depend on inventory, of one coin or of many.

    Attributes
    ----------
    decay : Number
        κ [1/price].
    adverse_selection, fee : Number
        Of a fill at depth 0 [price].
    floor : Number
        d_min, the smallest depth that may be quoted [price].
    proceeds : Number
        s, the share of the depth that is kept [1].
    """

    decay: Number
    adverse_selection: Number
    fee: Number
    floor: Number
    proceeds: Number

    @property
    def cost(self) -> Number:
        """c, of a fill at depth 0 [price]."""
        return self.adverse_selection + self.fee

    @classmethod
    def of(
        cls, decay: Number, on_fill: Number, slope: Number, floor: Number, fee: tuple[Number, float]
    ) -> "FillCosts[Number]":
        """Costs from κ, ε on fill, θ, d_min, and the fee: f·mid [price] and its share of the depth, +f or −f."""
        on_mid, on_depth = fee
        return FillCosts(decay, on_fill - slope * floor, on_mid, floor, 1 + on_depth - slope)


def fee_on_depth(direction: Direction, maker_fee: float) -> float:
    """What of its depth a quote gives to the fee: an ask sells above mid and pays on more, a bid on less."""
    return -direction.sign * maker_fee


def fill_costs(flow: OrderFlow, mid: float, maker_fee: float) -> Sides[FillCosts[float]]:
    """Costs of both quotes of one coin whose fee is paid at this mid [price]."""
    floor = max(0.0, flow.half_spread)

    def costs(direction: Direction) -> FillCosts[float]:
        fee = maker_fee * mid, fee_on_depth(direction, maker_fee)
        on_fill, slope = flow.adverse_selection_on_fill.of(direction), flow.adverse_selection_slope.of(direction)
        return FillCosts.of(flow.fill_decay.of(direction), on_fill, slope, floor, fee)

    return Sides(bid=costs(Direction.SELL), ask=costs(Direction.BUY))
