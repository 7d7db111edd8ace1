"""What an anchor is worth: the truth where a lead is known, nothing in noise, and nothing looks ahead."""

import numpy as np
import pytest

from calibration.estimators.best_quotes import BestQuotes
from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.fair_value import AGES_MS, WARMUP_MS, Coefficients, Gain, Placement, Signs, fit, gains
from calibration.flow.fair_value import anchor_worth, fair_value
from calibration.observation.leading_quotes import HeardLeader
from calibration.observation.observations import observe
from market_making.market.errors import NotEnoughData
from market_making.market.tape import QuoteTape
from market_making.simulation.led_market import LedMarket

LED = LedMarket(lead_s=0.6)
BP = LED.price / 1e4


def test_a_known_lead_gains_what_it_must_at_every_age():
    """γ is the lead in seconds; of three hours and five ages, twelve of fifteen intervals hold the true gain."""
    held = 0
    for seed in range(3):
        tape, leader = LED.simulate(seed=seed, seconds=3600)
        found = fair_value(tape, LED.tick, leader)
        assert found.response is not None
        assert found.response.value == pytest.approx(LED.response, abs=0.06)
        for gain in found.gains["leader"]:
            assert gain.per_fill is not None
            assert gain.is_sure
            true = LED.gain(BP, gain.age_ms / 1e3, LED.response)
            assert gain.per_fill.value == pytest.approx(true, rel=0.35)
            held += gain.per_fill.low <= true <= gain.per_fill.high
    assert held >= 12


def test_without_the_leader_nothing_is_gained():
    """The sizes of this market tell nothing."""
    tape, _ = LED.simulate(seed=1, seconds=3600)
    found = fair_value(tape, LED.tick, None)
    assert found.response is None
    assert found.lead is None
    assert set(found.gains) == {"imbalance", "microprice"}
    assert not any(gain.is_sure for gain in found.gains["imbalance"])
    assert found.imbalance.low <= 0 <= found.imbalance.high


def test_a_leader_that_is_noise_gains_nothing():
    """No lead, γ around 0, no gain that is sure."""
    tape, _ = LED.simulate(seed=1, seconds=1800)
    _, stranger = LED.simulate(seed=2, seconds=1800)
    found = fair_value(tape, LED.tick, stranger)
    assert found.lead is None
    assert found.response is not None
    assert found.response.low <= 0 <= found.response.high
    assert not any(gain.is_sure for gain in found.gains["leader"])


def test_nothing_looks_ahead():
    """What comes after a minute changes no coefficient that was known at it."""
    tape, leader = LED.simulate(seed=1, seconds=900)
    until = 600_000
    early = [QuoteTape(*(column[quotes.time_ms < until] for column in quotes)) for quotes in (tape.quotes, leader)]
    known, later = fit(Signs(*map(BestQuotes.of, early))), fit(Signs(BestQuotes.of(tape.quotes), BestQuotes.of(leader)))
    rows = int(np.count_nonzero(known.since_ms < until))
    np.testing.assert_allclose(known.values[:rows], later.values[:rows])
    assert np.any(later.values)


def test_nothing_is_anchored_before_enough_was_seen():
    """The coefficients are 0 for four minutes."""
    tape, leader = LED.simulate(seed=1, seconds=600)
    known = fit(Signs(BestQuotes.of(tape.quotes), BestQuotes.of(leader)))
    assert not np.any(known.at(np.arange(0, WARMUP_MS, 1000)))
    assert np.all(known.at(np.array([WARMUP_MS + 60_000]))[:, 1] > 0)


def test_a_leader_that_fell_silent_says_nothing():
    """Its last move is old."""
    tape, leader = LED.simulate(seed=1, seconds=60)
    silent = QuoteTape(*(column[leader.time_ms < 30_000] for column in leader))
    moves = Signs(BestQuotes.of(tape.quotes), BestQuotes.of(silent)).at(np.array([20_000, 30_000, 50_000]))[:, 1]
    assert moves[0] != 0
    assert moves[2] == 0


@pytest.mark.parametrize(
    ("fills", "low", "is_sure"), [((20, 12), 0.1, True), ((20, 9), 0.1, False), ((20, 12), 0.0, False)]
)
def test_a_gain_is_sure_above_zero_and_with_ten_fills_of_both(fills, low, is_sure):
    """Few fills in one cluster have small intervals."""
    assert Gain(0, Estimate(0.2, low, 0.3, fills[1]), *fills).is_sure is is_sure


