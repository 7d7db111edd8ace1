"""The two meanings of "side", kept apart: a side of the book or of our quote, and the direction of an aggressor.

A market **buy** lifts an **ask**, a market **sell** hits a **bid**; `Directions.on_quotes` translates.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Side(StrEnum):
    """A side of the book or of our quote."""

    BID = "bid"
    ASK = "ask"

    @property
    def opposite(self) -> "Side":
        """The other side of the book."""
        return Side.ASK if self is Side.BID else Side.BID


class Direction(StrEnum):
    """What an aggressor does: a market buy or a market sell."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell: the way the order pushes the price."""
        return 1 if self is Direction.BUY else -1


class Sides(NamedTuple, Generic[T]):
    """One value for each side of the quote."""

    bid: T
    ask: T

    def map(self, function: Callable[[T], U]) -> "Sides[U]":
        """Apply a function to both sides."""
        return Sides(bid=function(self.bid), ask=function(self.ask))

    def of(self, side: Side) -> T:
        """Return the value of one side."""
        return self.bid if side is Side.BID else self.ask


class Directions(NamedTuple, Generic[T]):
    """One value for market buys, one for market sells."""

    buy: T
    sell: T

    def map(self, function: Callable[[T], U]) -> "Directions[U]":
        """Apply a function to both directions."""
        return Directions(buy=function(self.buy), sell=function(self.sell))

    def of(self, direction: Direction) -> T:
        """Return the value of one direction."""
        return self.buy if direction is Direction.BUY else self.sell

    def on(self, side: Side) -> T:
        """Return the value of the direction that fills a quote on this side."""
        return self.sell if side is Side.BID else self.buy

    def on_quotes(self) -> Sides[T]:
        """Rearrange by the quote that is hit: buys lift the ask, sells hit the bid."""
        return Sides(bid=self.sell, ask=self.buy)
