"""A calibration whose volatility looks ahead."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import infer_increments
from calibration.observation.observations import observe
from calibration.volatility.applied import with_forecast
from calibration.volatility.model import VolatilityModel
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

HIGH = VolatilityModel(0.0, (0.0, 0.0, 0.0), 1.0)  # a relative variance of one in a minute, whatever came before


@pytest.fixture(scope="module")
def calibrated():
    """Half an hour of a simulated market, observed and calibrated."""
    tape = simulate_tape(default_truths(["ETH"])[0], seed=5, seconds=1800)
    increments = infer_increments(tape.quotes)
    observed = observe(tape, increments.tick)
    return calibrate_observed(observed, increments, Settings()), observed.seconds


def test_without_a_model_nothing_changes(calibrated):
    """The forecast is an option."""
    calibration, seconds = calibrated
    assert with_forecast(calibration, seconds, None) is calibration


def test_a_wild_forecast_moves_volatility_by_its_bound_and_nothing_else(calibrated):
    """Half the weight, twice the statistical volatility: σ·√(½ + ½·4)."""
    calibration, seconds = calibrated
    changed = with_forecast(calibration, seconds, HIGH)
    assert changed.volatility == pytest.approx(calibration.volatility * np.sqrt(2.5))
    assert replace(changed, volatility=calibration.volatility) == calibration


def test_the_latest_minutes_are_what_counts(calibrated):
    """A model of the last five minutes says what they say."""
    calibration, seconds = calibrated
    recent = VolatilityModel(0.0, (1.0, 0.0, 0.0), 1.0)
    mids = seconds.mid[-301::60]
    variance = np.mean(np.diff(np.log(mids)) ** 2)
    forecast = calibration.mid * np.sqrt(variance / 60)
    clipped = np.clip(forecast, calibration.volatility / 2, calibration.volatility * 2)
    expected = np.sqrt((calibration.volatility**2 + clipped**2) / 2)
    assert with_forecast(calibration, seconds, recent).volatility == pytest.approx(expected)


def test_where_the_minutes_were_not_observed_the_statistical_estimate_stands(calibrated):
    """A hole in the last 25 minutes leaves nothing to forecast from."""
    calibration, seconds = calibrated
    mids = seconds.mid.copy()
    mids[-601] = np.nan
    assert with_forecast(calibration, replace(seconds, mid=mids), HIGH) is calibration
    assert with_forecast(calibration, seconds.between(seconds.start_s, seconds.start_s + 600), HIGH) is calibration
