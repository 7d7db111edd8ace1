"""Hyperliquid's public market data: what is written reads back the same, and nonsense is refused by name."""

import gzip
import json

import orjson
import pytest
from hyperliquid.utils.signing import float_to_wire
from hypothesis import assume, example, given
from hypothesis import strategies as st

from market_making.hyperliquid.listings import (
    parse_contexts,
    parse_universe,
    require_listed,
    universe_and_context_fields,
    universe_fields,
)
from market_making.hyperliquid.market_data import (
    Acknowledged,
    Pong,
    Refused,
    Subscription,
    UnknownChannel,
    format_frame,
    format_subscribe,
    parse_frame,
)
from market_making.hyperliquid.numbers import from_wire, to_wire
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Level, Trade
from market_making.market.identity import Market, Markets
from market_making.market.instrument import Listing
from market_making.market.selection import Selection
from market_making.market.sides import Direction

REAL_QUOTE = (
    b'{"channel":"bbo","data":{"coin":"ETH","time":1757015216253,'
    b'"bbo":[{"px":"4268.9","sz":"10.1152","n":4},{"px":"4269.0","sz":"820.6318","n":61}]}}'
)

positive = st.floats(min_value=1e-9, max_value=1e12, allow_subnormal=False)
coins = st.text("ABCXYZk@:0123456789", min_size=1, max_size=8)
times = st.integers(0, 2**42)
levels = st.builds(Level, positive, positive, st.integers(1, 1000))
trades = st.builds(
    Trade,
    coins,
    times,
    st.sampled_from(Direction),
    positive,
    positive,
    st.integers(0, 2**50).map(str),
    st.text("0x123abc", max_size=10),
    st.text("0x123abc", max_size=10),
    st.text("0x123abc", max_size=10),
)
signed = st.floats(-1, 1, allow_subnormal=False)
contexts = st.builds(AssetContext, coins, signed, positive, positive, positive, st.none() | positive)


@st.composite
def books(draw: st.DrawFn) -> BookSnapshot:
    """A book sorted away from its middle, empty sides included."""
    sides = [draw(st.lists(levels, max_size=6, unique_by=lambda level: level.price)) for _ in range(2)]
    bids = sorted(sides[0], reverse=True)
    return BookSnapshot(draw(coins), draw(times), tuple(bids), tuple(sorted(sides[1])))


frames = st.one_of(
    books(),
    st.builds(BestQuote, coins, times, st.none() | levels, st.none() | levels),
    st.lists(trades, max_size=4).map(tuple),
    contexts,
    st.builds(Acknowledged, st.builds(Subscription, st.sampled_from(["bbo", "l2Book"]), coins, st.booleans())),
    st.builds(Refused, st.text(max_size=20)),
    st.just(Pong()),
)


@given(frames)
def test_a_frame_reads_back_as_it_was_written(frame):
    """parse(format(x)) == x for every kind of frame."""
    assert parse_frame(format_frame(frame)) == frame


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e-7)
@example(1e22)
@example(-0.0)
def test_a_number_reads_back_exactly_and_plainly(value):
    """No exponent, no trailing zeros, no loss."""
    text = to_wire(value)
    assert from_wire(text) == value
    assert "e" not in text
    assert not ("." in text and text.endswith(("0", ".")))


@given(st.integers(1, 10**13), st.integers(0, 8))
def test_numbers_are_written_as_the_official_client_writes_them(units, decimals):
    """Prices and sizes for which a float holds 8 decimals have one text, the one that is signed."""
    value = units / 10**decimals
    assume(value < 2**53 / 1e8)
    assert to_wire(value) == float_to_wire(value)


def test_a_real_quote_reads_as_it_should():
    """The figures of a recorded message, side by side."""
    assert parse_frame(REAL_QUOTE) == BestQuote(
        "ETH", 1757015216253, Level(4268.9, 10.1152, 4), Level(4269.0, 820.6318, 61)
    )


def test_an_empty_side_of_the_book_is_none():
    """A one-sided quote keeps the side it has."""
    quote = parse_frame(b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[null,{"px":"2","sz":"1","n":1}]}}')
    assert quote == BestQuote("X", 1, None, Level(2.0, 1.0, 1))


def test_the_fast_flag_is_the_only_difference_of_the_two_book_subscriptions():
    """Slow and fast books are one channel to the exchange."""
    slow, fast = (
        orjson.loads(format_subscribe(Subscription("l2Book", "ETH", fast)))["subscription"] for fast in (False, True)
    )
    assert fast == {**slow, "fast": True}


