"""One market split at now: the past in a tick store, the rest live, nothing lost and nothing twice."""

from itertools import islice, takewhile

import numpy as np
import pytest

from market_making.market.events import BookSnapshot, Trade
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource, simulate_tape
from market_making.venue.markets.prehistory import LIVE_SECONDS, Playback, write_prehistory
from market_making.venue.markets.recording import RecordingSource

NOW = 1_757_030_007_123  # off every minute
SECONDS = 900


@pytest.fixture(scope="module")
def source():
    return SimulatedSource(default_truths(["ETH", "SOL"]), seed=9)


@pytest.fixture(scope="module")
def store(source, tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    write_prehistory(source, root, end_ms=NOW, seconds=SECONDS)
    return TickStore(root)


def test_past_and_live_join_seamlessly(source):
    """Events before now and live events are together the events of the source."""
    playback = Playback(source, now_ms=NOW, seconds=SECONDS)
    live = list(islice(playback.live, 500))
    whole = source.events(NOW - SECONDS * 1000)
    past = list(takewhile(lambda event: event.time_ms < NOW, whole))
    assert live[0].time_ms >= NOW > past[-1].time_ms
    rest = (event for event in source.events(NOW - SECONDS * 1000) if event.time_ms >= NOW)
    assert live == list(islice(rest, 500))
    last = {event.coin: event for event in past if isinstance(event, BookSnapshot)}
    assert playback.books == last
    volume = sum(event.size for event in past if isinstance(event, Trade) and event.coin == "ETH")
    assert sum(float(row["v"]) for row in playback.candles.snapshot("ETH", "1m", 0, NOW)) == pytest.approx(volume)


def test_the_store_holds_the_tape(store):
    """A calibration that reads the store sees the simulated tape: quotes, prints, market orders, no gap."""
    start_ms = NOW - SECONDS * 1000
    tape = simulate_tape(default_truths(["ETH"])[0], seed=9, seconds=SECONDS, start_ms=start_ms)
    recorded = store.tape("ETH", start_ms - 1, NOW - 1)
    for name in ("time_ms", "sign", "price", "size"):
        np.testing.assert_array_equal(getattr(recorded.trades, name), getattr(tape.trades, name))
    identity = set(zip(recorded.trades.order.tolist(), tape.trades.order.tolist(), strict=True))
    assert len(identity) == len(set(tape.trades.order.tolist())) == len(set(recorded.trades.order.tolist()))
    prices = np.column_stack(tape.quotes[1:])
    changed = np.append(True, np.any(prices[1:] != prices[:-1], axis=1))
    for seen, expected in zip(recorded.quotes, tape.quotes, strict=True):
        np.testing.assert_array_equal(seen, expected[changed])
    assert len(recorded.gaps) == 0


@pytest.mark.parametrize(("stream", "levels", "period_ms"), [(Stream.BOOK, 20, 5000), (Stream.BOOK_FAST, 5, 500)])
def test_books_come_at_the_cadence_of_the_exchange(store, stream, levels, period_ms):
    """Books of 20 levels every 5 s and of 5 levels every 0.5 s, give or take the time to the next block."""
    table = store.read("SOL", stream, 0, NOW)
    gaps = np.diff(table["exchange_ms"].to_numpy())
    assert gaps.min() >= period_ms
    assert np.median(gaps) < 1.4 * period_ms
    assert table[f"ask_price_{levels - 1}"].null_count == 0


def test_a_store_is_optional(source, tmp_path):
    """Without a root nothing is written, and the venue knows its past all the same."""
    playback = Playback.prepare(source, root=None, now_ms=NOW, seconds=60)
    assert set(playback.books) == {"ETH", "SOL"}
    written = Playback.prepare(source, root=tmp_path, now_ms=NOW, seconds=60)
    assert written.books == playback.books
    assert TickStore(tmp_path).coins() == ("ETH", "SOL")


def test_no_past_at_all(source):
    """A market may begin now."""
    playback = Playback(source, now_ms=NOW, seconds=0)
    assert playback.books == {}
    assert next(playback.live).time_ms == NOW


def test_enough_of_a_recording_is_left_to_play(store, tmp_path):
    """The past of a recording is shortened so that some minutes are played, and its last event is near its end."""
    recording = RecordingSource(store.root, ["ETH"])
    playback = Playback.prepare(recording, root=tmp_path, now_ms=NOW, seconds=1800)
    live = list(playback.live)
    assert live[-1].time_ms - NOW == pytest.approx(LIVE_SECONDS * 1000, abs=2000)
    past = TickStore(tmp_path).read("ETH", Stream.BBO, 0, NOW)["exchange_ms"].to_numpy()
    assert past[-1] - past[0] == pytest.approx((recording.duration_s - LIVE_SECONDS) * 1000, abs=2000)


def test_a_long_past_is_written_in_several_segments(tmp_path, monkeypatch, source):
    """However little is kept in memory, the store holds the same rows."""
    write_prehistory(source, tmp_path / "whole", end_ms=NOW, seconds=120)
    monkeypatch.setattr("market_making.venue.markets.prehistory.SEGMENT_ROWS", 100)
    write_prehistory(source, tmp_path / "parts", end_ms=NOW, seconds=120)
    whole, parts = TickStore(tmp_path / "whole"), TickStore(tmp_path / "parts")
    assert len(list((tmp_path / "parts").rglob("*.parquet"))) > 3 * len(list((tmp_path / "whole").rglob("*.parquet")))
    for stream in (Stream.BBO, Stream.TRADES, Stream.BOOK, Stream.BOOK_FAST):
        assert parts.read("ETH", stream, 0, NOW).equals(whole.read("ETH", stream, 0, NOW))
