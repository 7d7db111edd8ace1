"""One book from best quotes, which are fast, and books of several levels, which are slow."""

from collections.abc import Sequence

from market_making.market.events import BookSnapshot, Level
from market_making.market.sides import Sides
from market_making.recording.streams import BOOK_LEVELS, Stream


class FusedBook:
    """The last book behind the last best quote: what it showed at or before that touch is gone."""

    def __init__(self, coin: str) -> None:
        self._coin = coin
        self._behind: Sides[tuple[Level, ...]] = Sides((), ())
        self._touch: Sides[Level] | None = None
        self.known = False

    def update(self, stream: Stream, row: Sequence[float]) -> None:
        """Take in the columns of a row: bid price, bid size, ask price, ask size, level by level.

        The first level must have both sides; deeper ones that are missing are NaN.
        """
        self.known = True
        book = Sides(bid=_levels(row[0::4], row[1::4]), ask=_levels(row[2::4], row[3::4]))
        if stream is Stream.BBO:
            self._touch = book.map(lambda levels: levels[0])
        elif stream is Stream.BOOK:
            self._behind = book
        else:
            self._behind = Sides(
                bid=book.bid + _lower(self._behind.bid, book.bid[-1]),
                ask=book.ask + _higher(self._behind.ask, book.ask[-1]),
            )

    def snapshot(self, time_ms: int) -> BookSnapshot:
        """The book as far as it is known."""
        bids, asks = self._behind
        if self._touch is not None:
            bids = (self._touch.bid, *_lower(bids, self._touch.bid))
            asks = (self._touch.ask, *_higher(asks, self._touch.ask))
        return BookSnapshot(self._coin, time_ms, bids[:BOOK_LEVELS], asks[:BOOK_LEVELS])


def _lower(levels: tuple[Level, ...], than: Level) -> tuple[Level, ...]:
    return tuple([level for level in levels if level.price < than.price])


def _higher(levels: tuple[Level, ...], than: Level) -> tuple[Level, ...]:
    return tuple([level for level in levels if level.price > than.price])


def _levels(prices: Sequence[float], sizes: Sequence[float]) -> tuple[Level, ...]:
    # NaN is not greater than 0.
    return tuple([Level(price, size) for price, size in zip(prices, sizes, strict=True) if size > 0])
