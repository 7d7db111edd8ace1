"""Why an order is refused, in the exchange's own words.

Source of the texts: the exchange's documentation, "Error responses", and the error table of ccxt. How the best bid and
offer are written in the post-only refusal has not been compared with the real exchange.
"""

from decimal import Decimal
from typing import NamedTuple

from market_making.hyperliquid.orders import OrderTerms, TimeInForce, decimal_text
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import Prices, cross_summary, order_requirement
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order, Status

REFERENCE_BAND = Decimal("0.8")


class Refusal(NamedTuple):
    """The status a refused order gets, and what its owner is told."""

    status: Status
    text: str


def refuse_terms(terms: OrderTerms, coin: ListedCoin, *, whole_position: bool) -> Refusal | None:
    """What is wrong with the terms alone, whatever the state of book and account."""
    rules = coin.instrument
    if terms.size <= 0 and not whole_position:
        return Refusal(Status.REJECTED, "Order has zero size.")
    if terms.size % rules.lot:
        return Refusal(Status.REJECTED, "Order has invalid size.")
    prices = [terms.price] if terms.trigger is None else [terms.price, terms.trigger.price]
    if not all(rules.is_valid_price(float(price)) for price in prices):
        return Refusal(Status.TICK, f"Price must be divisible by tick size. asset={terms.asset}")
    if coin.mark is not None and abs(terms.price - coin.mark) > REFERENCE_BAND * coin.mark:
        return Refusal(Status.REJECTED, "Order price cannot be more than 80% away from the reference price")
    if not terms.reduce_only and terms.size * terms.price < Decimal(str(rules.minimum_notional)):
        return Refusal(Status.MINIMUM, f"Order must have minimum value of $10. asset={terms.asset}")
    return None


def refuse_order(
    order: Order, coin: ListedCoin, account: Account, prices: Prices, replaced: Order | None
) -> Refusal | None:
    """What forbids an order in this state of book and account; `replaced` is about to be cancelled for it."""
    if order.waits_for_mark:
        return _refuse_trigger(order, coin)
    signed = order.lots if order.side is Side.BID else -order.lots
    if order.reduce_only and not account.positions[order.coin].closing_lots(signed):
        return Refusal(Status.REDUCE_ONLY, f"Reduce only order would increase position. asset={coin.index}")
    if not order.reduce_only and _lacks_margin(order, account, prices, replaced):
        return Refusal(Status.NO_MARGIN, f"Insufficient margin to place order. asset={coin.index}")
    if order.tif is TimeInForce.POST_ONLY and coin.matching.would_match(order.side, order.price):
        return Refusal(Status.BAD_ALO, f"{post_only_text(coin)} asset={coin.index}")
    return None


def post_only_text(coin: ListedCoin) -> str:
    """The refusal of a post-only order tells the best bid and offer."""
    quote = coin.matching.best_quote(0)
    bid, ask = ("" if level is None else decimal_text(Decimal(repr(level.price))) for level in (quote.bid, quote.ask))
    return f"Post only order would have immediately matched, bbo was {bid}@{ask}."


def is_triggered(order: Order, mark: Decimal) -> bool:
    """Whether the mark price has reached the trigger of an order."""
    if order.trigger is None:
        return False
    waits_above = order.trigger.is_stop == (order.side is Side.BID)
    return mark >= order.trigger.price if waits_above else mark <= order.trigger.price


def _refuse_trigger(order: Order, coin: ListedCoin) -> Refusal | None:
    if not order.waits_for_parent and coin.mark is not None and is_triggered(order, coin.mark):
        return Refusal(Status.BAD_TRIGGER, f"Invalid TP/SL price. asset={coin.index}")
    return None


def _lacks_margin(order: Order, account: Account, prices: Prices, replaced: Order | None) -> bool:
    kept = [other for other in account.open_orders.values() if other not in (order, replaced)]
    before = order_requirement(account, prices, kept)
    after = order_requirement(account, prices, [*kept, order])
    return after > before and after > cross_summary(account, prices).account_value
