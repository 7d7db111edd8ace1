"""Whether a bot still wants an order that rests."""

from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.sides import Side
from market_making.safety.books import BotBooks
from market_making.safety.state_file import PairState

_OFF_BPS = 1.0


def is_wanted(order: OpenOrder, pair: PairState) -> bool:
    """Whether the bot would quote on this side at about this price now."""
    quote = pair.bid if order.side is Side.BID else pair.ask
    if not pair.quoting or quote.price is None:
        return False
    return abs(quote.price - order.price) <= order.price * _OFF_BPS / 1e4


def is_unknown(order: OpenOrder, books: BotBooks | None, pair: PairState | None) -> bool:
    """Whether the bot's database could be read and neither it nor the state file has the order."""
    if books is None or order.oid in books.known or order.oid in books.open:
        return False
    return pair is None or pair.resting is None or pair.resting.order_id != str(order.oid)
