"""What a peer is: a pricing and a keeping, both made anew for each session.

A pricing says what it wants on each side; a keeping says which resting orders go and which wanted orders are placed.
Both see the book as old as the bot would, and their own orders as they were asked about then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.replay.makers.maker import Resting


class PeerView(NamedTuple):
    """What a peer sees at a time.

    Attributes
    ----------
    time_ms : int
        The exchange's clock [ms].
    bid, ask : float
        The market's best prices without own orders [price].
    tick : float
        Distance of neighbouring prices [price].
    position : float
        What is held, as far as it is known [coins, signed].
    lot, bound : float
        Size of an order, and the largest position of either sign [coins].
    flow : OrderFlow or None
        The newest calibration; None where there is none that is valid.
    """

    time_ms: int
    bid: float
    ask: float
    tick: float
    position: float
    lot: float
    bound: float
    flow: OrderFlow | None

    @property
    def mid(self) -> float:
        """Middle of best bid and best ask [price]."""
        return (self.bid + self.ask) / 2

    def best(self, side: Side) -> float:
        """Best price of a side [price]."""
        return self.bid if side is Side.BID else self.ask

    def room(self, side: Side) -> float:
        """How much an order of this side may add until the bound is reached [coins]."""
        return self.bound - (self.position if side is Side.BID else -self.position)


class Wanted(NamedTuple):
    """An order that a pricing wants: price on the grid [price] and size [coins]."""

    price: float
    size: float


class Changes(NamedTuple):
    """What a keeping does in a loop: the sides whose order is cancelled, and those where the wanted one is placed."""

    cancel: tuple[Side, ...] = ()
    place: tuple[Side, ...] = ()


class Pricing(Protocol):
    """What to quote; it may remember what it saw."""

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """The order of each side before rounding to the grid; None where it wants none."""
        ...


class Keeping(Protocol):
    """How orders are kept.

    Attributes
    ----------
    every_s : float or None
        Time from loop to loop [s]; None for that of the replay.
    """

    every_s: float | None

    def changes(
        self, view: PeerView, wanted: Sides[Wanted | None], resting: Sides[Resting | None], *, filled: bool
    ) -> Changes:
        """What is to be done now; `filled` says that an own fill was seen since the last loop."""
        ...


@dataclass(frozen=True)
class Peer:
    """A peer by name.

    Parameters
    ----------
    name : str
        In tables and on the command line.
    summary : str
        What it quotes and how it keeps its orders.
    pricing, keeping : Callable
        Make both of a session.
    """

    name: str
    summary: str
    pricing: Callable[[], Pricing]
    keeping: Callable[[], Keeping]
