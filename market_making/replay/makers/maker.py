"""What a maker with any number of orders sees in a loop, and what it decides."""

from collections import Counter
from typing import NamedTuple, Protocol

from market_making.market.events import Level
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.trading.planned import PlannedOrder
from market_making.trading.wanted import WantedOrder


class Resting(NamedTuple):
    """An own order as it is known: number, price [price], size and filled part [coins], arrival [ms]."""

    number: int
    price: float
    size: float
    filled: float
    placed_ms: int


class FilledPart(NamedTuple):
    """A part of an own order that was filled: its number, its side, price [price] and size [coins]."""

    number: int
    side: Side
    price: float
    size: float


class Seen(NamedTuple):
    """What a maker sees at the start of a loop.

    Attributes
    ----------
    now_ms, heard_ms : int
        When the loop begins, and the time of what is seen [ms].
    bids, asks : tuple of Level
        The market's book without own orders, best first.
    position : float
        What is held, as far as it is known [coins, signed].
    resting : Sides of tuple of Resting
        Own orders, as far as they are known, oldest first.
    parts : tuple of FilledPart
        What was filled since the maker last decided.
    """

    now_ms: int
    heard_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    position: float
    resting: Sides[tuple[Resting, ...]]
    parts: tuple[FilledPart, ...]

    @property
    def is_two_sided(self) -> bool:
        """Whether the book has two sides that do not cross."""
        return bool(self.bids and self.asks) and self.bids[0].price < self.asks[0].price


class Decision(NamedTuple):
    """What is to be done in a loop.

    Attributes
    ----------
    mid : float
        Around which it was decided [price].
    bounds : Sides[float]
        The largest position, long and short, that all orders of a side together may lead to [coins].
    cancel : tuple of int
        Numbers of orders that go, with one request.
    place : tuple of PlannedOrder
        Orders that come, with one request after it; one that does not fit within the bounds any more is left out.
    stale : tuple of WantedOrder
        Orders at which mid may come too close, which begins the next loop.
    """

    mid: float
    bounds: Sides[float]
    cancel: tuple[int, ...] = ()
    place: tuple[PlannedOrder, ...] = ()
    stale: tuple[WantedOrder, ...] = ()


class Maker(Protocol):
    """Decides; it may remember what it saw.

    Attributes
    ----------
    every_s : float or None
        Time from loop to loop [s]; None for that of the replay.
    book_levels : int
        How many levels of the book it looks at.
    wakes : bool
        Whether a fill or a stale order begins the next loop.
    withheld : Counter of Reason
        Why no order was wanted, and in how many loops.
    """

    every_s: float | None
    book_levels: int
    wakes: bool
    withheld: Counter[Reason]

    def decide(self, seen: Seen) -> Decision | None:
        """What is to be done; None where it cannot decide."""
        ...

    def sent(self, actions: int, now_ms: int) -> None:
        """Take note of so many actions, as the exchange counts them, that are sent at a time [ms]."""
        ...
