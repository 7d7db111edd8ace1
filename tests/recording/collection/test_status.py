"""What a user is told of a store."""

from market_making.recording.collection.collector_state import living_collector
from market_making.recording.collection.status import store_status
from market_making.recording.store.rows import gap_row, table_of
from market_making.recording.store.segments import SegmentWriter
from market_making.recording.streams import Stream
from market_making.safety.state_file import SidecarState, write_state

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


def state(time_ms: int, **changes) -> SidecarState:
    """State of a collector whose exchange is 12 ms ahead."""
    return SidecarState("collector", "collector", 1, 2, time_ms, figures={"clock_offset_ms": 12.0}, **changes)


def test_the_clock_offset_is_that_of_a_collector_that_lives(tmp_path):
    """One that has written nothing for a minute, or has ended, tells nothing of now."""
    write_some(tmp_path)
    for written, offset in (
        (state(NOW - 1000), 12.0),
        (state(NOW - 61_000), None),
        (state(NOW - 1000, stopped=True), None),
    ):
        write_state(tmp_path / "state", "collector", written)
        collector = living_collector(tmp_path / "state", "hyperliquid", NOW)
        assert store_status(tmp_path, "hyperliquid", now_ms=NOW, collector=collector).clock_offset_ms == offset


def test_no_state_and_a_torn_one_are_no_collector(tmp_path):
    """Neither is an error; each venue has a file of its own."""
    assert living_collector(tmp_path, "hyperliquid", NOW) is None
    write_state(tmp_path, "collector-binance", state(NOW))
    assert living_collector(tmp_path, "binance", NOW) == state(NOW)
    assert living_collector(tmp_path, "hyperliquid", NOW) is None
    (tmp_path / "collector.json").write_text("{")
    assert living_collector(tmp_path, "hyperliquid", NOW) is None
