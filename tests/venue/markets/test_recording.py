"""A recording is played as it was recorded: same quotes, same prints, same order, only at another time."""

from bisect import bisect_left

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage, NotEnoughData, UnknownCoin
from market_making.market.events import BookSnapshot, Trade
from market_making.market.sides import Direction
from market_making.recording.store.segments import write_segment
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.fused_book import FusedBook
from market_making.venue.markets.prehistory import write_prehistory
from market_making.venue.markets.recording import RecordingSource

START = 1_757_000_000_000
COINS = ["BTC", "ETH", "SOL", "WLFI"]


def write(root, stream, rows, coin="ETH"):
    """Write rows given as dicts; columns left out are null."""
    schema = SCHEMAS[stream]
    table = pa.table({field.name: [row.get(field.name) for row in rows] for field in schema}, schema=schema)
    write_segment(root, "hyperliquid", coin, stream, table)


def quote(time_ms, bid=3000.0, ask=3000.1):
    return {"exchange_ms": time_ms, "local_ms": time_ms, "bid_price": bid, "bid_size": 1.5, "ask_price": ask,
            "ask_size": 2.5}  # fmt: skip


def print_row(time_ms, price=3000.1, trade_id="1", side="buy", size=0.5, replayed=False):
    return {"exchange_ms": time_ms, "local_ms": time_ms, "side": side, "price": price, "size": size,
            "trade_id": trade_id, "replayed": replayed}  # fmt: skip


def book_row(time_ms, bids, asks):
    row = {"exchange_ms": time_ms, "local_ms": time_ms}
    for side, levels in (("bid", bids), ("ask", asks)):
        for number, (price, size) in enumerate(levels):
            row |= {f"{side}_price_{number}": price, f"{side}_size_{number}": size}
    return row


def played(source, start_ms=START):
    events = list(source.events(start_ms))
    books = [event for event in events if isinstance(event, BookSnapshot)]
    return events, books, [event for event in events if isinstance(event, Trade)]


@pytest.fixture(scope="module")
def simulated_recording(tmp_path_factory):
    """Store of two simulated coins, ten minutes."""
    root = tmp_path_factory.mktemp("store")
    source = SimulatedSource(default_truths(["ETH", "SOL"]), seed=3)
    write_prehistory(source, root, end_ms=START + 600_000, seconds=600)
    return root


def assert_plays_the_store(store, coin, source):
    """Touch of every snapshot = last recorded best quote, at each of its stamps; prints = recorded prints."""
    _, books, trades = played(source, source.start_ms)
    touch = {b.time_ms: (*b.bids[0][:2], *b.asks[0][:2]) for b in books if b.coin == coin}
    rows = store.read(coin, Stream.BBO, source.start_ms, source.end_ms).to_pylist()
    names = ("bid_price", "bid_size", "ask_price", "ask_size")
    recorded = {row["exchange_ms"]: tuple(row[name] for name in names) for row in rows if None not in row.values()}
    assert len(recorded) > 100
    stamps = sorted(recorded)
    for time_ms, seen in touch.items():
        last = bisect_left(stamps, time_ms + 1) - 1
        assert last < 0 or seen == recorded[stamps[last]]
    assert set(stamps) <= set(touch)
    expected = store.read(coin, Stream.TRADES, source.start_ms, source.end_ms).to_pylist()
    first_book = min(touch)
    assert [(t.time_ms, t.direction, t.price, t.size, t.trade_id) for t in trades if t.coin == coin] == [
        (row["exchange_ms"], row["side"], row["price"], row["size"], row["trade_id"])
        for row in expected
        if row["exchange_ms"] >= first_book
    ]


@pytest.mark.parametrize("coin", ["ETH", "SOL"])
def test_playback_reproduces_a_simulated_store(simulated_recording, coin):
    """Best quotes and prints of a store come back exactly."""
    source = RecordingSource(simulated_recording, ["ETH", "SOL"])
    assert_plays_the_store(TickStore(simulated_recording), coin, source)


@pytest.mark.parametrize("coin", COINS)
def test_playback_reproduces_real_recordings(recordings, coin):
    """Best quotes and prints of real recordings come back exactly."""
    assert_plays_the_store(TickStore(recordings), coin, RecordingSource(recordings, [coin]))


@pytest.mark.parametrize("coin", COINS)
def test_real_prints_meet_the_book_before_them(recordings, coin):
    """At least nine of ten prints lie at or beyond the touch of the snapshot played before them."""
    book, sound, count = None, 0, 0
    for event in RecordingSource(recordings, [coin]).events(START):
        if isinstance(event, BookSnapshot):
            book = event
            continue
        count += 1
        buy = event.direction is Direction.BUY
        sound += event.price >= book.asks[0].price if buy else event.price <= book.bids[0].price
    assert sound >= 0.9 * count > 500


