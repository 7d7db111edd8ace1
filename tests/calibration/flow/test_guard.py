"""Bounds, limits of change, what is carried over, flags and status."""

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.estimators.diagnostics import GoodnessOfFit
from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from calibration.flow.flow import FlowQuality
from calibration.flow.guard import LONGEST_CARRY_MS, LastGood, bounded, carried, judge, limited
from market_making.market.sides import Directions

MID, TICK, START, FEE = 4000.0, 0.1, 0.35, 0.6


def estimate(value: float, n: int = 100, source: EstimateSource = EstimateSource.OK) -> Estimate:
    """An estimate with an interval of ±20 %."""
    return Estimate(value, value - 0.2 * abs(value), value + 0.2 * abs(value), n, source)


FLOW = FlowEstimates(estimate(1.0), estimate(2.0), estimate(0.4), estimate(0.1), estimate(0.5), estimate(0.2))
GOOD = FlowQuality(1.0, GoodnessOfFit(0.05, 0.1))


def quality_of(flow: FlowEstimates = FLOW, quality: FlowQuality = GOOD, share: float = 1.0, tail: float = 3.0):
    """Judge a market with one odd direction."""
    return judge(Directions(flow, FLOW), Directions(quality, GOOD), share, FEE, tail)


@given(value=st.floats(1e-9, 1e9))
def test_decay_stays_where_orders_can_walk(value):
    """Between fifty basis points and a third of a tick, with an interval that holds it."""
    decay = bounded(replace(FLOW, fill_decay=estimate(value)), MID, TICK, START).fill_decay
    assert 1 / (50 * MID / 1e4) <= decay.value <= 3 / TICK
    assert decay.low <= decay.value <= decay.high


@given(value=st.floats(-1e3, 1e3), intensity=st.floats(0, 1e3))
def test_impact_and_intensity_stay_within_reason(value, intensity):
    """Impact from zero to 25 bps, intensity at most twenty times the rate of orders."""
    flow = bounded(
        replace(FLOW, adverse_selection=estimate(value), fill_intensity=estimate(intensity)), MID, TICK, START
    )
    assert 0 <= flow.adverse_selection.value <= 25 * MID / 1e4
    assert flow.fill_intensity.value <= 20 * flow.arrival_rate.value


@given(value=st.floats(0.01, 100), elapsed_ms=st.integers(1, 600_000))
def test_no_number_changes_faster_than_a_fifth_in_fifteen_seconds(value, elapsed_ms):
    """The value stays within 1.2 to the power of the elapsed periods, and is the new one where that is nearer."""
    new = replace(FLOW, fill_decay=estimate(value))
    result = limited(new, FLOW, elapsed_ms, TICK, START).fill_decay
    factor = 1.2 ** (elapsed_ms / 15_000)
    assert 2.0 / factor - 1e-9 <= result.value <= 2.0 * factor + 1e-9
    assert result.low <= result.value <= result.high
    if 2.0 / factor <= value <= 2.0 * factor:
        assert result == new.fill_decay


@given(value=st.floats(0.1, 60), share=st.floats(0.01, 0.99))
def test_the_rate_beyond_the_touch_stays_when_its_decay_is_changed(value, share):
    """Whether κ is cut to its bounds, held back or carried over: as many orders reach where the fit begins."""

    def rate(flow: FlowEstimates) -> float:
        return flow.fill_intensity.value * exp(-flow.fill_decay.value * START)

    guess = replace(FLOW, fill_decay=estimate(value, 3, EstimateSource.PRIOR), fill_intensity=estimate(1e-3))
    cut = bounded(guess, MID, TICK, START)
    held = carried(guess, LastGood(0, FLOW), round(share * LONGEST_CARRY_MS), START)
    near = limited(guess, FLOW, 15_000, TICK, START).fill_decay.value
    before = replace(FLOW, fill_intensity=estimate(1e-3 * exp((near - value) * START)))
    slow = limited(guess, before, 15_000, TICK, START)
    for changed in (cut, held, slow):
        assert rate(changed) == pytest.approx(rate(guess))


