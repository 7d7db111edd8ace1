"""What every quoting model takes and returns: strategy, replay and tests do not know which model they run.

A model is a pure function ``(market, inventory, flow, clock) → Quotes``. A side that must not be quoted is *withheld*
with its reason. It never has a price of zero, and never the price of the touch.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, Protocol, runtime_checkable

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow, OrderFlows
from market_making.quoting.readings.observations import NOTHING_OBSERVED, Observations
from market_making.quoting.risk.toxicity import Regime
from market_making.quoting.terms import Terms


class MarketView(NamedTuple):
    """The top of the book: prices [price], sizes [coins], the exchange's clock [ms]; and what else is known, if any."""

    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float
    time_ms: int
    observations: Observations = NOTHING_OBSERVED

    @property
    def mid(self) -> float:
        """Middle of best bid and best ask [price]."""
        return (self.bid_price + self.ask_price) / 2

    @property
    def imbalance(self) -> float:
        """(bid size − ask size) / (bid size + ask size); 0 where a size is not known, or there is none [1]."""
        bid, ask = self.bid_size, self.ask_size
        return (bid - ask) / (bid + ask) if 0 < bid < inf and 0 < ask < inf else 0.0

    @property
    def microprice(self) -> float:
        """Mid weighted by the size on the opposite side [price]."""
        total = self.bid_size + self.ask_size
        if total <= 0:
            return self.mid
        return (self.bid_price * self.ask_size + self.ask_price * self.bid_size) / total


class Quote(NamedTuple):
    """An offer to trade at `price` [price], as far from mid as its `terms` sum to [price]; `size` in lots."""

    price: float
    terms: Terms
    size: float = 1.0

    @classmethod
    def at(cls, side: Side, mid: float, terms: Terms, size: float) -> "Quote":
        """An offer as far from mid [price] as its terms say."""
        return cls(mid - terms.depth if side is Side.BID else mid + terms.depth, terms, size)

    @property
    def depth(self) -> float:
        """Distance from mid [price]."""
        return self.terms.depth


class Withheld(NamedTuple):
    """Why a side is not quoted: a reason to count by, and its text with figures."""

    reason: Reason
    detail: str

    @property
    def because(self) -> Because:
        """The reason together with its text."""
        return Because(self.reason, self.detail)


@dataclass(frozen=True)
class Quotes:
    """What a model wants on each side: a quote, or the reason why there is none. Prices are not yet rounded.

    Attributes
    ----------
    sides : Sides[Quote | Withheld]
        The quotes, before anything that is asked of every model alike (`market_making.quoting.pricing`).
    regime : Regime
        The model's own judgement of the flow: where it says widen, the depths are still to be widened.
    answers_losses : bool
        Whether the depths are already larger because own fills have lost.
    hedging : bool
        Whether the model is bringing the inventory back: a side that reduces it must then rest at the touch.
    anchored : bool
        Whether the model itself anchors its quotes at what the book says of the price.
    """

    sides: Sides[Quote | Withheld]
    regime: Regime = Regime.QUOTE
    answers_losses: bool = False
    hedging: bool = False
    anchored: bool = False

    @property
    def bid(self) -> Quote | None:
        """The bid, if there is one."""
        return self.sides.bid if isinstance(self.sides.bid, Quote) else None

    @property
    def ask(self) -> Quote | None:
        """The ask, if there is one."""
        return self.sides.ask if isinstance(self.sides.ask, Quote) else None

    def of(self, side: Side) -> Quote | None:
        """Return the quote of one side, if there is one."""
        return self.bid if side is Side.BID else self.ask

    @classmethod
    def none(cls, because: Because) -> "Quotes":
        """Both sides withheld for the same reason."""
        withheld = Withheld(*because)
        return cls(Sides(bid=withheld, ask=withheld))


@runtime_checkable
class Preparing(Protocol):
    """A quoting model that can prepare many answers at once."""

    def prepare(self, flows: OrderFlows, mids: FloatArray) -> "Callable[[int], Quoter]":
        """Prepare for these flows at these mids [price]; return a function from a position to its quoter.

        A quoter from it answers for its own flow and mid as the model itself would, and for no others. Ask for them in
        order, because neighbours are prepared together.
        """
        ...


class Selective(Protocol):
    """A quoting model that can say what of the market its quotes depend on."""

    def reads(self, market: MarketView, now_ms: int) -> Hashable | None:
        """What its quotes depend on besides inventory and flow: where it is the same, so are they; None: on all."""
        ...


class Quoter(Protocol):
    """A quoting model with its settings."""

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        """Quotes for an inventory [lots, signed] at a time [ms]."""
        ...