@pytest.mark.parametrize("coins", [["BTC"], COINS])
def test_real_books_could_exist(recordings, coins):
    """Snapshots are sorted and never crossed, time ascends, and trades come before the book of their stamp."""
    closed = {}
    for event in RecordingSource(recordings, coins).events(START):
        assert event.time_ms > closed.get(event.coin, 0)
        if isinstance(event, Trade):
            continue
        closed[event.coin] = event.time_ms
        bids, asks = ([level.price for level in side] for side in (event.bids, event.asks))
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] < asks[0]
    assert set(closed) == set(coins)


def test_the_longest_common_session_of_the_real_recordings(recordings):
    """All four coins together: the 22 minutes of 4 September; bitcoin's known lot is found in the sizes."""
    source = RecordingSource(recordings, COINS)
    assert source.duration_s == pytest.approx(1319, abs=2)
    assert {listing.coin: listing.size_decimals for listing in source.listings} == {
        "BTC": 5, "ETH": 4, "SOL": 2, "WLFI": 0,
    }  # fmt: skip


def test_best_quotes_alone_make_a_book_of_one_level(recordings):
    """Where only best quotes were recorded nothing is invented behind them."""
    source = RecordingSource(recordings, ["BTC"], end_ms=1_756_900_000_000)
    assert source.duration_s > 600
    _, books, trades = played(source)
    assert {(len(book.bids), len(book.asks)) for book in books} == {(1, 1)}
    assert len(trades) > 500


def test_rebasing_shifts_only_time(simulated_recording):
    """Another start gives the same events, later by the difference."""
    source = RecordingSource(simulated_recording, ["ETH", "SOL"])
    first = played(source, START)[0]
    assert first[0].time_ms == START
    assert [event._replace(time_ms=event.time_ms + 12_345) for event in first] == played(source, START + 12_345)[0]
    assert first[-1].time_ms <= START + source.duration_s * 1e3


def test_a_long_hole_ends_a_session(tmp_path):
    """The longest session is played; a hole shorter than half a minute is silence within it."""
    short, long = range(0, 60_000, 1000), [*range(100_000, 150_000, 1000), *range(165_000, 200_000, 1000)]
    write(tmp_path, Stream.BBO, [quote(START + time_ms) for time_ms in [*short, *long]])
    source = RecordingSource(tmp_path, ["ETH"])
    assert (source.start_ms, source.end_ms) == (START + 100_000, START + 199_000)
    assert RecordingSource(tmp_path, ["ETH"], end_ms=START + 130_000).duration_s == 59
    assert RecordingSource(tmp_path, ["ETH"], start_ms=START + 20_000).start_ms == START + 20_000
    both = RecordingSource(tmp_path, ["ETH"], start_ms=START + 20_000, end_ms=START + 120_000)
    assert both.duration_s == 100


def test_coins_are_played_where_all_were_recorded(tmp_path):
    """The window is the overlap, and each coin shows its book at the very start."""
    write(tmp_path, Stream.BBO, [quote(START + time_ms) for time_ms in range(0, 60_000, 1000)])
    write(tmp_path, Stream.BBO, [quote(START + 20_500 + time_ms, 200.0, 200.5) for time_ms in range(0, 80_000, 1000)],
          coin="SOL")  # fmt: skip
    source = RecordingSource(tmp_path, ["ETH", "SOL"])
    assert (source.start_ms, source.end_ms) == (START + 20_500, START + 59_000)
    first = played(source, 0)[1][:2]
    assert [(book.coin, book.time_ms) for book in first] == [("ETH", 0), ("SOL", 0)]
    write(tmp_path, Stream.BBO, [quote(START + 500_000 + time_ms) for time_ms in range(0, 60_000, 1000)], coin="LATE")
    with pytest.raises(NotEnoughData, match="sessions of all coins: none"):
        RecordingSource(tmp_path, ["ETH", "LATE"])


def test_the_back_log_before_the_first_book_is_left_out(tmp_path):
    """Prints older than any book are dropped, and a print sent twice is played once."""
    write(tmp_path, Stream.BBO, [quote(START + time_ms) for time_ms in range(5000, 20_000, 500)])
    backlog = [print_row(START + time_ms, trade_id=str(time_ms), replayed=True) for time_ms in (1000, 3000, 7000)]
    write(tmp_path, Stream.TRADES, [*backlog, print_row(START + 7000, trade_id="7000"), print_row(START + 9000)])
    _, _, trades = played(RecordingSource(tmp_path, ["ETH"]), START + 5000)
    assert [trade.time_ms - START for trade in trades] == [7000, 9000]


