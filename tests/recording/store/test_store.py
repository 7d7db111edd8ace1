"""The tick store: what was written is read, in order, once, and nothing else is touched."""

import errno
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage, NotEnoughData, UnknownCoin
from market_making.recording.store import segment_reader
from market_making.recording.store.presence import require_folders
from market_making.recording.store.rows import gap_row, table_of
from market_making.recording.store.segments import SegmentName, SegmentWriter, encode, write_segment
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream

DAY_MS = 86_400_000
MIDNIGHT = 20_000 * DAY_MS


def quotes(times: list[int], *, bid: float | None = 100.0, ask: float | None = 101.0) -> pa.Table:
    """Best quotes at these times."""
    return table_of(Stream.BBO, [(time, time + 300, bid, 1.0, ask, 2.0) for time in times])


def trades(rows: list[tuple[int, str]], *, replayed: bool = False, side: str = "buy") -> pa.Table:
    """Trades of these times and ids."""
    columns = [(time, time + 300, side, 100.0, 1.0, name, "0xaa", "0xb", "0xs", replayed) for time, name in rows]
    return table_of(Stream.TRADES, columns)


def times_of(store: TickStore, stream: Stream, start_ms: int, end_ms: int) -> list[int]:
    """Exchange times that a window holds."""
    return store.read("ETH", stream, start_ms, end_ms)["exchange_ms"].to_pylist()


@given(
    batches=st.lists(st.lists(st.integers(MIDNIGHT - 2000, MIDNIGHT + 2000), max_size=8), max_size=6),
    window=st.tuples(st.integers(-2500, 2500), st.integers(-2500, 2500)).map(sorted),
)
@settings(max_examples=40)
def test_a_window_holds_the_rows_after_its_start_up_to_its_end(tmp_path_factory, batches, window):
    """However rows were cut into segments and days, a window gives those with start < time <= end, ascending."""
    root = tmp_path_factory.mktemp("store")
    writer = SegmentWriter(root, "hyperliquid", "ETH")
    for batch in batches:
        writer.write(Stream.BBO, quotes(batch))
    start_ms, end_ms = MIDNIGHT + window[0], MIDNIGHT + window[1]
    expected = sorted(time for batch in batches for time in batch if start_ms < time <= end_ms)
    assert times_of(TickStore(root), Stream.BBO, start_ms, end_ms) == expected


def test_a_segment_lies_within_one_utc_day_and_says_its_times(tmp_path):
    """Rows around midnight go to two files, whose names carry their first and last times."""
    paths = write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT + 5, MIDNIGHT - 7, MIDNIGHT]))
    assert [Path(path).parts[2] for path in paths] == ["2024-10-03", "2024-10-04"]
    first, second = (SegmentName.parse(Path(path).name) for path in paths)
    assert (first.first_ms, first.last_ms) == (MIDNIGHT - 7, MIDNIGHT - 7)
    assert (second.first_ms, second.last_ms) == (MIDNIGHT, MIDNIGHT + 5)


def test_a_gap_over_midnight_is_known_on_both_days(tmp_path):
    """A window of the second day alone still sees the gap that began on the first."""
    rows = table_of(Stream.GAPS, [gap_row(MIDNIGHT - 50_000, MIDNIGHT + 50_000, Stream.BBO, "reconnect")])
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.GAPS, rows)
    gaps = TickStore(tmp_path).read("ETH", Stream.GAPS, MIDNIGHT + 10_000, MIDNIGHT + 20_000)
    assert gaps.to_pylist() == [gap_row_as_dict(MIDNIGHT, MIDNIGHT + 50_000)]


def gap_row_as_dict(start_ms: int, end_ms: int) -> dict:
    """A gap of quotes as it is read."""
    return {"start_ms": start_ms, "end_ms": end_ms, "stream": "bbo", "reason": "reconnect"}


