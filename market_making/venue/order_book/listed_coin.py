"""One coin as the venue keeps it: its book, its prices, its last trades."""

from collections import deque
from dataclasses import replace
from decimal import Decimal

from market_making.market.events import AssetContext, Trade
from market_making.market.identity import Kind, Market
from market_making.venue.order_book.book_side import BookSide, Capacity, Expire
from market_making.venue.order_book.matching import Matching

_DECIMALS = {Kind.PERPETUAL: 6, Kind.SPOT: 8}
# Source: the exchange's documentation, "Funding": the impact notional is 20,000 USDC for BTC and ETH, else 6,000.
MAJORS = ("BTC", "ETH")
IMPACT_NOTIONAL, MINOR_IMPACT_NOTIONAL = 20_000.0, 6_000.0
IMPACT_LEVELS = 100


class ListedCoin:
    """State of one coin, named as on the wire; `mark` is None before the source has shown a book."""

    def __init__(self, market: Market, capacity: Capacity, expire: Expire, backlog: int) -> None:
        self.market = market
        self.index = market.asset
        self.listing = market.listing
        self.is_spot = market.kind is Kind.SPOT
        self.instrument = replace(market.instrument, coin=market.wire)
        self._decimals = _DECIMALS[market.kind] - market.listing.size_decimals
        self.matching = Matching(self.instrument, capacity, expire)
        self.mark: Decimal | None = None
        self.mark_ms = 0
        self.trades: deque[Trade] = deque(maxlen=max(backlog, 1))
        self.halted_until_ms = 0
        """Before this time nothing is traded."""
        self.capped_until_ms = 0
        """Before this time it is at its cap of open interest."""
        self._oracle: tuple[Decimal, int] | None = None

    def update_mark(self, time_ms: int) -> bool:
        """Take mid of the source's book as the new mark and oracle price; false while there is no mid."""
        mid = self.matching.external_mid
        if mid is None:
            return False
        self.mark = Decimal(repr(round(mid, self._decimals)))
        self.mark_ms = time_ms
        return True

    def hold_oracle(self, until_ms: int) -> None:
        """Let the oracle's price stand still until a time, as when its deployer does not renew it."""
        self._oracle = None if self.mark is None else (self.mark, until_ms)

    def oracle(self, time_ms: int) -> Decimal | None:
        """What the oracle says: the mark price unless it stands still."""
        if self._oracle is not None and time_ms < self._oracle[1]:
            return self._oracle[0]
        return self.mark

    def mid(self) -> float | None:
        """Mid of the whole book, own orders included [price]; it has one decimal more than prices."""
        quote = self.matching.best_quote(0)
        if quote.bid is None or quote.ask is None:
            return None
        return round((quote.bid.price + quote.ask.price) / 2, self._decimals + 1)

    def impact_prices(self) -> tuple[float, float] | None:
        """Mean prices at which the impact notional is sold and bought; None without a two-sided book."""
        notional = IMPACT_NOTIONAL if self.listing.coin in MAJORS else MINOR_IMPACT_NOTIONAL
        bid, ask = (self._impact(side, notional) for side in self.matching.sides)
        return None if bid is None or ask is None else (bid, ask)

    def _impact(self, side: BookSide, notional: float) -> float | None:
        """Mean price of a market order of this size [USDC], as far as the book reaches."""
        coins, left = 0.0, notional
        for price, lots, _ in side.depth(IMPACT_LEVELS):
            taken = min(left, self.matching.size(lots) * price)
            coins, left = coins + taken / price, left - taken
        if not coins:
            return None
        return round((notional - left) / coins, self._decimals + 1)

    def context(self, funding_rate: float, open_lots: int, time_ms: int) -> AssetContext:
        """What the venue publishes beside the book; before the first book there is a nominal price of 1."""
        mark = 1.0 if self.mark is None else float(self.mark)
        if self.is_spot:
            return AssetContext(self.listing.coin, None, mark, None, None, self.mid())
        size, oracle = self.matching.size(open_lots), self.oracle(time_ms)
        return AssetContext(
            self.listing.coin, funding_rate, mark, mark if oracle is None else float(oracle), size, self.mid()
        )
