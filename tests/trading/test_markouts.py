"""Markouts of own fills: each is judged once at each horizon, and the interval is that of their mean."""

import numpy as np
import pytest
from scipy import stats

from market_making.market.sides import Side
from market_making.trading.fills import Fill
from market_making.trading.markouts import HORIZONS_S, MarkoutMeter

PAIR = "ETH/USDC:USDC"


def fill(time_ms, side, mid=3000.0):
    """A fill of one lot at a mid."""
    return Fill(time_ms, PAIR, "ETH", "1", side, 2999.0, 0.03, 0.03, 0.0, False, mid)


def test_a_move_in_favour_is_positive_at_each_horizon():
    """After a bid mid rises by 3 (10 bps) within a second and is back a minute later."""
    meter = MarkoutMeter()
    meter.filled(fill(0, Side.BID))
    meter.filled(fill(0, Side.ASK))
    for time_ms, mid in ((500, 2990.0), (1_000, 3003.0), (10_000, 3001.5), (60_000, 3000.0), (90_000, 3100.0)):
        meter.seen(time_ms, mid)
    assert [state.horizon_s for state in meter.states()] == list(HORIZONS_S)
    assert [state.n for state in meter.states()] == [2, 2, 2]
    only_bids = MarkoutMeter()
    only_bids.filled(fill(0, Side.BID))
    only_bids.seen(1_000, 3003.0)
    assert only_bids.states()[0].value_bps == pytest.approx(10.0)
    assert only_bids.states()[0].low_bps is None


def test_the_interval_is_students():
    """The independent answer of a statistics library."""
    meter, random = MarkoutMeter(), np.random.default_rng(1)
    moves = random.normal(-1.0, 3.0, 40)
    for number, move in enumerate(moves):
        meter.filled(fill(number * 100_000, Side.BID))
        meter.seen(number * 100_000 + 1_000, 3000.0 + move)
    state, bps = meter.states()[0], moves / 3000.0 * 1e4
    low, high = stats.t.interval(0.95, len(bps) - 1, bps.mean(), stats.sem(bps))
    assert (state.value_bps, state.low_bps, state.high_bps) == pytest.approx((bps.mean(), low, high))
    assert state.n == 40


def test_a_fill_at_an_unknown_mid_is_not_judged():
    """As after an outage."""
    meter = MarkoutMeter()
    meter.filled(fill(0, Side.BID, None))
    meter.seen(100_000, 3000.0)
    assert [state.n for state in meter.states()] == [0, 0, 0]
