"""The slope of adverse selection with depth is drawn towards what it usually is, without a threshold."""

import numpy as np
import pytest

from calibration.estimators.best_quotes import BestQuotes
from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.seconds import Seconds
from calibration.flow.impact import impact
from calibration.observation.observations import ObservedWindow

SECONDS = 1800


def window(slope: float, noise: float, number: int, seed: int = 1) -> ObservedWindow:
    """Orders of both directions that reach one to ten ticks; mid then moves by `slope` times that, give or take."""
    random = np.random.default_rng(seed)
    ticks = random.integers(1, 11, number)
    orders = MarketOrders(
        time_ms=np.sort(random.integers(1, 1000 * SECONDS, number)),
        sign=np.where(np.arange(number) % 2, 1, -1).astype(np.int8),
        reach=0.5 + ticks.astype(float),
        ticks_through=ticks.astype(np.int32),
        mid=np.full(number, 100.0),
        markout=slope * ticks + noise * random.normal(size=number),
    )
    ones = np.ones(SECONDS)
    return ObservedWindow(
        orders,
        Seconds(0, 100 * ones, 0.5 * ones, ones, np.full((SECONDS, 4, 3), 100.0)),
        BestQuotes(np.empty(0, np.int64), np.empty(0), np.empty(0, np.float32)),
        np.empty((0, 2), np.int64),
        0,
        1000 * SECONDS,
    )


def slope_of(observed: ObservedWindow) -> float:
    """θ of buys."""
    return impact(observed, 0.5, 1.0).slope.buy.value


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.7])
def test_many_orders_tell_the_slope(slope):
    """Also one of nought, though recorded markets have none."""
    assert slope_of(window(slope, 1.0, 4000)) == pytest.approx(slope, abs=0.05)


def test_few_orders_leave_the_usual_slope_and_there_is_no_threshold():
    """Without data a half; with ever more noise the estimate goes there smoothly, and never to zero at once."""
    assert slope_of(window(0.2, 1.0, 2)) == 0.5
    values = [slope_of(window(0.2, noise, 60)) for noise in np.geomspace(0.1, 30, 60)]
    assert values[0] == pytest.approx(0.2, abs=0.03)
    assert values[-1] == pytest.approx(0.5, abs=0.05)
    assert np.abs(np.diff(values)).max() < 0.06
    assert min(values) > 0.1


def test_the_slope_stays_where_a_quote_keeps_something_of_its_depth():
    """A market in which mid moves further than the order reached is quoted as if it took four fifths."""
    found = impact(window(1.5, 0.5, 4000), 0.5, 1.0).slope.buy
    assert found.value == 0.8
    assert found.low <= 0.8 <= found.high