def test_a_fast_book_lies_over_the_slow_one(tmp_path):
    """Five fresh levels replace the old ones they reach over; deeper ones stay; the touch is the best quote's."""
    slow = [(3000 - level, 1.0) for level in range(20)], [(3001 + level, 1.0) for level in range(20)]
    fast = [(3000 - level, 9.0) for level in range(5)], [(3001 + level, 9.0) for level in range(5)]
    write(tmp_path, Stream.BOOK, [book_row(START, *slow), book_row(START + 9000, *slow)])
    write(tmp_path, Stream.BOOK_FAST, [book_row(START + 500, *fast)])
    write(tmp_path, Stream.BBO, [quote(START + 500, 2998.5, 3002.5)])
    snapshot = next(book for book in played(RecordingSource(tmp_path, ["ETH"]))[1] if book.time_ms == START + 500)
    bids, asks = ([level[:2] for level in side[:6]] for side in (snapshot.bids, snapshot.asks))
    assert bids == [(2998.5, 1.5), (2998, 9.0), (2997, 9.0), (2996, 9.0), (2995, 1.0), (2994, 1.0)]
    assert asks == [(3002.5, 2.5), (3003, 9.0), (3004, 9.0), (3005, 9.0), (3006, 1.0), (3007, 1.0)]
    assert (len(snapshot.bids), len(snapshot.asks)) == (19, 19)


rows = st.lists(
    st.tuples(
        st.sampled_from([Stream.BBO, Stream.BOOK, Stream.BOOK_FAST]),
        st.integers(50, 100),
        st.integers(1, 8),
        st.integers(1, 3),
    ),
    min_size=1,
)


@given(rows)
def test_a_fused_book_is_a_book(updates):
    """Whatever the streams say, in any order: sorted, positive, not crossed, and the touch is the last best quote."""
    book = FusedBook("ETH")
    touch = None
    for stream, bid, spread, step in updates:
        count = {Stream.BBO: 1, Stream.BOOK: 20, Stream.BOOK_FAST: 5}[stream]
        row = [x for level in range(count) for x in (bid - step * level, 1.0, bid + spread + step * level, 2.0)]
        book.update(stream, row)
        if stream is Stream.BBO:
            touch = (bid, bid + spread)
        snapshot = book.snapshot(0)
        bids, asks = ([level.price for level in side] for side in (snapshot.bids, snapshot.asks))
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] < asks[0]
        assert touch is None or (bids[0], asks[0]) == touch
        assert max(len(bids), len(asks)) <= 20


def test_torn_quotes_change_nothing(tmp_path):
    """A best quote that is crossed or lacks a side is not played."""
    one_sided = quote(START + 1000) | {"ask_price": None, "ask_size": None}
    write(tmp_path, Stream.BBO, [quote(START), one_sided, quote(START + 2000, 3001.0, 3000.5), quote(START + 3000)])
    books = played(RecordingSource(tmp_path, ["ETH"]))[1]
    assert [(book.time_ms - START, len(book.bids), len(book.asks)) for book in books] == [(0, 1, 1), (3000, 1, 1)]


def test_lot_of_an_unlisted_coin_comes_from_its_sizes(tmp_path):
    """The finest size seen tells the number of decimals."""
    write(tmp_path, Stream.BBO, [quote(START + time_ms, 1.25, 1.26) for time_ms in (0, 5000)], coin="NEW")
    prints = [print_row(START + 100 + n, 1.26, str(n), size=size) for n, size in enumerate((3.0, 0.25, 12.5))]
    write(tmp_path, Stream.TRADES, prints, coin="NEW")
    assert RecordingSource(tmp_path, ["NEW"]).listings[0].size_decimals == 2


@pytest.mark.parametrize("row", [print_row(START + 1, 3000.12), print_row(START + 1, size=0.12345)])
def test_foreign_prices_and_sizes_are_refused(tmp_path, row):
    """A recording that Hyperliquid's rules do not allow is not played as if it were one."""
    write(tmp_path, Stream.BBO, [quote(START), quote(START + 1000)])
    write(tmp_path, Stream.TRADES, [row])
    with pytest.raises(MalformedMessage, match="5 significant figures"):
        RecordingSource(tmp_path, ["ETH"])


def test_what_is_not_recorded_cannot_be_played(tmp_path):
    """An unknown coin, prints without any book, bounds outside the recording and no coin at all are refused."""
    write(tmp_path, Stream.TRADES, [print_row(START)])
    with pytest.raises(NotEnoughData, match="neither best quotes nor books"):
        RecordingSource(tmp_path, ["ETH"])
    write(tmp_path, Stream.BBO, [quote(START), quote(START + 1000)])
    with pytest.raises(NotEnoughData, match="nothing is recorded"):
        RecordingSource(tmp_path, ["ETH"], start_ms=START + 5000)
    with pytest.raises(UnknownCoin):
        RecordingSource(tmp_path, ["BTC"])
    with pytest.raises(NotEnoughData, match="no coin"):
        RecordingSource(tmp_path, [])


def test_nobody_knows_the_truth_of_a_recording(simulated_recording):
    """A recording has no true parameters, not even one of a simulated market."""
    assert RecordingSource(simulated_recording, ["ETH"]).truth() is None
