"""What the visible book says: where the fair value is, which side presses, whether there is enough of it."""

from typing import NamedTuple

from market_making.market.events import Level
from market_making.market.sums import in_sequence
from market_making.quoting.quote import MarketView

_NEAR, _FAR = 5, 10
_DEEP_BOOK = 100_000.0


class BookDepth(NamedTuple):
    """Notionals of the best ten and the best five levels of each side [quote currency], and the microprice [price]."""

    bid_notional: float
    ask_notional: float
    near_bid_notional: float
    near_ask_notional: float
    microprice: float

    @property
    def imbalance(self) -> float:
        """From −1 (only asks) to 1 (only bids)."""
        total = self.bid_notional + self.ask_notional
        return (self.bid_notional - self.ask_notional) / total if total > 0 else 0.0

    @property
    def pressure(self) -> float:
        """The imbalance, taken less seriously in a thin book."""
        return self.imbalance * min((self.bid_notional + self.ask_notional) / _DEEP_BOOK, 1.0)

    @property
    def mean_notional(self) -> float:
        """Of both sides [quote currency]."""
        return (self.bid_notional + self.ask_notional) / 2

    def is_liquid(self, least_notional: float) -> bool:
        """Whether both sides hold more than this [quote currency]."""
        return min(self.bid_notional, self.ask_notional) > least_notional


def book_depth(market: MarketView) -> BookDepth:
    """Read the observed levels, or the top of the book where there are none."""
    bids = market.observations.bids or (Level(market.bid_price, market.bid_size),)
    asks = market.observations.asks or (Level(market.ask_price, market.ask_size),)
    return BookDepth(
        _notional(bids[:_FAR]),
        _notional(asks[:_FAR]),
        _notional(bids[:_NEAR]),
        _notional(asks[:_NEAR]),
        market.microprice,
    )


def funding_shift(mid: float, funding_rate: float, holding_s: float) -> float:
    """How far the fair value moves for a holding time [price]; `funding_rate` is what a long pays per second."""
    return -mid * funding_rate * holding_s


def _notional(levels: tuple[Level, ...]) -> float:
    return in_sequence([level.price * level.size for level in levels])