def test_nothing_filled_is_no_gain():
    """Quotes so deep that no order reaches them."""
    tape, leader = LED.simulate(seed=1, seconds=600)
    found = fair_value(tape, LED.tick, leader, depth_bps=500.0)
    assert [gain.age_ms for gain in found.gains["leader"]] == list(AGES_MS)
    assert all(gain.per_fill is None and not gain.is_sure for gain in found.gains["leader"])


def test_half_a_minute_tells_no_coefficient():
    """A fit of one cluster would seem to have no error."""
    tape, _ = LED.simulate(seed=1, seconds=30)
    found = fair_value(tape, LED.tick, None)
    assert (found.imbalance.value, found.imbalance.source) == (0.0, EstimateSource.PRIOR)


def test_a_tape_without_quotes_is_refused():
    """There is no mid."""
    tape, leader = LED.simulate(seed=1, seconds=60)
    nothing = QuoteTape(*(column[:0] for column in tape.quotes))
    with pytest.raises(NotEnoughData, match="0 quotes"):
        fair_value(tape._replace(quotes=nothing), LED.tick, leader)


def test_sizes_that_tell_where_mid_goes_are_used():
    """β and the gain at the age of the bot's quotes are those of the market, of each half hour by itself."""
    truth = LedMarket(lead_s=0.6, telling=0.9)
    for seed in range(3):
        tape, _ = truth.simulate(seed=seed, seconds=1800)
        worth = anchor_worth(observe(tape, truth.tick), truth.tick, 450)
        gain = worth.gain.per_fill
        assert worth.gain.is_sure
        assert worth.imbalance.value == pytest.approx(truth.imbalance_response, rel=0.15)
        assert worth.imbalance.low < truth.imbalance_response < worth.imbalance.high
        assert gain is not None
        assert gain.value == pytest.approx(truth.imbalance_gain(BP, 0.45), rel=0.4)
        assert worth.leader is None
        assert worth.is_recent(tape.end_ms + 119_000)
        assert not worth.is_recent(tape.end_ms + 120_000)


def test_sizes_that_tell_nothing_are_not_used():
    """Of twenty half hours one may be sure by chance."""
    found = []
    for seed in range(20):
        tape, _ = LED.simulate(seed=seed, seconds=1800)
        found.append(anchor_worth(observe(tape, LED.tick), LED.tick, 450))
    assert sum(worth.gain.is_sure for worth in found) <= 1
    assert (
        max(abs(worth.imbalance.value) for worth in found) < 0.1 * LedMarket(lead_s=0.6, telling=0.9).imbalance_response
    )


@pytest.mark.parametrize("depth", [4.0, 4.1, 4.13, 3.85])
@pytest.mark.parametrize("ticks", [0.02, 0.3, 0.8])
def test_rounding_outwards_is_no_gain(ticks, depth):
    """Sizes that tell nothing, prices on a wide grid, quotes that stood on it: an anchor must not make them wider."""
    tick = 0.1
    for seed in range(4):
        tape, _ = LED.simulate(seed=seed, seconds=3600)
        quotes = tape.quotes
        bid = np.floor(quotes.bid_price / tick) * tick
        tape = tape._replace(quotes=quotes._replace(bid_price=bid, ask_price=bid + 2 * tick))
        known = Coefficients(np.array([0]), np.array([[ticks * tick]]))
        signs = Signs(BestQuotes.of(tape.quotes))
        (gain,) = gains(signs, observe(tape, tick).orders, Placement(depth * tick, tick), known, (0,))
        assert gain.per_fill is not None
        assert gain.per_fill.value < 0.03 * tick


def test_a_leader_is_judged_beside_the_imbalance():
    """Its lead, γ and what both are worth; the gain of the imbalance alone stays what it was."""
    tape, leader = LED.simulate(seed=1, seconds=1800)
    observed = observe(tape, LED.tick)
    worth = anchor_worth(observed, LED.tick, 450, HeardLeader("ETH of binanceusdm", BestQuotes.of(leader).every_step()))
    assert worth.leader is not None
    assert worth.leader.lead_s is not None
    assert worth.leader.lead_s.value == pytest.approx(0.6, abs=0.1)
    assert worth.leader.response.value == pytest.approx(LED.response, abs=0.1)
    assert worth.leader.gain.is_sure
    assert worth._replace(leader=None) == anchor_worth(observed, LED.tick, 450)


def test_a_window_without_quotes_is_anchored_at_nothing():
    """Nothing is known of it."""
    tape, _ = LED.simulate(seed=1, seconds=60)
    worth = anchor_worth(observe(tape, LED.tick).between(120_000, 180_000), LED.tick, 450)
    assert (worth.imbalance.value, worth.gain.per_fill, worth.gain.is_sure) == (0.0, None, False)
