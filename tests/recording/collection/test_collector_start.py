"""What a collector says at its start, while it runs, and at its end: what it may not do, how it is, what it lost."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from market_making.hyperliquid.market_data import Subscription
from market_making.market.errors import ConfigurationError, LostRows
from market_making.recording.collection.collector import Collector
from market_making.safety.state_file import SidecarState, read_state
from tests.recording.collection.test_collector import BBO, TRADES, collecting, until

NOBODY_THERE = "http://127.0.0.1:9"


def state_in(folder: Path) -> SidecarState | None:
    """The collector's state, if it has written one."""
    path = folder / "collector.json"
    return read_state(path) if path.exists() else None


async def test_the_state_file_says_how_each_coin_is(exchange, hurried, now, make_quote, tmp_path):
    """Rates, ages and what is received, all by the collector's own counts; and that it has ended."""
    folder = tmp_path / "state"
    collector = Collector(
        exchange.url, ["ETH"], tmp_path / "data", flush_seconds=0.05, options=replace(hurried, state=folder)
    )
    async with collecting(collector):
        await exchange.subscribed(BBO, TRADES, Subscription("l2Book", "ETH", fast=True))
        await exchange.quote(make_quote(now()))
        await until(lambda: (state := state_in(folder)) is not None and state.coins[0].status == "recording")
        state = state_in(folder)
        assert (state.kind, state.venue, state.pid, state.stopped) == ("collector", "hyperliquid", os.getpid(), False)
        (coin,) = state.coins
        assert (coin.coin, coin.detail, coin.gaps) == ("ETH", "", 0)
        assert 0 <= coin.age_ms < 5000
        await exchange.drop_connections()
        await until(lambda: state_in(folder).coins[0].gaps >= 1)
    state = state_in(folder)
    assert state.stopped
    assert state.figures["received"] == state.figures["written"] == collector.counts.written > 0
    assert state.figures["dropped"] == 0
    assert state.failures == ()


async def test_a_coin_that_is_not_received_says_why(exchange, hurried, tmp_path):
    """Before the first quote the reason is the start, and later what has interrupted it."""
    exchange.silent = True
    folder = tmp_path / "state"
    collector = Collector(
        exchange.url, ["ETH"], tmp_path / "data", flush_seconds=0.02, options=replace(hurried, state=folder)
    )
    async with collecting(collector):
        await until(lambda: state_in(folder) is not None)
        (coin,) = state_in(folder).coins
    assert coin.status == "interrupted"
    assert coin.detail.startswith("trades, bbo, book: start; book_fast: start")


async def test_a_state_file_that_cannot_be_written_stops_nothing(exchange, hurried, tmp_path, caplog):
    """It is said once; rows are recorded all the same."""
    folder = tmp_path / "state"
    (folder / "collector.json").mkdir(parents=True)
    collector = Collector(
        exchange.url, ["ETH"], tmp_path / "data", flush_seconds=0.02, options=replace(hurried, state=folder)
    )
    async with collecting(collector):
        await until(lambda: collector.counts.written > 2)
    assert caplog.text.count("the state of the collector cannot be written") == 1


async def test_rows_that_are_lost_are_an_error(exchange, hurried, tmp_path, disk):
    """The number and the cause are told; while it lasts the state file names it too."""
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)
    stop = asyncio.Event()
    running = asyncio.create_task(collector.run(stop))
    await until(lambda: collector.counts.written > 2)
    disk.fill()
    await until(lambda: collector.counts.failed_writes > 0)
    stop.set()
    with pytest.raises(LostRows, match=r"\d+ of \d+ rows are lost \(rows of ETH cannot be written: .*No space left"):
        await running


@pytest.mark.parametrize("name", ["data", "state"])
async def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_received(hurried, tmp_path, name):
    """Instead of recording into memory until it is full."""
    folders = {"data": tmp_path / "data", "state": tmp_path / "state"} | {name: Path("/proc/nope")}
    options = replace(hurried, state=folders["state"])
    with pytest.raises(ConfigurationError, match=r"/proc/nope.* cannot be written"):
        await Collector(NOBODY_THERE, ["ETH"], folders["data"], options=options).run()


async def test_a_second_collector_of_the_same_venue_and_folder_is_refused(exchange, hurried, tmp_path):
    """Another venue is another folder; after the first has ended its place is free."""
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await exchange.subscribed(BBO)
        with pytest.raises(ConfigurationError, match=rf"another collector .*: process {os.getpid()}, started"):
            await Collector(exchange.url, ["BTC"], tmp_path, options=hurried).run()
        async with collecting(Collector(exchange.url, ["ETH"], tmp_path, "elsewhere", options=hurried)):
            await until((tmp_path / "elsewhere" / ".collector.lock").exists)
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await exchange.subscribed(BBO)


async def test_an_exchange_that_never_answers_is_said_once_in_words(hurried, tmp_path, caplog, monkeypatch):
    """Beside the retries; where something was received nothing is said."""
    monkeypatch.setattr("market_making.recording.collection.collector.SILENT_S", 0.1)
    with caplog.at_level(logging.WARNING):
        async with collecting(Collector(NOBODY_THERE, ["ETH"], tmp_path, options=hurried)):
            await until(lambda: "is there a network?" in caplog.text)
            await asyncio.sleep(0.3)
    assert caplog.text.count("nothing was received from http://127.0.0.1:9 for 0 s; is there a network?") == 1


async def test_an_exchange_that_answers_is_not_complained_of(exchange, hurried, tmp_path, caplog, monkeypatch):
    """The time is over and rows are there."""
    monkeypatch.setattr("market_making.recording.collection.collector.SILENT_S", 0.5)
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)
    async with collecting(collector):
        await until(lambda: collector.counts.received > 0)
        await asyncio.sleep(0.6)
    assert "is there a network?" not in caplog.text


@pytest.mark.parametrize(("data", "status", "said"), [("/proc/nope", 2, "cannot be written"), (None, 0, "stopped")])
def test_the_program_tells_by_its_status_how_it_ended(tmp_path, data, status, said):
    """2 for a folder that cannot be used, 0 where nothing was lost, even if nothing ever came."""
    command = [sys.executable, "-m", "market_making.ops", "collect", "--coin", "ETH", "--url", NOBODY_THERE]
    process = subprocess.Popen(
        [*command, "--data", data or str(tmp_path / "data")], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if "asking again" in line:
            process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == status
    process.stderr.close()
    assert said in seen
