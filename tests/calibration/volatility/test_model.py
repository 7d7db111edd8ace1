"""The forecast of volatility and what judges it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.volatility.model import (
    AHEAD,
    SPANS,
    VolatilityModel,
    blended,
    ewma_variance,
    fit,
    qlike,
    realised,
    targets,
)
from market_making.market.errors import NotEnoughData


def persistent_returns(minutes: int, seed: int) -> np.ndarray:
    """Returns whose log variance is a slow autoregression: the kind of market in which looking back pays."""
    draw = np.random.default_rng(seed)
    level, levels = 0.0, []
    for shock in draw.normal(0, 0.25, minutes):
        level = 0.98 * level + shock
        levels.append(level)
    return draw.normal(0, 1e-3, minutes) * np.exp(np.array(levels) / 2)


def test_what_was_known_and_what_came_do_not_overlap():
    """Changing a return changes the targets before it and the knowledge from it on, nothing else."""
    returns = persistent_returns(200, 1)
    changed = returns.copy()
    changed[100] *= 5
    last = max(SPANS)
    known = np.flatnonzero((realised(returns) != realised(changed)).any(axis=1)) + last - 1
    came = np.flatnonzero(targets(returns) != targets(changed)) + last - 1
    assert (known.min(), known.max()) == (100, 100 + last - 1)
    assert (came.min(), came.max()) == (100 - AHEAD, 99)


def test_a_known_rule_is_found_again():
    """Where the next variance follows the regression exactly, least squares returns its coefficients."""
    past = np.random.default_rng(2).normal(-14, 1, (1000, 3))
    rule = VolatilityModel(-1.0, (0.5, 0.3, 0.1), 1.0)
    found = fit(past, rule.variance(past))
    assert found.constant == pytest.approx(rule.constant, abs=1e-8)
    assert found.weights == pytest.approx(rule.weights, abs=1e-9)
    assert found.correction == pytest.approx(1.0)


def test_the_forecast_is_right_on_average():
    """Realised over forecast has mean one on the rows it was fitted to."""
    returns = persistent_returns(4000, 3)
    past, ahead = realised(returns), targets(returns)
    model = fit(past[: len(ahead)], ahead)
    assert np.mean(ahead / model.variance(past[: len(ahead)])) == pytest.approx(1.0)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=20), st.floats(0.01, 100))
def test_qlike_is_zero_only_for_the_truth(values, factor):
    """A perfect forecast scores zero; a wrong one scores more."""
    ahead = np.array(values)
    assert qlike(ahead, ahead) == pytest.approx(0.0, abs=1e-12)
    assert qlike(ahead, ahead * factor) >= 0


@given(st.floats(1e-6, 10), st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 5))
def test_a_blend_stays_near_the_statistical_volatility(statistical, variance, weight):
    """At most half the weight and within half and twice: no forecast, however wild, moves it further than that."""
    result = blended(statistical, variance, 100.0, weight)
    assert np.sqrt(0.5 + 0.125) * statistical * (1 - 1e-9) <= result <= np.sqrt(0.5 + 2) * statistical * (1 + 1e-9)


def test_a_forecast_that_agrees_changes_nothing():
    """The unit of the forecast is the relative variance of a minute."""
    assert blended(0.5, 60 * (0.5 / 3000) ** 2, 3000.0) == pytest.approx(0.5)


def test_too_few_minutes_are_counted():
    """The message says how many there are and how many are needed."""
    with pytest.raises(NotEnoughData, match="12 one-minute returns, need 25"):
        realised(np.zeros(12))
    with pytest.raises(NotEnoughData, match="3 rows to learn from, need 500"):
        fit(np.zeros((3, 3)), np.ones(3))


def test_the_exponential_average_knows_nothing_of_what_comes():
    """A later return does not change an earlier value."""
    returns = persistent_returns(100, 4)
    longer = np.r_[returns, 1.0]
    assert ewma_variance(longer)[:-1] == pytest.approx(ewma_variance(returns), rel=0, abs=0)
