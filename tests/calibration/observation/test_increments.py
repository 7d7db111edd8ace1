"""Tick and lot inferred from what was quoted."""

import numpy as np
import pytest

from calibration.observation.increments import FollowedIncrements, infer_increments, infer_step
from market_making.market.errors import NotEnoughData
from market_making.market.tape import QuoteTape
from market_making.recording.store.tick_store import TickStore


@pytest.mark.parametrize(
    ("values", "step"),
    [
        (np.round(4268.9 + 0.1 * np.arange(30), 1), 0.1),
        (111_250.0 + np.arange(30), 1.0),
        (np.round(0.1812 + 1e-5 * np.arange(30), 5), 1e-5),
        (np.r_[9_999.8, 9_999.9, 10_001.0 + np.arange(30)], 0.1),
        (np.round(60_000 + 0.1 * np.arange(40), 1), 0.1),
        (np.array([4270.0, 4280.0]), 0.1),
        (np.array([np.nan, 25.0]), 0.001),
    ],
)
def test_the_step_is_the_power_of_ten_that_divides_all_values(values, step):
    """Also across a power of ten, finer than five figures, and with too few values to tell more than the rule."""
    assert infer_step(values) == step


def test_without_values_there_is_no_step():
    """The message says what is needed."""
    with pytest.raises(NotEnoughData, match="need 1"):
        infer_step(np.array([np.nan, 0.0]))


def test_simulated_markets_have_the_increments_they_were_made_with(half_hour, increments):
    """Tick and lot of a simulated coin are found from its quotes."""
    assert infer_increments(half_hour.quotes) == increments


@pytest.mark.parametrize(("coin", "tick"), [("BTC", 1.0), ("ETH", 0.1), ("SOL", 0.01), ("WLFI", 1e-5)])
def test_recorded_coins_have_the_ticks_of_their_exchange(recordings, coin, tick):
    """The ticks of four recorded coins."""
    store = TickStore(recordings)
    end_ms = store.extent(coin)[1]
    assert infer_increments(store.tape(coin, end_ms - 1_800_000, end_ms).quotes).tick == tick


def walk(prices, tick):
    """Quotes a tick apart, one a second."""
    bids = np.round(np.round(prices / tick) * tick, 6)
    ones = np.ones(len(prices))
    return QuoteTape(np.arange(1, len(prices) + 1) * 1000, bids, ones, np.round(bids + tick, 6), ones)


@pytest.mark.parametrize("down", [True, False])
def test_the_tick_follows_a_price_over_a_power_of_ten(down):
    """As soon as the finer grid is in the window it is the tick, and until the last of it has left."""
    below, above = walk(np.linspace(99.0, 99.9, 300), 0.001), walk(np.linspace(100.1, 101, 300), 0.01)
    first, second = (above, below) if down else (below, above)
    quotes = QuoteTape(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))
    quotes = quotes._replace(time_ms=np.arange(1, 601) * 1000)
    asked = []

    def between(start_ms, end_ms):
        asked.append(end_ms)
        first, last = np.searchsorted(quotes.time_ms, [start_ms, end_ms], side="right")
        return QuoteTape(*(column[first:last] for column in quotes))

    increments, window_ms = FollowedIncrements(between), 120_000
    for now_ms in range(60_000, 600_001, 1000):
        start_ms = now_ms - window_ms
        tick = increments.follow(between(start_ms, now_ms).mid, start_ms, now_ms).tick
        has_fine = now_ms > 300_000 if down else start_ms < 300_000
        assert tick == (0.001 if has_fine else 0.01), now_ms
        asked.pop()
