"""A recorded window as a tape: what is known, and above all what is not."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.recording.store.recorded_tape import market_orders, merge_intervals
from market_making.recording.store.rows import gap_row, table_of
from market_making.recording.store.segments import SegmentWriter
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream

START = 1_757_000_000_000
MINUTE = 60_000
ZERO_HASH = "0x" + "0" * 64


def write(root, stream: Stream, rows: list[tuple]) -> None:
    """Write rows of ETH."""
    SegmentWriter(root, "hyperliquid", "ETH").write(stream, table_of(stream, rows))


def quote(time: int, bid: float | None = 100.0, ask: float | None = 101.0) -> tuple:
    """Row of a best quote."""
    return (START + time, START + time, bid, 1.0, ask, 1.0)


def trade(time: int, name: str, *, side: str = "buy", replayed: bool = False, tx: str | None = "0xaa") -> tuple:
    """Row of a trade between the users b and s."""
    return (START + time, START + time, side, 100.0, 1.0, name, tx, "b", "s", replayed)


def book(time: int, stream: Stream) -> tuple:
    """Row of a book with one level."""
    width = len(SCHEMAS[stream].names) - 2
    return (START + time, START + time, 100.0, 1.0, 101.0, 1.0, *[None] * (width - 4))


def gaps(root, end: int = MINUTE) -> list[list[int]]:
    """Gaps of the first minute, from its start."""
    return (TickStore(root).gaps("ETH", START, START + end) - START).tolist()


def test_a_tape_covers_the_time_after_its_start_up_to_its_end(tmp_path):
    """The start of the window is not part of it, the end is."""
    write(tmp_path, Stream.BBO, [quote(time) for time in range(0, MINUTE + 1, 1000)])
    write(tmp_path, Stream.TRADES, [trade(0, "1"), trade(MINUTE, "2", side="sell")])
    tape = TickStore(tmp_path).tape("ETH", START, START + MINUTE)
    assert tape.quotes.time_ms[[0, -1]].tolist() == [START + 1000, START + MINUTE]
    assert tape.trades.time_ms.tolist() == [START + MINUTE]
    assert tape.trades.sign.tolist() == [-1]
    assert tape.exposure_s == 60


def test_silence_is_a_gap_also_at_both_ends(tmp_path):
    """More than five seconds without any event are not observed time."""
    write(tmp_path, Stream.BBO, [quote(time) for time in (6000, 11_000, 20_000)])
    assert gaps(tmp_path) == [[0, 6000], [11_000, 60_000]]


def test_a_repeated_book_proves_that_someone_listened(tmp_path):
    """A quiet market whose books arrive is observed."""
    write(tmp_path, Stream.BBO, [quote(1000)])
    write(tmp_path, Stream.BOOK_FAST, [book(time, Stream.BOOK_FAST) for time in range(1000, MINUTE, 500)])
    assert gaps(tmp_path) == []


def test_a_backlog_proves_nothing(tmp_path):
    """Trades that were sent later do not show that quotes were received."""
    write(tmp_path, Stream.BBO, [quote(time) for time in range(30_000, MINUTE, 1000)])
    write(tmp_path, Stream.TRADES, [trade(time, str(time), replayed=True) for time in range(0, 30_000, 1000)])
    assert gaps(tmp_path) == [[0, 30_000]]


def test_gaps_of_quotes_and_trades_that_were_recorded_are_merged(tmp_path):
    """The union counts; gaps of books do not; the window cuts."""
    write(tmp_path, Stream.BBO, [quote(time) for time in range(0, MINUTE + 1, 1000)])
    rows = [
        gap_row(START - 500, START + 2000, Stream.BBO, "start"),
        gap_row(START + 10_000, START + 20_000, Stream.BBO, "reconnect"),
        gap_row(START + 15_000, START + 25_000, Stream.TRADES, "reconnect"),
        gap_row(START + 30_000, START + 40_000, Stream.BOOK, "silence"),
        gap_row(START + 59_000, START + 70_000, Stream.TRADES, "stop"),
    ]
    write(tmp_path, Stream.GAPS, rows)
    assert gaps(tmp_path) == [[0, 2000], [10_000, 25_000], [59_000, 60_000]]


def test_a_recorder_that_writes_gaps_is_believed_where_it_is_silent(tmp_path):
    """Without books, a quiet market and a dead feed differ by the gap rows only."""
    write(tmp_path, Stream.BBO, [quote(1000), quote(58_000)])
    write(tmp_path, Stream.GAPS, [gap_row(START - 1000, START + 1000, Stream.BBO, "start")])
    assert gaps(tmp_path) == [[0, 1000]]


@pytest.mark.parametrize(("bid", "ask"), [(None, 101.0), (100.0, None), (None, None), (102.0, 101.0)])
def test_time_without_a_mid_is_a_gap(tmp_path, bid, ask):
    """From a one-sided or crossed quote to the next whole one there is nothing to measure from."""
    rows = [quote(time) for time in range(0, MINUTE + 1, 1000)]
    rows[10] = quote(10_000, bid, ask)
    write(tmp_path, Stream.BBO, rows)
    assert gaps(tmp_path) == [[10_000, 11_000]]
    tape = TickStore(tmp_path).tape("ETH", START, START + MINUTE)
    assert np.isfinite(tape.quotes.mid).all()
    assert len(tape.quotes.mid) == 59


def test_without_recorded_quotes_the_top_of_the_book_is_the_quote(tmp_path):
    """An archive that holds books only can be calibrated from."""
    write(tmp_path, Stream.BOOK, [book(time, Stream.BOOK) for time in range(0, MINUTE, 500)])
    tape = TickStore(tmp_path).tape("ETH", START, START + MINUTE)
    assert len(tape.quotes.mid) == 119
    assert set(tape.quotes.mid) == {100.5}


def test_prints_of_one_transaction_and_taker_are_one_market_order(tmp_path):
    """A sweep has one hash; another taker, another hash, or another time of a TWAP is another order."""
    rows = [
        trade(1, "1", tx="0xaa"),
        trade(1, "2", tx="0xaa"),
        trade(1, "3", tx="0xab"),
        trade(1, "4", tx="0xaa", side="sell"),
        trade(1, "5", tx=ZERO_HASH),
        trade(1, "6", tx=ZERO_HASH),
        trade(2, "7", tx=ZERO_HASH),
        trade(3, "8", tx=None),
    ]
    order = market_orders(table_of(Stream.TRADES, rows), pa.chunked_array([[row[2] == "buy" for row in rows]]))
    assert order[0] == order[1]
    assert order[4] == order[5]
    assert len({order[0], order[2], order[3], order[4], order[6]}) == 5
    assert order[7] == -1


intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


@given(intervals, st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted))
def test_merged_intervals_cover_what_the_intervals_cover(spans, window):
    """Against a bitmap: the union within the window, ascending, disjoint, and not touching."""
    spans = [(min(span), max(span)) for span in spans]
    merged = merge_intervals(np.array(spans, dtype=np.int64).reshape(-1, 2), *window)
    covered = {second for start, end in spans for second in range(max(start, window[0]), min(end, window[1]))}
    assert {second for start, end in merged for second in range(start, end)} == covered
    assert np.all(merged[1:, 0] > merged[:-1, 1])


def test_holes_of_the_recordings_are_found(recordings):
    """The hole of 18 s that the description of the recordings names lies in the gaps."""
    store = TickStore(recordings)
    hole = 1757015891000
    tape = store.tape("ETH", hole - 600_000, hole + 600_000)
    assert any(start < hole + 5000 < end for start, end in tape.gaps)
    assert (tape.trades.order == -1).all()
    assert tape.exposure_s < 1190
