"""Where the order of a pair should rest as mid moves, so that whoever sees mid can tell when it must go."""

from typing import NamedTuple

from market_making.market.sides import Side


class WantedOrder(NamedTuple):
    """The order of the last plan of a pair: its price at the plan's mid, and how much closer it may come [price]."""

    pair: str
    side: Side
    price: float
    mid: float
    tolerance: float

    def too_close_by(self, price: float, mid: float) -> float:
        """How much closer than allowed an order at `price` is when mid is `mid` [price]; negative while it is not."""
        wanted = self.price + mid - self.mid
        closer = price - wanted if self.side is Side.BID else wanted - price
        return closer - self.tolerance
