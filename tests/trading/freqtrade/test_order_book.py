"""A book is quoted from only if it is whole, fresh and not crossed, and never because of our own order."""

from math import inf, nan

import pytest

from market_making.market.errors import DataError, MalformedMessage
from market_making.market.sides import Side
from market_making.trading.freqtrade.order_book import top_of_book
from market_making.trading.holding import RestingOrder

NOW_MS = 1_000_000
BOOK = {"bids": [[100.0, 2.0], [99.0, 3.0]], "asks": [[101.0, 1.0], [102.0, 4.0]], "timestamp": NOW_MS - 500}


def top(book, own=None):
    """The top of a book with the usual limit."""
    return top_of_book(book, now_ms=NOW_MS, maximum_age_ms=3000, own=own)


def test_the_best_levels_are_taken():
    """Prices and sizes of the first levels, and the exchange's own time."""
    market = top(BOOK)
    assert (market.bid_price, market.bid_size, market.ask_price, market.ask_size) == (100.0, 2.0, 101.0, 1.0)
    assert market.time_ms == NOW_MS - 500


@pytest.mark.parametrize("level", [[nan, 1.0], [100.0, nan], [inf, 1.0], [0.0, 1.0], [-1.0, 1.0], [100.0, 0.0]])
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_numbers_that_are_none_are_refused(side, level):
    """NaN, infinity, zero and negative numbers are no price and no size."""
    with pytest.raises(MalformedMessage):
        top(BOOK | {side: [level]})


@pytest.mark.parametrize(
    "book", [BOOK | {"bids": []}, BOOK | {"asks": []}, BOOK | {"bids": None}, BOOK | {"bids": [[101.0, 1.0]]}, {}]
)
def test_a_one_sided_or_crossed_book_is_refused(book):
    """Without two sides in their order there is no mid."""
    with pytest.raises(MalformedMessage):
        top(book)


def test_an_old_book_is_refused():
    """The message says how old it is and how old it may be."""
    with pytest.raises(DataError, match=r"4\.0 s old, limit 3\.0 s"):
        top(BOOK | {"timestamp": NOW_MS - 4000})


@pytest.mark.parametrize("ahead_ms", [1001, 45_000, 3_600_000])
def test_a_book_of_the_future_is_as_bad_as_an_old_one(ahead_ms):
    """With a clock that is wrong a book that stopped would look fresh; a second is left for what clocks do."""
    with pytest.raises(DataError, match="ahead of this machine's clock"):
        top(BOOK | {"timestamp": NOW_MS + ahead_ms})
    assert top(BOOK | {"timestamp": NOW_MS + 1000}).time_ms == NOW_MS + 1000


def test_an_exchange_without_timestamps_is_taken_at_its_answer():
    """Where a book has no time, the time of asking stands in."""
    assert top(BOOK | {"timestamp": None}).time_ms == NOW_MS


@pytest.mark.parametrize(("size", "seen"), [(2.0, (99.0, 3.0)), (0.5, (100.0, 1.5))])
def test_our_own_order_is_left_out(size, seen):
    """A maker does not follow itself: alone at the best price, the next level counts; beside others, their size."""
    own = RestingOrder("1", Side.BID, 100.0, size, 0.0, 0)
    market = top(BOOK, own)
    assert (market.bid_price, market.bid_size) == seen
    assert market.ask_price == 101.0
