"""Training of the volatility forecast and its file."""

import json

import numpy as np
import pytest

from calibration.volatility.training import MINUTE_MS, read_volatility, train
from market_making.market.errors import InvalidParameters, NotEnoughData


def candles(minutes: int, *, persistence: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Closes of a market whose log variance follows an autoregression."""
    draw = np.random.default_rng(seed)
    level, levels = 0.0, []
    for shock in draw.normal(0, 0.25, minutes):
        level = persistence * level + shock
        levels.append(level)
    returns = draw.normal(0, 1e-3, minutes) * np.exp(np.array(levels) / 2)
    return np.arange(minutes) * MINUTE_MS, 100 * np.exp(np.cumsum(returns))


def test_a_market_with_memory_is_forecast_better_than_by_the_average(tmp_path):
    """Out of sample the regression beats the exponential average, and its file gives the same model back."""
    trained = train("ETH", *candles(6000, persistence=0.9))
    assert trained.is_better
    trained.write(tmp_path)
    assert read_volatility(tmp_path, "ETH") == trained.model


def test_what_is_judged_was_not_learned_from():
    """Other prices in the last fifth change the score and not the model."""
    open_ms, close = candles(3000, persistence=0.9)
    other = close.copy()
    other[2400:] *= np.exp(np.cumsum(np.random.default_rng(9).normal(0, 5e-3, 600)))
    one, two = train("ETH", open_ms, close), train("ETH", open_ms, other)
    assert one.model == two.model
    assert one.qlike != two.qlike


def test_no_return_is_taken_over_a_hole():
    """A price that jumps during a hole of the candles leaves the model as it is."""
    open_ms, close = candles(3000, persistence=0.9)
    open_ms = np.r_[open_ms[:1000], open_ms[1000:] + 50 * MINUTE_MS]
    jumped = np.r_[close[:1000], close[1000:] * 2]
    one, two = train("ETH", open_ms, close).model, train("ETH", open_ms, jumped).model
    assert one.weights == pytest.approx(two.weights, rel=1e-6)


def test_too_few_candles_are_counted():
    """The message says what was seen and what is needed."""
    with pytest.raises(NotEnoughData, match="none in a run of 31"):
        train("ETH", *candles(20, persistence=0.9))
    with pytest.raises(NotEnoughData, match="rows to learn from, need 500"):
        train("ETH", *candles(100, persistence=0.9))


def test_without_a_file_there_is_no_forecast(tmp_path):
    """The forecast is an option."""
    assert read_volatility(tmp_path, "ETH") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "2.0"}, "schema"),
        ({"coin": "BTC"}, "got BTC"),
        ({"qlike": 9.0}, "is not below"),
        ({"weights": [1, 2]}, "weights"),
    ],
)
def test_a_file_that_must_not_be_used_is_refused_with_the_reason(tmp_path, change, said):
    """Another version or coin, a torn file, or a forecast that lost."""
    path = train("ETH", *candles(6000, persistence=0.9)).write(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidParameters, match=said):
        read_volatility(tmp_path, "ETH")


def test_a_torn_file_is_refused(tmp_path):
    """Half a document is no forecast."""
    path = train("ETH", *candles(6000, persistence=0.9)).write(tmp_path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(InvalidParameters, match=r"ETH\.json"):
        read_volatility(tmp_path, "ETH")
