"""A book is known while its heartbeat is heard and of now; newer best quotes lie over it."""

import pytest

from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side
from market_making.trading.freqtrade.edge.known_books import KnownBooks


class Now:
    s, ms = 100.0, 1_000_000

    def passes(self, seconds):
        self.s += seconds
        self.ms += int(seconds * 1000)


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def books(now):
    return KnownBooks(lambda: now.s, lambda: now.ms)


def level(price, size=1.0):
    return {"px": str(price), "sz": str(size), "n": 1}


def book(time_ms, bids=(99.9, 99.8), asks=(100.1, 100.2), coin="ETH"):
    return {"coin": coin, "time": time_ms, "levels": [list(map(level, bids)), list(map(level, asks))]}


def quote(time_ms, bid, ask, coin="ETH"):
    best = [None if price is None else level(price, 2.0) for price in (bid, ask)]
    return {"coin": coin, "time": time_ms, "bbo": best}


def prices(answer):
    return [[float(each["px"]) for each in side] for side in answer["levels"]]


def test_a_book_is_answered_in_the_exchanges_own_words(books, now):
    """As it came, with its time."""
    told = book(now.ms - 200)
    assert books.take_book(told) == "ETH"
    assert books.answer("ETH") == told


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (99.9, 100.1, [[99.9, 99.8], [100.1, 100.2]]),
        (99.95, 100.05, [[99.95, 99.9, 99.8], [100.05, 100.1, 100.2]]),
        (99.8, 100.15, [[99.8], [100.15, 100.2]]),
        (100.15, 100.3, [[100.15, 99.9, 99.8], [100.3]]),
        (99.0, 99.85, [[99.0], [99.85, 100.1, 100.2]]),
    ],
)
def test_a_newer_best_quote_lies_over_the_book(books, now, bid, ask, expected):
    """It replaces everything that is better or equal, and nothing crosses it."""
    books.take_book(book(now.ms - 400))
    books.take_quote(quote(now.ms - 100, bid, ask))
    assert prices(books.answer("ETH")) == expected
    assert books.answer("ETH")["time"] == now.ms - 100
    assert books.mid("ETH") == pytest.approx((bid + ask) / 2)


def test_an_older_best_quote_does_not(books, now):
    """Messages of two feeds may come in either order."""
    books.take_quote(quote(now.ms - 500, 90.0, 110.0))
    books.take_book(book(now.ms - 400))
    assert prices(books.answer("ETH")) == [[99.9, 99.8], [100.1, 100.2]]


def test_a_silent_second_makes_a_book_unknown(books, now):
    """Also while best quotes come: the book is the heartbeat."""
    books.take_book(book(now.ms))
    now.passes(0.9)
    assert books.answer("ETH") is not None
    now.passes(0.2)
    books.take_quote(quote(now.ms, 99.9, 100.1))
    assert books.answer("ETH") is None
    assert books.mid("ETH") is None


def test_a_book_that_comes_again_is_no_heartbeat(books, now):
    """A proxy or an exchange that is stuck repeats itself: a second after it was new the book is unknown."""
    stuck = book(now.ms)
    books.take_book(stuck)
    for _ in range(3):
        now.passes(0.4)
        books.take_book(stuck)
    assert books.answer("ETH") is None
    assert now.s - books.heard_s > 1.0


@pytest.mark.parametrize("age_ms", [-1_500, 1_600, 60_000])
def test_a_book_that_is_not_of_now_is_unknown(books, now, age_ms):
    """Old news, or a clock that is wrong: the exchange is asked, whose answer is judged as always."""
    books.take_book(book(now.ms - age_ms))
    assert books.answer("ETH") is None


@pytest.mark.parametrize("side", [(None, 100.1), (99.9, None), (None, None)])
def test_a_side_without_a_best_quote_is_unknown(books, now, side):
    """The exchange is asked."""
    books.take_book(book(now.ms - 100))
    books.take_quote(quote(now.ms, *side))
    assert books.answer("ETH") is None


def test_other_coins_and_what_was_before_a_cut_are_unknown(books, now):
    """After a cut the connection begins anew."""
    books.take_book(book(now.ms))
    assert books.answer("BTC") is None
    books.forget()
    assert books.answer("ETH") is None
    assert books.heard_s is None


def test_books_that_the_socket_forgets_within_an_answer_are_unknown_or_told(books, now):
    """Its thread may lose the connection between two lines."""
    books.take_book(book(now.ms))
    levels = books.levels

    def then_lost(coin):
        found = levels(coin)
        books.forget()
        return found

    books.levels = then_lost
    assert prices(books.answer("ETH")) is not None
    assert books.answer("ETH") is None


def test_mid_leaves_own_orders_out(books, now):
    """A maker must not follow itself: what is behind an own order that is best alone counts."""
    books.take_book(book(now.ms))
    assert books.mid("ETH", [(Side.BID, 99.9, 1.0)]) == pytest.approx((99.8 + 100.1) / 2)
    assert books.mid("ETH", [(Side.BID, 99.9, 0.4)]) == pytest.approx(100.0)
    assert books.mid("ETH", [(Side.ASK, 99.9, 1.0)]) == pytest.approx(100.0)
    assert books.mid("ETH", [(Side.BID, 99.9, 1.0), (Side.BID, 99.8, 1.0)]) is None


def test_a_book_that_goes_back_in_time_is_a_lie(books, now):
    """Of the same coin and feed."""
    books.take_book(book(now.ms))
    books.take_quote(quote(now.ms - 300, 99.9, 100.1))
    books.take_book(book(now.ms - 5, coin="BTC"))
    with pytest.raises(MalformedMessage, match="older than the one before"):
        books.take_book(book(now.ms - 1))
    with pytest.raises(MalformedMessage, match="older than the one before"):
        books.take_quote(quote(now.ms - 301, 99.9, 100.1))


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        {"coin": "ETH", "time": 1, "levels": [[]]},
        {"coin": "ETH", "time": 1, "levels": [[{"px": "1"}], []]},
        {"coin": "ETH", "time": 1, "levels": [[{"px": "nan", "sz": "1"}], []]},
        {"coin": "ETH", "time": "1", "levels": [[], []]},
        {"coin": "ETH", "time": 1, "levels": [[{"px": "-1", "sz": "1"}], []]},
    ],
)
def test_half_a_message_is_none(books, message):
    """Whatever is missing."""
    with pytest.raises(MalformedMessage):
        books.take_book(message)
    with pytest.raises(MalformedMessage):
        books.take_quote(message if message is None else {**message, "bbo": message.get("levels")})
