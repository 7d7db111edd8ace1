"""The store read by programs nobody here wrote: by glob, and from what `mm export` writes."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb
import hftbacktest
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hftbacktest.data import validate_event_order

from market_making.ops.command_line import main
from market_making.recording.store.compaction import compact, drop_replaced
from market_making.recording.store.storage import open_storage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import VenueConfig
from market_making.venue.markets.prehistory import StoreRecorder
from market_making.venue.server import LocalVenue

START_MS = 1_757_030_400_000
SECONDS = 240
GLOB = "hyperliquid/ETH/*"
RECORDED = (Stream.TRADES, Stream.BBO, Stream.BOOK, Stream.BOOK_FAST, Stream.CONTEXT)
Rows = Counter[tuple]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Ten minutes of a coin in segments of one minute, merged a moment ago: merged ones and their sources are there."""
    recorder, minute = StoreRecorder(tmp_path), START_MS
    for event in SimulatedSource(default_truths(["ETH"]), seed=3).events(START_MS):
        if event.time_ms >= START_MS + SECONDS * 1000:
            break
        if event.time_ms >= minute + 60_000:
            recorder.write()
            minute += 60_000
        recorder.on_event(event)
    recorder.write()
    report = compact(open_storage(tmp_path), "hyperliquid", now_ms=START_MS + 3 * 3_600_000)
    assert report.replaced > report.merged > 0
    return tmp_path


def rows(root: Path, stream: Stream) -> Rows:
    """As our own reader has them."""
    return counted(TickStore(root, "hyperliquid").read("ETH", stream, 0, START_MS * 2).to_pandas(), stream)


def counted(frame: pd.DataFrame, stream: Stream) -> Rows:
    """How often each row is there, by the columns that the store promises."""
    known = frame[[name for name in SCHEMAS[stream].names if name in frame]]
    return Counter(known.astype(object).where(known.notna(), None).itertuples(index=False, name=None))


def read_by_glob(root: Path, stream: Stream, *, distinct: bool) -> dict[str, Rows]:
    """What each of three readers finds with the line of the documents."""
    glob = f"{root}/{GLOB}/{stream.value}[-.]*parquet"
    word = "distinct " if distinct else ""
    lazy = pl.scan_parquet(glob, extra_columns="ignore", missing_columns="insert")
    frame = pd.concat(pd.read_parquet(path) for path in root.glob(f"{GLOB}/{stream.value}[-.]*parquet"))
    found = {
        "duckdb": duckdb.sql(f"select {word}* from read_parquet('{glob}', union_by_name=true)").df(),
        "polars": (lazy.unique() if distinct else lazy).collect().to_pandas(),
        "pandas": frame.drop_duplicates() if distinct else frame,
    }
    return {reader: counted(table, stream) for reader, table in found.items()}


def require_ours(root: Path, streams: Iterable[Stream], *, distinct: bool) -> None:
    """Each reader finds the very rows that ours finds, each as often."""
    for stream in streams:
        ours = rows(root, stream)
        assert ours
        for reader, found in read_by_glob(root, stream, distinct=distinct).items():
            assert found == ours, (reader, stream)


@pytest.mark.parametrize("stream", [Stream.TRADES, Stream.BBO, Stream.BOOK, Stream.BOOK_FAST])
def test_readers_by_glob_find_our_rows(store, stream):
    """Right after a merge by the documented line, and without a word about it once the sources are dropped."""
    ours = rows(store, stream)
    require_ours(store, [stream], distinct=True)
    assert all(found > ours for found in read_by_glob(store, stream, distinct=False).values())
    assert drop_replaced(open_storage(store), "hyperliquid") > 0
    require_ours(store, [stream], distinct=False)
    assert rows(store, stream) == ours


ENDLESS = f"""
import sys
from market_making.recording.store.compaction import compact
from market_making.recording.store.storage import open_storage
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import StoreRecorder

recorder, written = StoreRecorder(sys.argv[1]), {START_MS}
for event in SimulatedSource(default_truths(["ETH"]), seed=3).events({START_MS}):
    if event.time_ms >= written + 5_000:
        recorder.write()
        written += 5_000
        print(written, flush=True)
        if written % 60_000 == 0:
            compact(open_storage(sys.argv[1]), "hyperliquid", now_ms=written + 3 * 3_600_000)
    recorder.on_event(event)
"""


