"""The life of a pair's orders, one after the other: asked for, placed or refused, filled in parts, cancelled.

Freqtrade tells of an order only while it rests, and once when it has ended with something filled. What happens between
is told from what was asked for and from what is seen, and each thing is told once.
"""

from collections.abc import Iterator
from typing import NamedTuple

from market_making.trading.decision_log import Event
from market_making.trading.fills import DIGITS, CountedFills
from market_making.trading.holding import RestingOrder
from market_making.trading.plan import PlannedOrder


class AskedOrder(NamedTuple):
    """An order that Freqtrade was asked for, the mid it was priced from, and the number of its line in the log."""

    order: PlannedOrder
    tag: str
    sequence: int | None = None
    mid: float | None = None


class OrderNews(NamedTuple):
    """What has become of an order.

    Attributes
    ----------
    event : Event
        PLACED, REFUSED, FILL, CANCELLED, or FOREIGN for an order that neither the bot nor Freqtrade has made.
    order : RestingOrder or None
        As it was last seen; None if it was never seen.
    asked : AskedOrder or None
        The request that it answers.
    size : float
        The part that was filled [coins].
    wanted : bool
        Of a cancelled one: whether the bot had asked for it.
    """

    event: Event
    order: RestingOrder | None = None
    asked: AskedOrder | None = None
    size: float = 0.0
    wanted: bool = True


class OrderTrack:
    """Follows the orders of one pair, of which one rests at a time.

    Parameters
    ----------
    fills : CountedFills
        Shared by all pairs.
    """

    def __init__(self, fills: CountedFills) -> None:
        self._fills = fills
        self._asked: AskedOrder | None = None
        # The edge may cancel an order before any loop has seen it, while the one before it is still known.
        self._cancelling: dict[str, str] = {}
        self.resting: RestingOrder | None = None
        self.origin: AskedOrder | None = None
        """The request that the resting order answers, if it was made in this run."""

    def ask(self, asked: AskedOrder) -> None:
        """An order is about to be sent."""
        self._asked = asked

    def cancel(self, order: RestingOrder, why: str) -> bool:
        """Freqtrade is told to cancel an order; return whether that is new."""
        is_new = self._cancelling.get(order.order_id) != why
        self._cancelling[order.order_id] = why
        return is_new

    def look(self, resting: RestingOrder | None, *, answered: bool = False) -> Iterator[OrderNews]:
        """See what rests now; `answered` says that whatever was asked for before has had its answer."""
        known = self.resting
        if known is not None and (resting is None or resting.order_id != known.order_id):
            yield self._ended(known)
        if resting is not None:
            yield from self._seen(resting)
            self.resting = resting
        if answered and self._asked is not None:
            asked, self._asked = self._asked, None
            yield OrderNews(Event.REFUSED, asked=asked)

    def finished(self, order: RestingOrder) -> Iterator[OrderNews]:
        """See an order that has ended, perhaps not for the first time."""
        was_live = not self._fills.knows(order) or (
            self.resting is not None and self.resting.order_id == order.order_id
        )
        yield from self._seen(order)
        if was_live and round(order.remaining, DIGITS) > 0:
            yield self._ended(order)
        elif was_live:
            self._forget(order)

    def _seen(self, order: RestingOrder) -> Iterator[OrderNews]:
        """An order, for the first time or again, and what is newly filled of it."""
        if not self._fills.knows(order):
            asked = self._asked
            if asked is not None and asked.order.side is order.side:
                self._asked, self.origin = None, asked
                yield OrderNews(Event.PLACED, order, asked)
            else:
                self.origin = None
                yield OrderNews(Event.PLACED if order.tag else Event.FOREIGN, order)
        part = self._fills.part(order)
        if part > 0:
            yield OrderNews(Event.FILL, order, size=part)

    def _ended(self, order: RestingOrder) -> OrderNews:
        wanted = order.order_id in self._cancelling
        self._forget(order)
        return OrderNews(Event.CANCELLED, order, wanted=wanted)

    def _forget(self, order: RestingOrder) -> None:
        """An order has ended. A request about one that never rested is forgotten with the next that does."""
        self.resting = None
        later = [number for number in self._cancelling if number != order.order_id]
        self._cancelling = {number: self._cancelling[number] for number in later[-1:]}
