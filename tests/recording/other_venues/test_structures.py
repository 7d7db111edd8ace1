"""ccxt's structures and the project's events, and which venues there are."""

import ccxt.pro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError, MalformedMessage
from market_making.market.sides import Direction
from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.other_venues.structures import book_of, coins_per_unit, quote_of, trade_of
from market_making.recording.other_venues.venues import THROUGH_CCXT, venue_named
from market_making.recording.streams import Stream

POSITIVE = st.floats(1e-9, 1e9)
NONSENSE = st.sampled_from([None, 0, -1.0, float("nan"), float("inf"), "much"])


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(1e-4, 1e4))
def test_contracts_become_coins(bid, bid_size, ask, ask_size, unit):
    """Prices stay, sizes are multiplied, whatever the numbers."""
    ticker = {"bid": bid, "bidVolume": bid_size, "ask": ask, "askVolume": ask_size}
    quote = quote_of("BTC", ticker, 5, unit)
    assert (quote.bid[:2], quote.ask[:2]) == ((bid, bid_size * unit), (ask, ask_size * unit))


@given(st.lists(st.tuples(POSITIVE, POSITIVE, st.integers()), max_size=30), st.integers(1, 20))
def test_a_book_keeps_its_best_levels_in_order(levels, count):
    """No level is lost before the limit; further elements of a level are ignored."""
    book = book_of("BTC", {"bids": levels, "asks": levels}, 5, 1.0, count)
    assert [level[:2] for level in book.bids] == [level[:2] for level in levels[:count]]
    assert book.asks == book.bids


@given(st.sampled_from(["price", "amount"]), NONSENSE)
def test_a_print_without_a_number_is_malformed(name, value):
    """Nothing that is no trade gets into a recording."""
    trade = {"timestamp": 1, "side": "buy", "price": 1.0, "amount": 1.0, "id": "1"}
    assert trade_of("BTC", trade, 1.0).direction is Direction.BUY
    with pytest.raises(MalformedMessage):
        trade_of("BTC", trade | {name: value}, 1.0)


@pytest.mark.parametrize("wrong", [{"side": None}, {"side": "both"}, {"timestamp": None}])
def test_a_print_without_aggressor_or_time_is_malformed(wrong):
    """A guess would bias the calibration."""
    trade = {"timestamp": 1, "side": "sell", "price": 1.0, "amount": 1.0, "id": "1"}
    with pytest.raises(MalformedMessage, match="a trade of BTC has time"):
        trade_of("BTC", trade | wrong, 1.0)


def test_an_empty_side_is_none():
    """A market without bids has a quote without a bid."""
    quote = quote_of("BTC", {"bid": None, "bidVolume": None, "ask": 2.0, "askVolume": 1.0}, 5, 1.0)
    assert quote.bid is None
    assert quote.ask.price == 2.0


def test_spot_sizes_are_coins_already():
    """Only contracts have a size."""
    assert coins_per_unit({"contract": False, "contractSize": None}) == 1.0
    assert coins_per_unit({"contract": True, "contractSize": 0.01}) == 0.01


@pytest.mark.parametrize("venue", THROUGH_CCXT.values(), ids=lambda venue: venue.name)
def test_ccxt_can_do_what_each_venue_is_asked_for(venue: VenueQuirks):
    """The streams of every venue exist in the installed ccxt, prints and a source of quotes among them."""
    has = getattr(ccxt.pro, venue.name)().has
    asked = {stream for streams in venue.connections for stream in streams}
    needed = {Stream.TRADES: "watchTrades", Stream.BBO: "watchBidsAsks", Stream.BOOK: "watchOrderBook"}
    assert {Stream.TRADES, Stream.BOOK} <= asked
    assert all(has[needed[stream]] for stream in asked)


def test_an_unknown_venue_is_refused_with_those_there_are():
    """The native venue is none of ccxt's; any other name is an error that lists the accepted ones."""
    assert venue_named("hyperliquid") is None
    accepted = "binance, binanceusdm, bybit, dydx, okx"
    with pytest.raises(ConfigurationError, match=f"must be one of hyperliquid, {accepted}, got 'mtgox'"):
        venue_named("mtgox")
