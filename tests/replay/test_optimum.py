"""Where the assumptions of the model hold, a replay of its table earns what the equation of the model promises."""

import numpy as np
import pytest

from tests.replay.optimum import (
    BASIS_POINT,
    FURTHER,
    HALF_SPREAD_BPS,
    NEARER,
    NO_SKEW,
    OPTIMUM,
    Promise,
    growth_of,
    makers,
    tape,
    truth,
    worth,
)

PARTS, SECONDS = 6, 1200.0


@pytest.fixture(scope="module")
def promise():
    return Promise(truth().order_flow())


@pytest.fixture(scope="module")
def worths(promise, tmp_path_factory):
    """What each maker was worth on the same independent parts of the market."""
    pytest.importorskip("hftbacktest")
    folder = tmp_path_factory.mktemp("optimum")
    tapes = [tape(folder, seed, SECONDS) for seed in range(1, PARTS + 1)]
    return {name: np.array([worth(maker, of)[0] for of in tapes]) for name, maker in makers(promise).items()}


def test_the_growth_of_the_solver_is_that_of_the_chain_of_inventory(promise):
    """The solver states it from the equation, the chain from how often each inventory is held."""
    assert growth_of(promise.flow, promise.depths[OPTIMUM]) == pytest.approx(promise.growth, rel=1e-9)


def test_no_depth_of_the_table_can_be_moved_with_gain(promise):
    best = promise.depths[OPTIMUM]
    for side in best:
        for column in np.flatnonzero(np.isfinite(side)):
            kept = side[column]
            for factor in (0.97, 1.03):
                side_moved = best.map(np.copy)
                (side_moved.bid if side is best.bid else side_moved.ask)[column] = kept * factor
                assert growth_of(promise.flow, side_moved) < promise.growth


def test_no_maker_quotes_nearer_than_the_book(promise):
    """There the rate of fills of the model is an extrapolation, and this market's is another."""
    for depths in promise.depths.values():
        assert all(np.nanmin(side) > HALF_SPREAD_BPS * BASIS_POINT for side in depths)


@pytest.mark.parametrize("name", [OPTIMUM, NEARER, FURTHER, NO_SKEW])
def test_a_replay_earns_what_theory_says(promise, worths, name):
    """The long form, with 200 hours, is benchmarks/replay_optimum.py."""
    expected = growth_of(promise.flow, promise.depths[name])
    error = np.std(worths[name], ddof=1) / np.sqrt(PARTS)
    assert np.mean(worths[name]) == pytest.approx(expected, abs=3 * error)
    assert error < 0.05 * promise.growth


@pytest.mark.parametrize("name", [NEARER, FURTHER, NO_SKEW])
def test_other_depths_earn_less_on_the_same_market(worths, name):
    less = worths[OPTIMUM] - worths[name]
    assert np.mean(less) > 2 * np.std(less, ddof=1) / np.sqrt(PARTS)
