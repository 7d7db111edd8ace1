"""A market that follows another venue: it follows by the lead, and its formula is the integral it stands for."""

import numpy as np
import pytest
from scipy.integrate import quad

from market_making.market.errors import ConfigurationError
from market_making.simulation.led_market import STEP_MS, LedMarket


def test_mid_is_that_of_the_leader_a_lead_before():
    """Quote by quote."""
    tape, leader = LedMarket(lead_s=0.6).simulate(seed=3, seconds=60)
    steps = 600 // STEP_MS
    np.testing.assert_allclose(tape.quotes.mid[steps:], leader.mid[:-steps], rtol=1e-12)


def test_nobody_trades_behind_the_touch():
    """An order that would not reach it is none."""
    tape, _ = LedMarket(lead_s=0.6).simulate(seed=3, seconds=600)
    before = np.searchsorted(tape.quotes.time_ms, tape.trades.time_ms, "left") - 1
    touch = tape.quotes.half_spread[before]
    assert np.all(tape.trades.sign * (tape.trades.price - tape.quotes.mid[before]) >= touch - 1e-9)
    assert len(tape.trades.time_ms) > 500


@pytest.mark.parametrize(("depth", "age_s", "response"), [(0.3, 0.0, 0.0), (0.3, 1.0, 0.6), (0.05, 0.5, 0.0)])
def test_the_net_per_fill_is_the_integral_over_what_the_leader_may_have_done(depth, age_s, response):
    """Weighted by the probability of a fill."""
    truth = LedMarket(lead_s=0.6)
    variance = truth.volatility**2 * (age_s + 0.6 * (1 - response) ** 2 + 0.4 * response**2)

    def weight(ahead: float) -> float:
        return float(np.exp(-truth.fill_decay * max(depth - ahead, 0.0) - ahead**2 / (2 * variance)))

    far = 8 * variance**0.5
    bounds = {"a": -far, "b": far + depth, "points": [depth]}
    lost = quad(lambda ahead: ahead * weight(ahead), **bounds)[0] / quad(weight, **bounds)[0]
    assert truth.net_per_fill(depth, age_s, response) == pytest.approx(truth.half_spread + depth - lost, rel=1e-6)


def test_no_other_response_gains_as_much():
    """The lead in seconds is the best one."""
    truth = LedMarket(lead_s=0.6)
    gains = [truth.gain(0.3, 0.25, response) for response in (0.4, 0.5, 0.6, 0.7, 0.8)]
    assert max(gains) == gains[2] > 0
    assert LedMarket(lead_s=0.0).net_per_fill(0.3, 0.0, 0.0) == pytest.approx(0.4)


@pytest.mark.parametrize("lead_s", [-0.1, 1.05, 0.33])
def test_a_lead_that_cannot_be_simulated_is_refused(lead_s):
    """With what it must be."""
    with pytest.raises(ConfigurationError, match=r"lead_s must be a multiple of 0\.05"):
        LedMarket(lead_s=lead_s)


def test_the_sizes_tell_as_much_of_the_next_second_as_they_should():
    """Mid moves by β a unit of imbalance, and ρ² of what it is behind is told."""
    truth = LedMarket(lead_s=0.6, telling=0.8)
    tape, leader = truth.simulate(seed=3, seconds=3600)
    bid, ask = tape.quotes.bid_size, tape.quotes.ask_size
    imbalance, behind = (bid - ask) / (bid + ask), leader.mid - tape.quotes.mid
    assert np.max(np.abs(imbalance)) <= 1
    second = 1000 // STEP_MS
    moves = tape.quotes.mid[second:] - tape.quotes.mid[:-second]
    known = imbalance[:-second]
    assert (known @ moves) / (known @ known) == pytest.approx(truth.imbalance_response, rel=0.05)
    assert np.corrcoef(imbalance, behind)[0, 1] == pytest.approx(0.8, abs=0.02)


def test_sizes_that_tell_more_gain_more():
    """Nothing where they tell nothing, all of the lead where they tell everything."""
    gains = [LedMarket(lead_s=0.6, telling=part).imbalance_gain(0.3, 0.5) for part in (0.0, 0.5, 0.9, 1.0)]
    assert gains == sorted(gains)
    assert gains[0] == 0.0
    exact = LedMarket(lead_s=0.6)
    assert gains[3] == pytest.approx(
        LedMarket(lead_s=0.0).net_per_fill(0.3, 0.5, 0.0) - exact.net_per_fill(0.3, 0.5, 0.0)
    )
    with pytest.raises(ConfigurationError, match="telling must be from 0 to 1"):
        LedMarket(lead_s=0.6, telling=1.1)