def test_rates_follow_the_activity_by_three_tenths():
    """In 15 s the rates move by 30 % at most, up and down, whatever else is held back more."""
    new = replace(FLOW, arrival_rate=estimate(9.0), fill_intensity=estimate(0.01))
    result = limited(new, FLOW, 15_000, TICK, START)
    assert result.arrival_rate.value == pytest.approx(1.3)
    assert result.fill_intensity.value == pytest.approx(0.4 / 1.3)


@given(before=st.floats(0, 0.8), slope=st.floats(0, 0.8))
def test_what_a_slope_leaves_of_a_depth_changes_by_a_fifth_at_most(before, slope):
    """A best depth is divided by 1 − θ, so that moves within a factor of 1.2, and θ stays within its bounds."""
    old, new = (replace(FLOW, adverse_selection_slope=Estimate(value, -0.2, 1.0, 9)) for value in (before, slope))
    found = limited(new, old, 15_000, TICK, START).adverse_selection_slope
    assert 1 / 1.2 - 1e-9 <= (1 - found.value) / (1 - before) <= 1.2 + 1e-9
    assert 0 <= found.value <= 0.8
    assert found.low <= found.value <= found.high
    if 1 / 1.2 <= (1 - slope) / (1 - before) <= 1.2:
        assert found == new.adverse_selection_slope


def test_impact_can_start_from_zero():
    """From zero it moves by a fifth of a tick at first."""
    before = replace(FLOW, adverse_selection=estimate(0.0))
    assert limited(FLOW, before, 15_000, TICK, START).adverse_selection.value == pytest.approx(0.2 * TICK)


@pytest.mark.parametrize("elapsed_ms", [0, -5_000, 600_001])
def test_an_old_or_future_calibration_limits_nothing(elapsed_ms):
    """After ten minutes, or when the clock went back, the new numbers stand."""
    new = replace(FLOW, fill_decay=estimate(50.0))
    assert limited(new, FLOW, elapsed_ms, TICK, START) == new


def test_what_is_carried_fades_into_the_prior():
    """The older the last good number, the nearer to the prior; its interval is wider; after half an hour it is gone."""
    guess = replace(FLOW, fill_decay=estimate(8.0, 3, EstimateSource.PRIOR))
    values = [
        carried(guess, LastGood(0, FLOW), round(share * LONGEST_CARRY_MS), START).fill_decay
        for share in (0.01, 0.5, 0.99, 1.01)
    ]
    assert [value.value for value in values] == pytest.approx([2.06, 5.0, 7.94, 8.0])
    assert [value.source for value in values] == [EstimateSource.STALE] * 3 + [EstimateSource.PRIOR]
    assert all(value.high - value.low >= 1.5 * 0.8 for value in values[:3])
    assert carried(FLOW, LastGood(0, guess), 1, START) == FLOW


@pytest.mark.parametrize(
    ("changes", "flag", "status"),
    [
        ({}, None, "ok"),
        ({"flow": replace(FLOW, arrival_rate=estimate(1.0, 9, EstimateSource.PRIOR))}, "too_few_orders_buy", "bad"),
        ({"flow": replace(FLOW, adverse_selection=Estimate(-1.0, -2.0, -0.5, 99))}, "negative_impact_buy", "bad"),
        ({"flow": replace(FLOW, fill_decay=estimate(2.0, 15, EstimateSource.WEAK))}, "weak_tail_buy", "weak"),
        ({"flow": replace(FLOW, adverse_selection_on_fill=estimate(5.0))}, "toxic_buy", "ok"),
        ({"quality": FlowQuality(1.0, GoodnessOfFit(0.2, 0.1))}, "tail_not_exponential_buy", "ok"),
        ({"quality": FlowQuality(9.0, None)}, "clustered_buy", "ok"),
        ({"share": 0.4}, "short_exposure", "weak"),
        ({"tail": 1.5}, "heavy_jumps", "weak"),
    ],
)  # fmt: skip
def test_every_doubt_has_its_flag(changes, flag, status):
    """One oddity, one flag, and the status it deserves."""
    assert quality_of(**changes) == (status, (flag,) if flag else ())
