"""Hand-made and simulated markets for the estimators."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from calibration.observation.increments import Increments
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.recording.store.segments import write_segment
from market_making.recording.streams import SCHEMAS, Stream
from market_making.settings.sections import CalibrationSettings, ModelSettings
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

START = 1_700_000_010_000
SECONDS = 1500

Quote = tuple[int, float, float]
Print = tuple[int, int, float]
MakeTape = Callable[..., Tape]


@pytest.fixture(scope="session")
def make_tape() -> MakeTape:
    """Make a tape from (time, bid, ask) and (time, sign, price[, order]) rows."""

    def make(
        quotes: Sequence[Quote],
        prints: Sequence[Sequence[float]] = (),
        *,
        gaps: Sequence[tuple[int, int]] = (),
        end_ms: int = 0,
    ) -> Tape:
        time_ms, bid, ask = (np.array(column) for column in zip(*quotes, strict=True))
        one = np.ones(len(quotes))
        rows = [tuple(row) if len(row) == 4 else (*row, -1) for row in prints]
        columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.empty(0)] * 4
        trades = TradeTape(
            columns[0].astype(np.int64),
            columns[1].astype(np.int64),
            columns[2].astype(np.float64),
            np.ones(len(rows)),
            columns[3].astype(np.int64),
        )
        return Tape(
            QuoteTape(time_ms.astype(np.int64), bid.astype(float), one, ask.astype(float), one),
            trades,
            np.array(gaps, dtype=np.int64).reshape(-1, 2),
            int(time_ms[0]) - 1,
            end_ms or int(time_ms[-1]),
        )

    return make


@pytest.fixture(scope="session")
def truth() -> MarketTruth:
    """A market in which making a market pays."""
    return default_truths(["ETH"])[0]


@pytest.fixture(scope="session")
def increments(truth: MarketTruth) -> Increments:
    """Tick and lot of that market."""
    return Increments(truth.tick, float(truth.instrument.lot))


@pytest.fixture(scope="session")
def half_hour(truth: MarketTruth) -> Tape:
    """Half an hour of that market."""
    return simulate_tape(truth, seed=1, seconds=1800, start_ms=1_700_000_000_000)


def record_quotes(root: Path, venue: str, coin: str, quotes: QuoteTape) -> None:
    """Write best quotes into a tick store."""
    columns = {"exchange_ms": quotes.time_ms, "local_ms": quotes.time_ms + 300} | quotes._asdict()
    columns.pop("time_ms")
    write_segment(root, venue, coin, Stream.BBO, pa.table(columns).cast(SCHEMAS[Stream.BBO]))


def record(root: Path, coin: str, tape: Tape) -> None:
    """Write a tape into a tick store."""
    trades = tape.trades
    record_quotes(root, "hyperliquid", coin, tape.quotes)
    count = len(trades.time_ms)
    texts = [str(number) for number in range(count)]
    columns = {
        "exchange_ms": trades.time_ms,
        "local_ms": trades.time_ms + 300,
        "side": np.where(trades.sign > 0, "buy", "sell").tolist(),
        "price": trades.price,
        "size": trades.size,
        "trade_id": texts,
        "hash": [f"0x{number + 1:x}" for number in trades.order],
        "buyer": ["0xa"] * count,
        "seller": ["0xb"] * count,
        "replayed": [False] * count,
    }
    write_segment(root, "hyperliquid", coin, Stream.TRADES, pa.table(columns).cast(SCHEMAS[Stream.TRADES]))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A store with two simulated coins."""
    folder = tmp_path_factory.mktemp("market_data")
    for number, truth in enumerate(default_truths(["ETH", "SOL"])):
        record(folder, truth.coin, simulate_tape(truth, seed=number, seconds=SECONDS, start_ms=START))
    return folder


@pytest.fixture
def settings(root, tmp_path) -> Settings:
    """Settings for a window of ten minutes."""
    return Settings(
        coins=("ETH", "SOL"),
        market_data=root,
        parameters=tmp_path / "parameters",
        state=tmp_path / "state",
        calibration=CalibrationSettings(window_s=600, minimum_exposure_s=300),
        model=ModelSettings(maker_fee=0.0001),
    )
