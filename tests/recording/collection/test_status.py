"""What a user is told of a store."""

from market_making.recording.collection.collector_state import CollectorState, read_state, write_state
from market_making.recording.collection.status import store_status
from market_making.recording.store.rows import gap_row, table_of
from market_making.recording.store.segments import SegmentWriter
from market_making.recording.streams import Stream

NOW = 1_757_000_000_000
DAY_MS = 86_400_000


def write_some(root) -> None:
    """Two quotes of now, one of two days ago, and gaps."""
    writer = SegmentWriter(root, "hyperliquid", "ETH")
    writer.write(Stream.BBO, table_of(Stream.BBO, [(NOW - age, NOW, 1.0, 1.0, 2.0, 1.0) for age in (9000, 4000)]))
    writer.write(Stream.BBO, table_of(Stream.BBO, [(NOW - 2 * DAY_MS, NOW, 1.0, 1.0, 2.0, 1.0)]))
    gaps = [
        gap_row(NOW - 8000, NOW - 7000, Stream.BBO, "reconnect"),
        gap_row(NOW - 9000, NOW - 9000, Stream.BBO, "start"),
        gap_row(NOW - 2 * DAY_MS, NOW - 2 * DAY_MS + 5, Stream.BBO, "reconnect"),
        gap_row(NOW - 8000, NOW - 7000, Stream.TRADES, "reconnect"),
    ]
    writer.write(Stream.GAPS, table_of(Stream.GAPS, gaps))


def test_a_status_counts_the_last_day(tmp_path):
    """Rows, age of the newest, gaps that have a length, and bytes, of the window only."""
    write_some(tmp_path)
    (coin,) = store_status(tmp_path, "hyperliquid", now_ms=NOW).as_json()["coins"]
    path = next(path for path in tmp_path.rglob("bbo-*.parquet") if str(NOW - 4000) in path.name)
    assert coin == {"coin": "ETH", "bbo": {"rows": 2, "age_ms": 4000, "gaps": 1, "bytes": path.stat().st_size}}


def state(time_ms: int) -> CollectorState:
    """A note of a collector whose exchange is 12 ms ahead."""
    return CollectorState("s", time_ms, 1, 12.0, 10, 10, 0, 0, 0, 0)


def test_the_clock_offset_is_that_of_a_collector_that_lives(tmp_path):
    """A note older than a minute tells nothing of now."""
    write_some(tmp_path)
    for age, offset in ((1000, 12.0), (61_000, None)):
        write_state(tmp_path, "hyperliquid", state(NOW - age))
        assert store_status(tmp_path, "hyperliquid", now_ms=NOW).clock_offset_ms == offset


def test_a_note_reads_back_and_a_torn_one_is_none(tmp_path):
    """No note is no error."""
    assert read_state(tmp_path, "hyperliquid") is None
    write_state(tmp_path, "hyperliquid", state(NOW))
    assert read_state(tmp_path, "hyperliquid") == state(NOW)
    (tmp_path / "hyperliquid" / ".collector.json").write_text("{")
    assert read_state(tmp_path, "hyperliquid") is None