@pytest.mark.parametrize("channel", ["webData2", "candle", "userFills", ""])
def test_an_unknown_channel_is_not_an_error(channel):
    """The exchange adds channels without asking."""
    assert parse_frame(orjson.dumps({"channel": channel, "data": {"x": 1}})) == UnknownChannel(channel)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "object with a channel"),
        (b'{"channel":1}', "object with a channel"),
        (b'{"channel":"bbo"}', "bbo message"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[null]}}', "bbo message"),
        (b'{"channel":"bbo","data":{"coin":"","time":1,"bbo":[null,null]}}', "name of the coin is empty"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1.5,"bbo":[null,null]}}', "1.5"),
        (b'{"channel":"bbo","data":{"coin":"X","time":true,"bbo":[null,null]}}', "True"),
        (b'{"channel":"bbo","data":{"coin":"X","time":253402300800000,"bbo":[null,null]}}', "milliseconds"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[{"px":"nan","sz":"1"},null]}}', "'nan'"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[{"px":"1_0","sz":"1"},null]}}', "'1_0'"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[{"px":"-1","sz":"1"},null]}}', "px must be above zero"),
        (b'{"channel":"bbo","data":{"coin":"X","time":1,"bbo":[{"px":3,"sz":"1"},null]}}', "decimal string, got 3"),
        (
            b'{"channel":"l2Book","data":{"coin":"X","time":1,"levels":[[{"px":"1","sz":"1"},{"px":"2","sz":"1"}],[]]}}',
            r"bids are not sorted.*\[1.0, 2.0\]",
        ),
        (b'{"channel":"trades","data":[{"coin":"X","side":"C"}]}', "trades message lacks"),
        (b'{"channel":"trades","data":5}', "trades message lacks"),
        (b'{"channel":"activeAssetCtx","data":{"coin":"X","ctx":{"funding":"0"}}}', "'markPx'"),
    ],
)
def test_a_malformed_message_is_refused_with_what_was_seen(text, seen):
    """The message of the error shows the offending part."""
    with pytest.raises(MalformedMessage, match=seen):
        parse_frame(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["coin", "time", "bbo", "levels", "px", "sz", "n", "tid", "side", "users", "ctx"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["l2Book", "bbo", "trades", "activeAssetCtx", "subscriptionResponse", "error"]), json_values)
def test_no_message_raises_anything_but_malformed_message(channel, data):
    """Whatever the exchange sends, the collector meets one kind of error."""
    text = orjson.dumps({"channel": channel, "data": data})
    try:
        frame = parse_frame(text)
    except MalformedMessage:
        return
    assert parse_frame(format_frame(frame)) == frame


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_malformed_message(text):
    """Not even bytes that are no JSON."""
    try:
        parse_frame(text)
    except MalformedMessage:
        return


listings = st.lists(
    st.builds(
        Listing,
        coins,
        st.integers(0, 6),
        st.integers(1, 50),
        *[st.booleans()] * 3,
        st.none() | st.floats(0, 10),
        st.booleans(),
    ).map(lambda listing: listing._replace(keeps_margin=listing.isolated_only and listing.keeps_margin)),
    max_size=5,
    unique_by=lambda listing: listing.coin,
)


@given(listings, st.data())
def test_listings_and_contexts_read_back_as_they_were_written(listed, data):
    """The universe answers round-trip, delisted coins and their places included."""
    context_of = [data.draw(contexts)._replace(coin=listing.coin) for listing in listed]
    assert parse_universe(universe_fields(listed)) == tuple(listed)
    answer = orjson.loads(orjson.dumps(universe_and_context_fields(listed, context_of)))
    assert parse_universe(answer) == tuple(listed)
    assert parse_contexts(answer) == tuple(context_of)


@pytest.mark.parametrize("answer", [None, [], {}, {"universe": [{}]}, {"universe": [{"name": "X", "szDecimals": "1"}]}])
def test_an_answer_without_listings_is_refused(answer):
    """A venue that answers something else is not one to record from."""
    with pytest.raises(MalformedMessage, match="universe lacks"):
        parse_universe(answer)


def test_a_delisted_coin_counts_as_unknown():
    """Its feed would end the connection of all others."""
    markets = Markets([Market.perpetual(Listing("A", 2), 0), Market.perpetual(Listing("B", 2, delisted=True), 1)])
    with pytest.raises(UnknownCoin, match=r"B \(delisted\) not listed; the venue lists 1 markets: A"):
        require_listed(Selection(("A", "B"), strict=True), markets)
    assert [market.wire for market in require_listed(Selection(("A", "B")), markets)] == ["A"]
    with pytest.raises(UnknownCoin, match=r"B .*not listed"):
        require_listed(Selection(("B",)), markets)


def test_recorded_messages_survive_both_directions(recordings):
    """Every message of a real capture reads to its values, and reads back after it was written."""
    with gzip.open(recordings / "raw" / "hftbacktest_ws" / "btcusd_20250126.gz") as lines:
        texts = [line.split(b" ", 1)[1] for line in lines]
    assert len(texts) == 55
    for text in texts:
        frame = parse_frame(text)
        assert frame == as_read_by_hand(json.loads(text))
        assert parse_frame(format_frame(frame)) == frame


def as_read_by_hand(message):
    """The values of a captured book or of captured trades, field by field."""
    told = message["data"]
    if message["channel"] == "l2Book":
        bids, asks = (
            tuple(Level(float(each["px"]), float(each["sz"]), each["n"]) for each in side) for side in told["levels"]
        )
        return BookSnapshot(told["coin"], told["time"], bids, asks)
    return tuple(
        Trade(each["coin"], each["time"], {"B": Direction.BUY, "A": Direction.SELL}[each["side"]], float(each["px"]),
              float(each["sz"]), str(each["tid"]), each["hash"], *each.get("users", ("", "")))
        for each in told
    )  # fmt: skip
