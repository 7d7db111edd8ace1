"""A market that is recorded through ccxt is calibrated like any other."""

import numpy as np
import pytest

from calibration.backfill import calibrate_once
from market_making.market.clock import now_ms
from market_making.market.tape import Tape
from market_making.recording.other_venues.bybit import Bybit
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

SECONDS = 700
ONE, TRADES = "orderbook.1.BTCUSDT", "publicTrade.BTCUSDT"


def frames_of(tape: Tape) -> list[tuple[int, str, dict]]:
    """The tape in Bybit's words, prints before the quotes of the same time."""
    frames = []
    quotes, trades = tape.quotes, tape.trades
    for time_ms, bid, bid_size, ask, ask_size in zip(*(column.tolist() for column in quotes), strict=True):
        data = {"s": "BTCUSDT", "b": [[str(bid), str(bid_size)]], "a": [[str(ask), str(ask_size)]], "u": 1, "seq": 1}
        frames.append((time_ms, ONE, {"topic": ONE, "type": "snapshot", "ts": time_ms, "data": data}))
    rows = zip(trades.time_ms.tolist(), trades.sign.tolist(), trades.price.tolist(), trades.size.tolist(), strict=True)
    for number, (time_ms, sign, price, size) in enumerate(rows):
        printed = {"T": time_ms, "s": "BTCUSDT", "S": "Buy" if sign > 0 else "Sell", "v": str(size), "p": str(price),
                   "i": str(number), "BT": False}  # fmt: skip
        frames.append((time_ms, TRADES, {"topic": TRADES, "type": "snapshot", "ts": time_ms, "data": [printed]}))
    return sorted(frames, key=lambda frame: (frame[0], frame[1] == ONE))


@pytest.mark.timeout(60)
async def test_the_tape_and_its_calibration_survive_the_way_through_ccxt(record, dialects, tmp_path):
    """Every quote and print of a simulated market arrives, and the parameters are published for this venue."""
    sent = simulate_tape(default_truths(["BTC"])[0], seed=3, seconds=SECONDS, start_ms=now_ms())
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        await recorded.venue.subscribed(ONE, TRADES)
        for _, topic, frame in frames_of(sent):
            await recorded.venue.send(topic, frame)
        await recorded.until(Stream.BBO, len(sent.quotes.time_ms))
        await recorded.until(Stream.TRADES, len(sent.trades.time_ms))
    store = TickStore(tmp_path, "bybit")
    tape = store.tape("BTC", sent.start_ms - 1, sent.end_ms)
    for name, column in sent.quotes._asdict().items():
        assert np.array_equal(getattr(tape.quotes, name), column), name
    for name in ("time_ms", "sign", "price", "size"):
        assert np.array_equal(getattr(tape.trades, name), getattr(sent.trades, name)), name
    settings = Settings(venue="bybit", market_data=tmp_path, parameters=tmp_path / "parameters")
    published = calibrate_once("BTC", int(sent.quotes.time_ms[-1]), settings)
    assert (published.venue, published.pair, published.coin) == ("bybit", "BTC/USDT:USDT", "BTC")
    assert published.quality.status != "bad"
    assert published.window.exposure_s > 0.95 * SECONDS
