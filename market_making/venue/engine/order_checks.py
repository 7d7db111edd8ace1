"""Why an order is refused, in the exchange's own words.

Source of the texts: the exchange's documentation, "Error responses", and the error table of ccxt. How the best bid and
offer are written in the post-only refusal has not been compared with the real exchange.
"""

from decimal import Decimal
from typing import NamedTuple

from market_making.hyperliquid.orders import OrderTerms, TimeInForce, decimal_text
from market_making.market.names import USDC
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import Prices, cross_summary, order_requirement, withdrawable
from market_making.venue.accounts.spot import held_by_orders
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order, Status

REFERENCE_BAND = Decimal("0.8")
CAPPED = "Order would increase open interest while open interest is capped"


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
        least = "$10" if coin.market.tokens is None else f"10 {coin.market.tokens.quote}"
        return Refusal(Status.MINIMUM, f"Order must have minimum value of {least}. asset={terms.asset}")
    return None


def refuse_order(
    order: Order, coin: ListedCoin, account: Account, state: State, replaced: Order | None
) -> Refusal | None:
    """What forbids an order in this state of book and account; `replaced` is about to be cancelled for it."""
    if order.waits_for_mark:
        return _refuse_trigger(order, coin)
    if order.reduce_only and not _reduces(order, account):
        return Refusal(Status.REDUCE_ONLY, f"Reduce only order would increase position. asset={coin.index}")
    refusal = _refuse_at_cap(order, coin, account, state.now_ms) or _refuse_unpaid(
        order, coin, account, state, replaced
    )
    if refusal is not None:
        return refusal
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


def _refuse_at_cap(order: Order, coin: ListedCoin, account: Account, now_ms: int) -> Refusal | None:
    """At the cap of open interest a position only shrinks."""
    if order.tokens is not None or order.reduce_only or now_ms >= coin.capped_until_ms:
        return None
    signed = order.lots if order.side is Side.BID else -order.lots
    held = account.position(order.coin).lots
    if held * signed < 0 and abs(signed) <= abs(held):
        return None
    return Refusal(Status.FLIP_AT_CAP if held * signed < 0 else Status.INCREASE_AT_CAP, f"{CAPPED} asset={coin.index}")


def _refuse_unpaid(
    order: Order, coin: ListedCoin, account: Account, state: State, replaced: Order | None
) -> Refusal | None:
    if order.tokens is not None and _lacks_tokens(order, account, state, replaced):
        text = f"Order has insufficient spot balance to trade. asset={coin.index}"
        return Refusal(Status.NO_SPOT_BALANCE, text)
    if order.tokens is None and not order.reduce_only and _lacks_margin(order, account, state.prices, replaced):
        return Refusal(Status.NO_MARGIN, f"Insufficient margin to place order. asset={coin.index}")
    return None


def _lacks_margin(order: Order, account: Account, prices: Prices, replaced: Order | None) -> bool:
    purse = account.home(order.coin)
    kept = [
        other
        for other in account.open_orders.values()
        if other not in (order, replaced) and other.tokens is None and account.home(other.coin) is purse
    ]
    before = order_requirement(purse, prices, kept)
    after = order_requirement(purse, prices, [*kept, order])
    return after > before and after > cross_summary(purse, prices).account_value


def _reduces(order: Order, account: Account) -> bool:
    """Whether it is the other way than a position; tokens are no position."""
    signed = order.lots if order.side is Side.BID else -order.lots
    return order.tokens is None and account.position(order.coin).closing_lots(signed) > 0


def _lacks_tokens(order: Order, account: Account, state: State, replaced: Order | None) -> bool:
    """Whether the account has less than an order in spot pays or delivers, after what other orders hold."""
    if order.tokens is None:
        return False
    needed = order.tokens.quote if order.side is Side.BID else order.tokens.base
    kept = [(tokens, other) for tokens, other in state.spot_orders(account) if other not in (order, replaced)]
    free = account.spot.total(needed) - held_by_orders(kept, needed)
    if needed == USDC and account.spot.purse is account.purse:
        free = withdrawable(account.purse, state.prices) - held_by_orders(kept, needed)
    return held_by_orders([(order.tokens, order)], needed) > free