def test_rows_of_equal_time_keep_the_order_in_which_they_were_written(tmp_path):
    """Within a block the order of arrival is all there is."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    for bid in (3.0, 1.0, 2.0):
        writer.write(Stream.BBO, quotes([MIDNIGHT], bid=bid))
    assert TickStore(tmp_path).read("ETH", Stream.BBO, 0, 2**42)["bid_price"].to_pylist() == [3.0, 1.0, 2.0]


def test_a_trade_recorded_twice_is_read_once_and_the_live_one_is_kept(tmp_path):
    """Time and id identify a trade; the same id at another time is another trade."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    writer.write(Stream.TRADES, trades([(MIDNIGHT, "1"), (MIDNIGHT, "2"), (MIDNIGHT + 1, "1")], replayed=True))
    writer.write(Stream.TRADES, trades([(MIDNIGHT, "1"), (MIDNIGHT, "1")]))
    table = TickStore(tmp_path).read("ETH", Stream.TRADES, 0, 2**42)
    rows = zip(*(table[name].to_pylist() for name in ("exchange_ms", "trade_id", "replayed")), strict=True)
    assert sorted(rows) == [(MIDNIGHT, "1", False), (MIDNIGHT, "2", True), (MIDNIGHT + 1, "1", True)]


def test_trades_without_an_id_are_all_kept(tmp_path):
    """Nothing tells them apart, so nothing is thrown away."""
    rows = [(MIDNIGHT, MIDNIGHT, "buy", 1.0, 1.0, None, None, None, None, None)] * 3
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.TRADES, table_of(Stream.TRADES, rows))
    assert len(TickStore(tmp_path).read("ETH", Stream.TRADES, 0, 2**42)) == 3


def test_files_of_other_programs_are_chosen_by_their_statistics(tmp_path):
    """A file without times in its name is read where its row groups say so; its columns may differ."""
    folder = tmp_path / "hyperliquid" / "ETH" / "2024-10-04"
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "exchange_ms": pa.array([MIDNIGHT + second * 1000 for second in range(100)], pa.int64()),
            "bid_price": [100.0] * 100,
            "ask_price": [101.0] * 100,
            "colour": ["red"] * 100,
            "session": pa.array(["a"] * 100, pa.large_string()),
        }
    )
    pq.write_table(table, folder / "bbo.parquet", row_group_size=10)
    store = TickStore(tmp_path)
    read = store.read("ETH", Stream.BBO, MIDNIGHT + 9500, MIDNIGHT + 12_000)
    assert read["exchange_ms"].to_pylist() == [MIDNIGHT + 10_000, MIDNIGHT + 11_000, MIDNIGHT + 12_000]
    assert read.schema.equals(SCHEMAS[Stream.BBO])
    assert read["bid_size"].null_count == 3
    assert store.read("ETH", Stream.BBO, 0, 2**42, columns=("session",)).schema.field(0).type == pa.string()
    assert store.extent("ETH") == (MIDNIGHT, MIDNIGHT + 99_000)


def test_a_file_that_another_program_replaces_is_read_anew(tmp_path):
    """Only files whose names carry times are taken to be immutable."""
    folder = tmp_path / "hyperliquid" / "ETH" / "2024-10-04"
    folder.mkdir(parents=True)
    store = TickStore(tmp_path)
    for count in (1, 3):
        pq.write_table(quotes([MIDNIGHT + second for second in range(count)]), folder / "bbo.parquet")
        assert len(times_of(store, Stream.BBO, 0, 2**42)) == count


def test_half_written_files_and_strangers_are_invisible(tmp_path):
    """Temporary files, other suffixes and unknown streams are not segments."""
    (path,) = write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT]))
    folder = (tmp_path / path).parent
    for name in (".bbo-1.parquet.tmp", "bbo.csv", "notes.txt", "bbos.parquet", ".bbo.parquet"):
        (folder / name).write_bytes(b"torn")
    assert times_of(TickStore(tmp_path), Stream.BBO, 0, 2**42) == [MIDNIGHT]


def test_a_torn_file_is_named(tmp_path):
    """A file with a segment's name that is no parquet is an error that says which."""
    (path,) = write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT]))
    (tmp_path / path).write_bytes(b"torn")
    with pytest.raises(MalformedMessage, match=r"bbo-.*parquet is not a parquet file"):
        TickStore(tmp_path).read("ETH", Stream.BBO, 0, 2**42)


