"""A planned price that follows the touch of a newer book.

Freqtrade reads the book again before it asks for the price of an order, up to two seconds after the plan was made. The
price keeps its distance from the touch of its own side.
"""

from math import isfinite

from market_making.market.instrument import Instrument
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView
from market_making.trading.plan import PlannedOrder


def fresh_order(order: PlannedOrder, market: MarketView, instrument: Instrument, touch: float) -> PlannedOrder:
    """The same order, moved as far as the best price of its side has moved since `market` was seen.

    Parameters
    ----------
    order : PlannedOrder
        Planned from `market`.
    touch : float
        Best price of its side now [price]; one that is none is not followed.
    """
    is_bid = order.side is Side.BID
    # As planned, however often the order has followed since.
    planned = order.price + (order.terms.fresh if is_bid else -order.terms.fresh)
    wished = planned + touch - (market.bid_price if is_bid else market.ask_price)
    if not isfinite(wished) or min(touch, wished) <= 0:
        return order
    # Floating point must not cost a tick.
    exact = float(f"{wished:.12g}")
    price = instrument.bid_price(exact) if is_bid else instrument.ask_price(exact)
    if price <= 0:
        return order
    return order._replace(price=price, terms=order.terms._replace(fresh=planned - price if is_bid else price - planned))
