"""Hand-made and simulated markets for the estimators."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from calibration.observation.increments import Increments
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

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
