"""Draws of the true market around what was estimated."""

import numpy as np
import pytest

from calibration.estimators.estimate import Estimate, FlowEstimates
from calibration.scanning.uncertainty import Draws
from market_making.market.sides import Direction
from market_making.quoting.value.cartea_jaimungal import FillArrays

TAIL_START = 0.3
DECAY = Estimate(2.5, 2.0, 3.2, 100)
IMPACT = Estimate(0.4, 0.3, 0.6, 100)
SLOPE = Estimate(0.2, 0.0, 0.3, 100)
ESTIMATED = FillArrays(*(np.array([value]) for value in (0.8, 2.5, 0.5, 0.1, 0.8)))


def estimates(intensity=Estimate(0.8, 0.5, 1.3, 100), **others):  # noqa: B008 - it is immutable
    """A direction; λ and ε over all orders play no part."""
    any_number = Estimate(1.0, 1.0, 1.0, 1)
    chosen = {"decay": DECAY, "impact": IMPACT, "slope": SLOPE} | others
    return FlowEstimates(any_number, chosen["decay"], intensity, any_number, chosen["impact"], chosen["slope"])


def drawn(**changed):
    """Twenty thousand markets that may be the true one."""
    return Draws.of(20_000).fills(Direction.BUY, estimates(**changed), ESTIMATED, TAIL_START)


def share_outside(values, estimate):
    """Share of the draws below and above an interval."""
    return (values < estimate.low).mean(), (values > estimate.high).mean()


@pytest.mark.parametrize("estimate", [DECAY, Estimate(2.5, 2.4, 9.0, 20)])
def test_a_draw_is_outside_its_interval_in_five_of_a_hundred_cases(estimate):
    """Half of them on each side, and the median is the estimate, however lopsided the interval."""
    decay = drawn(decay=estimate).decay
    assert np.median(decay) == pytest.approx(estimate.value, rel=0.02)
    np.testing.assert_allclose(share_outside(decay, estimate), 0.025, atol=0.004)


def test_the_cost_of_a_fill_is_drawn_from_the_interval_of_the_impact():
    """Where the slope is known, the cost moves by the error of ε alone."""
    cost = drawn(slope=Estimate(0.2, 0.2, 0.2, 9)).cost - ESTIMATED.cost + IMPACT.value
    np.testing.assert_allclose(share_outside(cost, IMPACT), 0.025, atol=0.004)


def test_a_steeper_slope_turns_the_cost_around_the_floor():
    """The mean impact beyond the touch is what was measured: its slope does not change it there."""
    fills = drawn(impact=Estimate(0.4, 0.4, 0.4, 9))
    at_floor = fills.proceeds * ESTIMATED.floor - fills.cost
    np.testing.assert_allclose(at_floor, (ESTIMATED.proceeds * ESTIMATED.floor - ESTIMATED.cost)[0])
    assert np.ptp(fills.proceeds) > 0.1


def test_an_error_of_the_decay_turns_the_rate_around_where_it_was_seen():
    """At the start of the tail the rate does not depend on κ, and is surer than A."""
    fills = drawn()
    seen = np.log(fills.intensity) - fills.decay * TAIL_START
    assert abs(np.corrcoef(seen, fills.decay)[0, 1]) < 0.02
    assert np.std(seen) < np.std(np.log(fills.intensity))


def test_the_rate_at_mid_keeps_its_published_interval():
    """What κ and the observed rate contribute makes up the interval of A."""
    intensity = Estimate(0.8, 0.5, 1.28, 100)
    np.testing.assert_allclose(share_outside(drawn().intensity, intensity), 0.025, atol=0.006)


def test_without_uncertainty_every_draw_is_the_estimate():
    """Intervals of no width give the market that was estimated."""
    sure = {"decay": DECAY, "intensity": Estimate(0.8, 0.8, 0.8, 9), "impact": IMPACT, "slope": SLOPE}
    sure = {name: Estimate(one.value, one.value, one.value, 9) for name, one in sure.items()}
    for values, wanted in zip(drawn(**sure), ESTIMATED, strict=True):
        np.testing.assert_allclose(values, wanted[0])


def test_a_rate_that_may_be_zero_stays_positive():
    """An interval that reaches zero makes the rate very uncertain, not negative."""
    intensity = drawn(intensity=Estimate(0.01, 0.0, 0.2, 3)).intensity
    assert (intensity > 0).all()
    assert np.quantile(intensity, 0.025) < 1e-4


def test_the_same_draws_come_again():
    """Two scans of the same market give the same intervals; the directions are drawn apart."""
    one, again = (Draws.of(50).fills(Direction.BUY, estimates(), ESTIMATED, TAIL_START) for _ in range(2))
    np.testing.assert_array_equal(one.cost, again.cost)
    other = Draws.of(50).fills(Direction.SELL, estimates(), ESTIMATED, TAIL_START)
    assert (one.cost != other.cost).all()