@pytest.mark.parametrize("stream", [Stream.BBO, Stream.TRADES])
def test_whatever_byte_of_a_segment_is_damaged_its_reader_is_told_by_name(tmp_path, stream):
    """Rows or this project's error, which names the file, and never text that cannot be looked at."""
    times = [MIDNIGHT + time for time in range(50)]
    table = quotes(times) if stream is Stream.BBO else trades([(time, str(time)) for time in times])
    (path,) = write_segment(tmp_path, "hyperliquid", "ETH", stream, table)
    content, errors = (tmp_path / path).read_bytes(), []
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] = 0xFF if position % 2 else damaged[position] ^ 0x80
        (tmp_path / path).write_bytes(damaged)
        try:
            TickStore(tmp_path).read("ETH", stream, 0, 2**42).to_pylist()
        except MalformedMessage as error:
            errors.append(str(error))
    assert len(errors) > len(content) // 4
    assert all(error.startswith(path) for error in errors)


def test_a_column_stored_as_another_type_than_declared_is_not_asked_for_statistics():
    """Only damage does that, and pyarrow would end the process."""
    declared, chunk = SimpleNamespace(physical_type="INT64"), SimpleNamespace(physical_type="BOOLEAN")
    schema = SimpleNamespace(names=["exchange_ms"], column=lambda _: declared)
    metadata = SimpleNamespace(schema=schema, row_group=lambda _: SimpleNamespace(column=lambda _: chunk))
    with pytest.raises(MalformedMessage, match="exchange_ms is stored as BOOLEAN"):
        segment_reader._group_extent(metadata, 0, Stream.BBO)


