"""What the bot has in one coin: its position, counted from filled amounts, and its one resting order."""

from typing import NamedTuple

from market.sides import Side


class RestingOrder(NamedTuple):
    """An order on the exchange: prices [price], sizes [coins], the time it was placed [ms]."""

    order_id: str
    side: Side
    price: float
    remaining: float
    filled: float
    placed_ms: int


class Holding(NamedTuple):
    """Position [coins, signed] with the filled part of the resting order included; orders so far in this position."""

    coins: float = 0.0
    resting: RestingOrder | None = None
    orders: int = 0

    def grows_with(self, side: Side) -> bool:
        """Whether a fill on this side of the quote would enlarge the position; true for both when there is none."""
        return self.coins >= 0 if side is Side.BID else self.coins <= 0
