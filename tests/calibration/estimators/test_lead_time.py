"""How long another market moves first: found where it is known, not found in noise, and by which clock."""

import numpy as np
import pytest

from calibration.estimators.lead_time import lead_time
from market_making.market.errors import NotEnoughData
from market_making.market.tape import QuoteTape
from market_making.simulation.led_market import LedMarket

MINUTES = 10


def pair(lead_s: float, seed: int = 1, minutes: float = MINUTES) -> tuple[QuoteTape, QuoteTape]:
    tape, leader = LedMarket(lead_s=lead_s).simulate(seed=seed, seconds=60 * minutes)
    return tape.quotes, leader


def thinned(quotes: QuoteTape, seed: int) -> QuoteTape:
    """A third of the quotes, at times of their own, as venues send them."""
    kept = np.sort(np.random.default_rng(seed).permutation(len(quotes.time_ms))[: len(quotes.time_ms) // 3])
    return QuoteTape(*(column[kept] for column in quotes))


@pytest.mark.parametrize("lead_s", [0.1, 0.6, 1.0])
def test_a_known_lead_is_found(lead_s):
    """To the step of the grid, and it is ahead."""
    found = lead_time(*pair(lead_s))
    assert found is not None
    assert found.lead_s.value == pytest.approx(lead_s)
    assert found.is_ahead


def test_quotes_at_different_times_hide_no_lead():
    """Three quotes in 450 ms on each side: within a step of the grid."""
    quotes, leader = pair(0.6)
    found = lead_time(thinned(quotes, 1), thinned(leader, 2))
    assert found is not None
    assert found.lead_s.low <= 0.65
    assert found.lead_s.high >= 0.55
    assert found.lead_s.value == pytest.approx(0.6, abs=0.051)


def test_the_one_that_follows_has_a_negative_lead():
    """The same pair the other way round."""
    quotes, leader = pair(0.6)
    found = lead_time(leader, quotes)
    assert found is not None
    assert found.lead_s.value == pytest.approx(-0.6)
    assert not found.is_ahead


def test_two_that_move_at_once_have_none_that_is_ahead():
    """Together, but neither first."""
    found = lead_time(*pair(0.0))
    assert found is not None
    assert found.lead_s.value == 0
    assert not found.is_ahead


def test_a_clock_that_is_late_shortens_the_lead():
    """The leader's quotes come 200 ms later."""
    quotes, leader = pair(0.6)
    late = leader._replace(time_ms=leader.time_ms + 200)
    found = lead_time(quotes, late)
    assert found is not None
    assert found.lead_s.value == pytest.approx(0.4)


def test_in_noise_no_lead_is_found():
    """Twenty pairs that have nothing to do with each other."""
    strangers = [(pair(0.0, seed)[0], pair(0.0, 100 + seed)[0]) for seed in range(20)]
    assert [lead_time(*pair) for pair in strangers] == [None] * 20


def test_a_market_that_does_not_move_has_no_lead():
    """Nothing to correlate."""
    quotes, leader = pair(0.6)
    still = quotes._replace(bid_price=np.full_like(quotes.bid_price, 1.0), ask_price=np.full_like(quotes.mid, 2.0))
    assert lead_time(still, leader) is None


@pytest.mark.parametrize("shift_ms", [0, 3_600_000])
def test_too_little_in_common_is_refused(shift_ms):
    """Two minutes, or hours apart."""
    quotes, leader = pair(0.6, minutes=2)
    with pytest.raises(NotEnoughData, match="recorded for 3 minutes at once"):
        lead_time(quotes, leader._replace(time_ms=leader.time_ms + shift_ms))