def test_an_error_of_the_disk_stays_one(tmp_path, monkeypatch):
    """Only the content of a file is called damaged, not what keeps it from being read."""
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT]))
    store = TickStore(tmp_path)

    def refuse(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(store._storage, "open", refuse)
    with pytest.raises(PermissionError):
        store.read("ETH", Stream.BBO, 0, 2**42)


def test_a_merged_segment_stands_for_those_it_replaces(tmp_path):
    """While both exist, as after a crash in the middle of compaction, no row is read twice."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    paths = [Path(writer.write(Stream.BBO, quotes([MIDNIGHT + time]))[0]) for time in (1, 2, 3)]
    content = encode(quotes([MIDNIGHT + 1, MIDNIGHT + 2]), replaces=[path.name for path in paths[:2]])
    merged = tmp_path / paths[0].parent / f"bbo-{MIDNIGHT + 1:013d}-{MIDNIGHT + 2:013d}-merged-1.parquet"
    merged.write_bytes(content)
    expected = [MIDNIGHT + 1, MIDNIGHT + 2, MIDNIGHT + 3]
    assert times_of(TickStore(tmp_path), Stream.BBO, 0, 2**42) == expected
    (tmp_path / paths[0]).unlink()
    assert times_of(TickStore(tmp_path), Stream.BBO, 0, 2**42) == expected


def test_files_that_vanish_between_listing_and_reading_are_looked_for_again(tmp_path):
    """A reader that runs beside a compaction sees every row, every time."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    expected = [MIDNIGHT + time for time in range(30)]
    paths = [Path(writer.write(Stream.BBO, quotes([time]))[0]) for time in expected]

    def compact() -> None:
        for number in range(0, 30, 3):
            group, times = paths[number : number + 3], expected[number : number + 3]
            write_merged(tmp_path, group, times)
            for path in group:
                (tmp_path / path).unlink()

    compacting = threading.Thread(target=compact)
    compacting.start()
    while compacting.is_alive():
        assert times_of(TickStore(tmp_path), Stream.BBO, 0, 2**42) == expected
    compacting.join()
    assert times_of(TickStore(tmp_path), Stream.BBO, 0, 2**42) == expected


def write_merged(root: Path, group: list[Path], times: list[int]) -> None:
    """Publish one segment for a group of others."""
    name = f"bbo-{times[0]:013d}-{times[-1]:013d}-merged-{times[0]}.parquet"
    target = root / group[0].parent / name
    temporary = target.with_name(f".{name}.tmp")
    temporary.write_bytes(encode(quotes(times), replaces=[path.name for path in group]))
    temporary.rename(target)


def test_a_second_read_opens_only_what_is_new(tmp_path, monkeypatch):
    """Segments never change, so a reader that comes back every few seconds decodes each once."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    for time in range(20):
        writer.write(Stream.BBO, quotes([MIDNIGHT + time]))
    store = TickStore(tmp_path)
    opened: list[str] = []
    original = store._storage.open
    monkeypatch.setattr(store._storage, "open", lambda path: opened.append(path) or original(path))
    assert len(times_of(store, Stream.BBO, 0, 2**42)) == 20
    opened.clear()
    writer.write(Stream.BBO, quotes([MIDNIGHT + 20]))
    assert len(times_of(store, Stream.BBO, 0, 2**42)) == 21
    assert len(set(opened)) == 1


def test_only_days_and_files_of_the_window_are_opened(tmp_path, monkeypatch):
    """Of thirty days, half an hour touches one."""
    writer = SegmentWriter(tmp_path, "hyperliquid", "ETH")
    for day in range(30):
        for hour in range(4):
            writer.write(Stream.BBO, quotes([MIDNIGHT + day * DAY_MS + hour * 3_600_000]))
    store = TickStore(tmp_path)
    opened: set[str] = set()
    original = store._storage.open
    monkeypatch.setattr(store._storage, "open", lambda path: opened.add(path) or original(path))
    start = MIDNIGHT + 7 * DAY_MS + 3_600_000
    assert times_of(store, Stream.BBO, start - 900_000, start + 900_000) == [start]
    assert len(opened) == 1


def test_coins_and_extent_tell_what_is_there(tmp_path):
    """The extent spans all event streams; a coin that is not there is refused by name."""
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT + 10]))
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.TRADES, trades([(MIDNIGHT - 5, "1")]))
    write_segment(tmp_path, "hyperliquid", "BTC", Stream.BBO, quotes([MIDNIGHT]))
    store = TickStore(tmp_path)
    assert store.coins() == ("BTC", "ETH")
    assert store.extent("ETH") == (MIDNIGHT - 5, MIDNIGHT + 10)
    with pytest.raises(UnknownCoin, match="holds no SOL of hyperliquid; it holds BTC, ETH"):
        store.extent("SOL")
    with pytest.raises(UnknownCoin):
        store.tape("SOL", 0, 1)
    with pytest.raises(NotEnoughData, match="is empty"):
        store.tape("ETH", 5, 5)


def test_an_empty_store_has_no_coins(tmp_path):
    """A folder that does not exist is a store with nothing in it."""
    assert TickStore(tmp_path / "nothing").coins() == ()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\\b", "a\nb"])
def test_a_coin_that_cannot_be_a_folder_is_refused(tmp_path, name):
    """No name leaves the root of the store."""
    with pytest.raises(MalformedMessage, match="cannot be the name of a folder"):
        write_segment(tmp_path, "hyperliquid", name, Stream.BBO, quotes([1]))


def test_rows_without_a_time_are_refused(tmp_path):
    """A row that cannot be ordered is not written."""
    with pytest.raises(MalformedMessage, match="need exchange_ms in every row"):
        write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, pa.table({"bid_price": [1.0]}))


def test_the_recordings_read_as_their_description_says(recordings):
    """Rows and extents of real files that another program wrote."""
    store = TickStore(recordings)
    assert store.coins() == ("BTC", "ETH", "SOL", "WLFI")
    start_ms, end_ms = store.extent("ETH")
    trades_read = store.read("ETH", Stream.TRADES, start_ms - 1, end_ms)
    assert np.all(np.diff(trades_read["exchange_ms"].to_numpy()) >= 0)
    assert trades_read["hash"].null_count == len(trades_read)
    files = sorted((recordings / "hyperliquid" / "ETH").glob("*/bbo.parquet"))
    assert len(store.read("ETH", Stream.BBO, start_ms - 1, end_ms)) == sum(
        pq.read_metadata(path).num_rows for path in files
    )


def test_a_store_may_lie_behind_a_url(tmp_path):
    """A URL that pyarrow can open works like a folder."""
    root = f"file://{tmp_path}"
    write_segment(root, "hyperliquid", "ETH", Stream.BBO, quotes([MIDNIGHT]))
    assert times_of(TickStore(root), Stream.BBO, 0, 2**42) == [MIDNIGHT]


def test_an_empty_store_says_what_fills_it(tmp_path):
    """A newcomer's first calibration comes before the first recording."""
    with pytest.raises(UnknownCoin, match="holds no ETH of hyperliquid; it holds nothing yet: mm collect records it"):
        require_folders(tmp_path, "hyperliquid", ["ETH"])