def test_readers_by_glob_find_our_rows_while_somebody_records_and_after_a_crash(tmp_path):
    """Segments come and are merged while they read; a recorder that is killed leaves nothing that they read wrongly."""
    (tmp_path / "store").mkdir()
    command = [sys.executable, "-c", ENDLESS, str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        try:
            for _ in range(13):
                assert recorder.stdout.readline()
            before = rows(tmp_path / "store", Stream.TRADES)
            found = read_while_it_changes(tmp_path / "store")
            after = rows(tmp_path / "store", Stream.TRADES)
        finally:
            recorder.kill()
    assert before
    for reader, table in found.items():
        assert before <= table <= after, reader
    require_ours(tmp_path / "store", (Stream.TRADES, Stream.BBO, Stream.BOOK_FAST), distinct=True)


COLLECT = """
import asyncio, sys
from market_making.recording.collection.collector import Collector
asyncio.run(Collector(sys.argv[1], ["ETH"], sys.argv[2], flush_seconds=0.2).run())
"""


async def test_readers_by_glob_find_the_rows_of_a_collector_that_is_killed_started_again_and_stopped(tmp_path):
    """While it records, after the kill, and after a stop in order, then without a word about doubles."""
    venue = LocalVenue(SimulatedSource(default_truths(["ETH"]), seed=3), VenueConfig(speed=10.0))
    command = (sys.executable, "-c", COLLECT, await venue.start(), str(tmp_path))

    async def recording(more_than: int) -> asyncio.subprocess.Process:
        collector = await asyncio.create_subprocess_exec(*command)
        async with asyncio.timeout(90):
            while not has_more(tmp_path, more_than):
                await asyncio.sleep(0.1)
        return collector

    try:
        collector = await recording(more_than=20)
        before = rows(tmp_path, Stream.TRADES)
        found = await asyncio.to_thread(read_while_it_changes, tmp_path)
        after = rows(tmp_path, Stream.TRADES)
        collector.kill()
        await collector.wait()
        for reader, table in found.items():
            assert before <= table <= after, reader
        require_ours(tmp_path, RECORDED, distinct=True)
        collector = await recording(more_than=rows(tmp_path, Stream.TRADES).total() + 20)
        collector.terminate()
        assert await collector.wait() == 0
    finally:
        await venue.stop()
    require_ours(tmp_path, (*RECORDED, Stream.GAPS), distinct=False)


def has_more(root: Path, count: int) -> bool:
    """Whether every stream is there, and more than so many trades."""
    store = TickStore(root, "hyperliquid")
    streams = store.streams("ETH", 0, START_MS * 2) if "ETH" in store.coins() else set()
    return streams >= {*RECORDED} and rows(root, Stream.TRADES).total() > count


def read_while_it_changes(root: Path) -> dict[str, Rows]:
    """Read by the documented lines; a file that was merged away between the listing and its reading is listed anew."""
    for _ in range(20):
        try:
            return read_by_glob(root, Stream.TRADES, distinct=True)
        except (OSError, duckdb.IOException, pl.exceptions.ComputeError):
            continue
    raise AssertionError("the store never stood still for a reading")


@pytest.fixture
def mm(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_has_every_row_once(store, mm, tmp_path, kind):
    """One file a stream."""
    result = mm("export", kind, "--coin", "ETH", "--data", store, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    for stream in (Stream.TRADES, Stream.BBO, Stream.BOOK, Stream.BOOK_FAST):
        path = tmp_path / "out" / f"ETH-{stream.value}.{kind}"
        count = len(pd.read_csv(path)) if kind == "csv" else pq.read_metadata(path).num_rows
        assert count == rows(store, stream).total()


def test_an_export_for_hftbacktest_is_in_its_order(store, mm, tmp_path):
    """Its dtype, both clocks ascending, depth and trades."""
    result = mm("export", "hftbacktest", "--coin", "ETH", "--data", store, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    events = np.load(tmp_path / "out" / "ETH.npz")["data"]
    assert events.dtype == hftbacktest.types.event_dtype
    for flag, clock in ((1 << 31, "exch_ts"), (1 << 30, "local_ts")):
        assert (np.diff(events[clock][events["ev"] & np.uint64(flag) != 0]) >= 0).all()
    assert (events["local_ts"] >= events["exch_ts"]).all()
    kinds = events["ev"] & np.uint64(0xFF)
    assert (kinds == 2).sum() == rows(store, Stream.TRADES).total()
    assert set(np.unique(kinds)) == {1, 2, 3, 4}


@pytest.mark.skipif(not os.environ.get("MM_LONG_TESTS"), reason="hftbacktest compiles for half a minute")
def test_hftbacktest_takes_the_export_and_sees_our_books(store, mm, tmp_path):
    """Its own check of the order passes, and its book has the best quotes of ours at every second."""
    result = mm("export", "hftbacktest", "--coin", "ETH", "--data", store, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    path = tmp_path / "out" / "ETH.npz"
    events = np.load(path)["data"]
    assert events.dtype == hftbacktest.types.event_dtype
    validate_event_order(events)
    fast = TickStore(store, "hyperliquid").read("ETH", Stream.BOOK_FAST, 0, START_MS * 2).to_pandas()
    tick = default_truths(["ETH"])[0].tick
    asset = (
        hftbacktest.BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0)
        .risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
        .tick_size(tick).lot_size(0.0001)
    )  # fmt: skip
    backtest, seen = hftbacktest.HashMapMarketDepthBacktest([asset]), 0
    while backtest.elapse(1_000_000_000) == 0:
        now_ms = backtest.current_timestamp // 1_000_000
        known = fast[fast.exchange_ms <= now_ms]
        if now_ms > fast.exchange_ms.iloc[-1]:
            break
        depth, last = backtest.depth(0), known.iloc[-1]
        assert (depth.best_bid, depth.best_ask) == pytest.approx((last.bid_price_0, last.ask_price_0), abs=tick / 2)
        seen += 1
    assert backtest.close() == 0
    assert seen > SECONDS / 2


def test_nothing_to_export_says_so(store, mm, tmp_path):
    """Another coin, or a window without a row."""
    assert mm("export", "csv", "--coin", "SOL", "--data", store, "--out", tmp_path / "out").exit_code == 3
    empty = ("--start", "2020-01-01", "--end", "2020-01-02")
    for kind in ("csv", "hftbacktest"):
        assert mm("export", kind, "--coin", "ETH", "--data", store, "--out", tmp_path / "out", *empty).exit_code == 3
