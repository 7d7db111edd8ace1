"""Quotes on the grid of seconds, and the volatility that comes of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.estimators.coverage import unobserved
from calibration.estimators.seconds import Seconds, seconds
from calibration.estimators.volatility import volatility
from calibration.observation.observations import observe
from market_making.market.errors import NotEnoughData

quote_rows = st.lists(
    st.tuples(st.integers(1, 20_000), st.integers(90, 99), st.integers(100, 110)), min_size=2, max_size=30,
    unique_by=lambda row: row[0],
).map(sorted)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(rows=quote_rows, gap=st.tuples(st.integers(0, 20_000), st.integers(1, 4_000)))
def test_each_second_agrees_with_looking_at_every_millisecond(make_tape, rows, gap):
    """Mid at its end and in its quarters, the half-spread's integral and observed time: a walk through all ms."""
    tape = make_tape(rows, gaps=[(gap[0], gap[0] + gap[1])], end_ms=20_500)
    gaps = unobserved(tape)
    grid = seconds(tape.quotes, gaps, tape.start_ms, tape.end_ms)

    def is_lost(time_ms: int) -> bool:
        return any(start < time_ms <= end for start, end in gaps.tolist())

    def mid_at(time_ms: int) -> float:
        _, bid, ask = [row for row in rows if row[0] <= time_ms][-1]
        return (bid + ask) / 2

    for index in range(len(grid.mid)):
        first = (grid.start_s + index) * 1000
        half, known = 0.0, 0
        for t in range(first + 1, first + 1001):
            before = [row for row in rows if row[0] < t]
            if not is_lost(t):
                half, known = half + (before[-1][2] - before[-1][1]) / 2, known + 1
        assert grid.half_spread[index] == pytest.approx(half / 1e3)
        assert grid.observed[index] == pytest.approx(known / 1e3)
        assert np.array_equal(grid.mid[index], grid.quarters[index, 3, 0], equal_nan=True)
        for quarter, (end, low, high) in enumerate(grid.quarters[index].tolist()):
            last = first + 250 * (quarter + 1)
            mids = [mid_at(t - 1) for t in range(last - 249, last + 1) if not is_lost(t)]
            assert (low, high) == (min(mids, default=np.inf), max(mids, default=-np.inf))
            assert np.isnan(end) if is_lost(last) else end == mid_at(last)


def test_two_parts_of_a_window_are_the_window(half_hour, increments):
    """Reducing two halves with their lead and joining them gives the whole, number for number."""
    whole = observe(half_hour, increments.tick)
    middle = half_hour.start_ms + 900_000
    parts = whole.between(half_hour.start_ms, middle).followed_by(whole.between(middle, half_hour.end_ms))
    np.testing.assert_array_equal(parts.seconds.mid, whole.seconds.mid)
    np.testing.assert_array_equal(parts.seconds.half_spread, whole.seconds.half_spread)
    np.testing.assert_array_equal(parts.seconds.quarters, whole.seconds.quarters)
    np.testing.assert_array_equal(parts.orders.markout, whole.orders.markout)
    assert parts.exposure_s == whole.exposure_s


def grid_of(mid: np.ndarray) -> Seconds:
    """A grid with these mids."""
    return Seconds(0, mid, np.ones(len(mid)), np.ones(len(mid)), np.tile(mid[:, np.newaxis, np.newaxis], (4, 3)))


def test_no_move_is_booked_over_a_gap():
    """A jump between two observed stretches is not volatility."""
    mid = np.r_[np.zeros(100), np.nan, np.full(100, 1000.0)]
    assert volatility(grid_of(mid), 1e-9).value < 1e-9


def test_volatility_of_a_random_walk_is_recovered_with_its_interval():
    """In 200 random walks the interval holds the true σ about 95 times of a hundred."""
    random = np.random.default_rng(0)
    results = [volatility(grid_of(np.cumsum(random.normal(0, 0.3, 1800))), 1e-9) for _ in range(200)]
    assert np.mean([r.value for r in results]) == pytest.approx(0.3, rel=0.01)
    assert 0.88 <= np.mean([r.low <= 0.3 <= r.high for r in results]) <= 1.0


def test_volatility_is_never_below_what_the_tick_hides_and_scales_with_price():
    """A flat market has the floor of its tick; prices times ten give ten times the volatility."""
    assert volatility(grid_of(np.zeros(100)), 0.6).value == pytest.approx(0.01)
    walk = np.cumsum(np.random.default_rng(1).normal(size=500))
    assert volatility(grid_of(10 * walk), 1e-9).value == pytest.approx(10 * volatility(grid_of(walk), 1e-9).value)


def test_a_few_seconds_are_not_enough():
    """The message says how many seconds there were."""
    with pytest.raises(NotEnoughData, match="need 10 s"):
        volatility(grid_of(np.zeros(8)), 1.0)
