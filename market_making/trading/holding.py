"""What the bot has in one coin: its position, counted from filled amounts, and its one resting order."""

from typing import NamedTuple

from market_making.market.sides import Side


class RestingOrder(NamedTuple):
    """An order on the exchange: prices [price], sizes [coins], the time it was placed [ms].

    `tag` says what it is for; a market order, which takes, has an `average` price instead of its own.
    """

    order_id: str
    side: Side
    price: float
    remaining: float
    filled: float
    placed_ms: int
    tag: str = ""
    is_taker: bool = False
    average: float | None = None

    @property
    def size(self) -> float:
        """All of it, filled or not [coins]."""
        return self.remaining + self.filled

    @property
    def fill_price(self) -> float:
        """At which it is filled [price]: what rests is filled at its own."""
        return self.average if self.is_taker and self.average else self.price


class Holding(NamedTuple):
    """Position [coins, signed] with the filled part of the resting order included; orders so far in this position."""

    coins: float = 0.0
    resting: RestingOrder | None = None
    orders: int = 0

    def grows_with(self, side: Side) -> bool:
        """Whether a fill on this side of the quote would enlarge the position; true for both when there is none."""
        return self.coins >= 0 if side is Side.BID else self.coins <= 0


class Position(NamedTuple):
    """What own orders of a pair add up to.

    The finished ones to `closed` [coins, signed], opened at `open_rate` [price] on average; with the filled part of the
    resting one to `holding`. `bought` is everything that was bought on the way [coins].
    """

    closed: float = 0.0
    open_rate: float = 0.0
    holding: Holding = Holding()
    bought: float = 0.0

    @property
    def added_by(self) -> RestingOrder | None:
        """The resting order, if it enlarges the position."""
        resting = self.holding.resting
        return resting if resting is not None and Holding(self.closed).grows_with(resting.side) else None

    @property
    def cost(self) -> float:
        """At which price times size the position was opened [quote currency, signed]."""
        resting = self.added_by
        if resting is None:
            return self.holding.coins * self.open_rate
        return self.closed * self.open_rate + (self.holding.coins - self.closed) * resting.price

    @property
    def average_rate(self) -> float:
        """Price at which the open result is zero."""
        return self.cost / self.holding.coins if self.holding.coins else self.open_rate
