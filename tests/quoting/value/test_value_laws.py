"""Laws of the value function: against independent oracles, and symmetries that hold for every flow."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from market_making.market.errors import InvalidFlow, NoSolution
from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.finite_horizon import finite_horizon
from market_making.quoting.value.stationary import stationary


def one(values) -> float:
    """The entry of a single coin."""
    return float(np.broadcast_to(values, (1,))[0])


def plain(side: Fills) -> tuple[float, float, float, float, float]:
    """Intensity, decay, cost, floor and proceeds as numbers."""
    return one(side.intensity), one(side.decay), one(side.cost), one(side.floor), one(side.proceeds)


def rescaled(problem: ValueProblem, factor: float) -> ValueProblem:
    """The problem in another unit of price."""

    def fills(side: Fills) -> Fills:
        intensity, decay, cost, floor, proceeds = plain(side)
        return Fills(intensity, decay / factor, cost * factor, floor * factor, proceeds)

    penalty, drift = one(problem.running_penalty) * factor, one(problem.drift) * factor
    return ValueProblem(fills(problem.ask), fills(problem.bid), problem.maximum_inventory, penalty, drift)


def length(problem: ValueProblem) -> float:
    """A depth to compare with [price]."""
    return 1 / one(problem.ask.decay) + 1 / one(problem.bid.decay)


def earned(problem: ValueProblem, ask_depth: np.ndarray, bid_depth: np.ndarray) -> float:
    """Long-run income of any table of depths, from the stationary distribution of the inventory it leads to."""
    n = len(problem.inventory)
    generator, income = np.zeros((n, n)), one(problem.drift) * problem.inventory.astype(float)
    income -= one(problem.running_penalty) * problem.inventory**2
    for i in range(n):
        for side, depth, step in ((problem.ask, ask_depth[i], -1), (problem.bid, bid_depth[i], +1)):
            if 0 <= i + step < n:
                intensity, decay, cost, _, proceeds = plain(side)
                rate = intensity * np.exp(-decay * depth)
                generator[i, i + step] += rate
                generator[i, i] -= rate
                income[i] += rate * (proceeds * depth - cost)
    balance = np.vstack([generator.T, np.ones(n)])
    share = np.linalg.lstsq(balance, np.append(np.zeros(n), 1.0), rcond=None)[0]
    return float(share @ income)


@given(problem=st.from_type(ValueProblem), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_no_other_table_earns_more(problem, seed):
    """The quotes earn the growth that the solver states; shifted at random they earn no more."""
    solution = stationary(problem).required()
    ask, bid = solution.depths.ask[0], solution.depths.bid[0]
    scale = abs(solution.growth[0]) + one(problem.ask.intensity) * length(problem)
    assert earned(problem, ask, bid) == pytest.approx(solution.growth[0], abs=1e-6 * scale)
    noise = np.random.default_rng(seed).normal(0, 0.2 * length(problem), (2, len(ask)))
    others = np.maximum(ask + noise[0], plain(problem.ask)[3]), np.maximum(bid + noise[1], plain(problem.bid)[3])
    assert earned(problem, *others) <= solution.growth[0] + 1e-6 * scale


@given(problem=st.from_type(ValueProblem), gain=st.floats(-3, 3))
def test_income_is_the_best_over_all_depths(problem, gain):
    """H(p) is the supremum over a fine grid of depths that respect the floor, and the stated depth attains it."""
    side = problem.ask
    intensity, decay, cost, floor, proceeds = plain(side)
    gain /= decay
    arrays = side.arrays(1)
    best, rate = arrays.income(np.array([gain]))
    start = max(floor, -5 / decay + (cost - gain) / proceeds)
    depths = start + np.linspace(0, 15 / decay, 20_001)
    grid = intensity * np.exp(-decay * depths) * (proceeds * depths - cost + gain)
    assert grid.max() == pytest.approx(best[0], rel=1e-6, abs=1e-12)
    depth = arrays.depth(np.array([gain]))[0]
    assert intensity * np.exp(-decay * depth) == pytest.approx(rate[0], rel=1e-9)
    assert depth >= floor


@given(
    rates=st.tuples(st.floats(0.05, 3), st.floats(0.05, 3)),
    costs=st.tuples(st.floats(0, 1.5), st.floats(0, 1.5)),
    penalty=st.floats(0, 0.3),
    maximum_inventory=st.integers(1, 6),
)
@settings(max_examples=40)
def test_equal_decays_are_a_matrix_exponential(rates, costs, penalty, maximum_inventory):
    """With one κ, no floor and no fee, exp(κh) is linear: exp(A τ) applied to the end."""
    decay, end, time_left = 5.0, 0.01, 40.0
    ask, bid = (Fills(rate, decay, cost / decay) for rate, cost in zip(rates, costs, strict=True))
    problem = ValueProblem(ask, bid, maximum_inventory, penalty / decay, 0.003)
    q = problem.inventory
    matrix = np.diag(decay * (0.003 * q - penalty / decay * q**2.0))
    matrix += np.diag(np.full(len(q) - 1, rates[0] * np.exp(-1 - costs[0])), -1)
    matrix += np.diag(np.full(len(q) - 1, rates[1] * np.exp(-1 - costs[1])), 1)
    exact = np.log(expm(matrix * time_left) @ np.exp(-end * decay * q**2.0)) / decay
    solution = finite_horizon(problem, end, [time_left], tolerance=1e-9)
    np.testing.assert_allclose(solution.value[0, 0], exact - exact[maximum_inventory], atol=1e-8)
    assert solution.value_at_zero[0, 0] == pytest.approx(exact[maximum_inventory], abs=1e-7)
    growth = np.linalg.eigvals(matrix).real.max() / decay
    assert stationary(problem).growth[0] == pytest.approx(growth, abs=1e-11)


def written_out(problem: ValueProblem):
    """The equation of h, inventory by inventory, as an independent program would write it."""

    def growth(_, h):
        result = one(problem.drift) * problem.inventory - one(problem.running_penalty) * problem.inventory**2.0
        for i in range(len(h)):
            for side, step in ((problem.ask, -1), (problem.bid, +1)):
                if 0 <= i + step < len(h):
                    intensity, decay, cost, floor, proceeds = plain(side)
                    gain = h[i + step] - h[i]
                    depth = max(floor, 1 / decay + (cost - gain) / proceeds)
                    result[i] += intensity * np.exp(-decay * depth) * (proceeds * depth - cost + gain)
        return result

    return growth


@given(problem=st.from_type(ValueProblem), end=st.floats(0, 0.5))
@settings(max_examples=12)
def test_finite_horizon_agrees_with_a_library_integrator(problem, end):
    """Different decays, floors, proceeds and drift: the depths agree with scipy's stiff integrator."""
    problem = replace(problem, maximum_inventory=min(problem.maximum_inventory, 4))
    terminal = end * length(problem) / 10
    time_left = 30 / one(problem.ask.intensity)
    start = -terminal * problem.inventory**2.0
    exact = solve_ivp(
        written_out(problem), (0, time_left), start, method="LSODA", rtol=1e-9, atol=1e-11 * length(problem)
    ).y[:, -1]
    solution = finite_horizon(problem, terminal, [time_left])
    np.testing.assert_allclose(solution.value[0, 0], exact - exact[len(exact) // 2], atol=1e-5 * length(problem))


@given(problem=st.from_type(ValueProblem))
@settings(max_examples=30)
def test_long_horizons_approach_the_stationary_quotes(problem):
    """Far from the end the quotes forget it, and h(τ, 0) rises by the growth."""
    solution = stationary(problem).required()
    time_left = 1e6 / one(problem.ask.intensity)
    far = finite_horizon(problem, 0.0, [time_left, 2 * time_left], tolerance=1e-6)
    np.testing.assert_allclose(far.depths.ask[1, 0], solution.depths.ask[0], atol=1e-4 * length(problem))
    rise = (far.value_at_zero[1, 0] - far.value_at_zero[0, 0]) / time_left
    scale = one(problem.ask.intensity) * length(problem)
    assert rise == pytest.approx(solution.growth[0], abs=1e-4 * scale)


@given(problem=st.from_type(ValueProblem))
def test_swapping_the_sides_mirrors_the_quotes(problem):
    """Ask depths at q equal bid depths at −q when buyers and sellers change roles and the drift its sign."""
    mirrored = replace(problem, ask=problem.bid, bid=problem.ask, drift=-one(problem.drift))
    here, there = stationary(problem), stationary(mirrored)
    np.testing.assert_allclose(here.depths.ask[0], there.depths.bid[0, ::-1], atol=1e-8 * length(problem))
    np.testing.assert_allclose(here.depths.bid[0], there.depths.ask[0, ::-1], atol=1e-8 * length(problem))


@given(problem=st.from_type(ValueProblem), factor=st.floats(0.001, 1000))
def test_depths_follow_the_unit_of_price(problem, factor):
    """Prices times c: depths times c, rates unchanged."""
    here, there = stationary(problem), stationary(rescaled(problem, factor))
    scale = 1e-8 * length(problem) * factor
    np.testing.assert_allclose(here.depths.ask * factor, there.depths.ask, atol=scale)
    np.testing.assert_allclose(here.growth * factor, there.growth, rtol=1e-7, atol=1e-9 * scale)


@given(problem=st.from_type(ValueProblem), penalty=st.floats(1e-4, 0.5))
def test_inventory_moves_both_quotes_down(problem, penalty):
    """The longer the maker, the nearer its ask and the further its bid."""
    penalty *= one(problem.ask.intensity) * length(problem)
    depths = stationary(replace(problem, running_penalty=penalty, drift=0.0)).required().depths
    tolerance = 1e-9 * length(problem)
    assert (np.diff(depths.ask[0, 1:]) <= tolerance).all()
    assert (np.diff(depths.bid[0, :-1]) >= -tolerance).all()


@given(problem=st.from_type(ValueProblem))
def test_bounds_and_floors_hold(problem):
    """No bid at the maximum, no ask at the minimum, a depth everywhere else, none below the floor."""
    depths = stationary(problem).required().depths
    assert np.isnan(depths.bid[0, -1])
    assert np.isnan(depths.ask[0, 0])
    assert (depths.ask[0, 1:] >= one(problem.ask.floor)).all()
    assert (depths.bid[0, :-1] >= one(problem.bid.floor)).all()


@given(problem=st.from_type(ValueProblem), fee=st.floats(0.01, 1.0))
def test_a_fee_costs_and_widens(problem, fee):
    """A higher fee never earns more, and never narrows the spread of a maker without inventory."""
    fee *= length(problem)
    dear = replace(
        problem,
        ask=replace(problem.ask, cost=one(problem.ask.cost) + fee),
        bid=replace(problem.bid, cost=one(problem.bid.cost) + fee),
    )
    cheap_solution, dear_solution = stationary(problem).required(), stationary(dear).required()
    assert dear_solution.growth[0] <= cheap_solution.growth[0] + 1e-12
    centre = problem.maximum_inventory
    spreads = [
        solution.depths.ask[0, centre] + solution.depths.bid[0, centre] for solution in (cheap_solution, dear_solution)
    ]
    assert spreads[1] >= spreads[0] - 1e-9 * length(problem)


def test_a_balanced_market_is_quoted_symmetrically():
    """Equal sides and no drift: ask(q) = bid(−q), with and without a penalty."""
    side = Fills(0.5, 4.0, 0.1, 0.02)
    for penalty in (0.0, 1e-3):
        depths = stationary(ValueProblem(side, side, 5, penalty)).depths
        np.testing.assert_allclose(depths.ask[0, 1:], depths.bid[0, -2::-1], rtol=1e-12)


def test_coins_do_not_influence_each_other():
    """A batch gives every coin the quotes it has alone, whatever stands beside it."""
    rng = np.random.default_rng(7)
    intensity, decay = rng.uniform(0.1, 2, (2, 30)), np.exp(rng.uniform(-3, 4, (2, 30)))
    cost, penalty = rng.uniform(0, 2, (2, 30)) / decay, rng.uniform(0, 0.1, 30) / decay[0]
    together = stationary(
        ValueProblem(*(Fills(intensity[i], decay[i], cost[i], 0.0) for i in range(2)), 6, penalty)
    ).required()
    for coin in range(30):
        sides = (Fills(intensity[i, coin], decay[i, coin], cost[i, coin], 0.0) for i in range(2))
        alone = stationary(ValueProblem(*sides, 6, penalty[coin])).required()
        np.testing.assert_allclose(together.depths.ask[coin], alone.depths.ask[0], rtol=1e-9)


@pytest.mark.parametrize("maximum_inventory", [1, 3, 10])
def test_the_equation_holds_for_wild_flows(maximum_inventory):
    """Rates and decays over many orders of magnitude, costs up to 30 mean depths: h grows equally everywhere."""
    rng, coins = np.random.default_rng(5), 1_000
    rate = np.exp(rng.uniform(np.log(1e-4), np.log(50), (2, coins)))
    decay = np.exp(rng.uniform(np.log(1e-4), np.log(1e6), coins) + rng.uniform(-1.5, 1.5, (2, coins)))
    cost, floor = rng.uniform(-1, 30, (2, coins)) / decay, rng.uniform(0, 5, (2, coins)) / decay
    floor[:, ::3] = -np.inf
    unit = rate.mean(axis=0) / decay.mean(axis=0)
    sides = (Fills(rate[i], decay[i], cost[i], floor[i], rng.uniform(0.2, 1.01, coins)) for i in range(2))
    penalty, drift = np.exp(rng.uniform(-18, 4, coins)) * unit, rng.normal(0, 1, coins) * unit
    problem = ValueProblem(*sides, maximum_inventory, penalty, drift)
    solution = stationary(problem).required()
    growth = problem.arrays().flows(solution.value.T).growth
    scale = np.abs(problem.arrays().carry).max(axis=0) + np.abs(growth).max(axis=0)
    assert (np.ptp(growth, axis=0) <= 1e-9 * scale).all()


def test_a_side_without_fills_has_no_stationary_quotes():
    """Such a coin is reported, the others are solved, and requiring all of them raises."""
    problem = ValueProblem(Fills([0.5, 0.5], 4.0), Fills([0.0, 0.5], 4.0), 3, 1e-3)
    solution = stationary(problem)
    assert solution.solved.tolist() == [False, True]
    assert np.isnan(solution.depths.ask[0]).all()
    with pytest.raises(NoSolution, match="coin 0"):
        solution.required()


EXTREMES = [
    ValueProblem(Fills(0.3, 5.0), Fills(0.2, 4.0), 100, 10.0),
    ValueProblem(Fills(0.3, 1e6), Fills(0.2, 1e6), 10, 1e-9),
    ValueProblem(Fills(0.3, 1e-4), Fills(0.2, 1e-4), 10, 1.0),
    ValueProblem(Fills(1e3, 5.0), Fills(1e3, 5.0), 10, 1e-3),
    ValueProblem(Fills(0.3, 5.0, 20.0), Fills(0.2, 5.0, 20.0), 10, 1e-3),
    ValueProblem(Fills(0.3, 5.0, -2.0), Fills(0.2, 5.0, -2.0), 10, 1e-3),
    ValueProblem(Fills(0.3, 5.0), Fills(0.2, 5.0), 10, 1e-3, 5.0),
    ValueProblem(Fills(0.3, 5.0, 0.1, 3.0), Fills(0.2, 5.0, 0.1, 3.0), 10, 1e-3),
]


@pytest.mark.parametrize("problem", EXTREMES)
def test_extreme_inputs_stay_finite(problem):
    """Huge penalties, inventories, drifts, rates and decays: both solvers give numbers."""
    assert np.isfinite(stationary(problem).required().depths.ask[0, 1:]).all()
    far = finite_horizon(problem, 1e3, [1e-6, 1.0, 1e4], tolerance=1e-4)
    assert np.isfinite(far.depths.ask[:, 0, 1:]).all()


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (lambda: ValueProblem(Fills(-1.0, 1.0), Fills(1.0, 1.0), 3), "intensity must be .*, got -1.0 .coin 0."),
        (lambda: ValueProblem(Fills(1.0, 1.0), Fills(1.0, [1.0, 0.0]), 3), "decay must be .*, got 0.0 .coin 1."),
        (lambda: ValueProblem(Fills(1.0, 1.0, np.nan), Fills(1.0, 1.0), 3), "cost must be finite, got nan"),
        (lambda: ValueProblem(Fills(1.0, 1.0, 0.0, np.inf), Fills(1.0, 1.0), 3), "floor must be .*, got inf"),
        (
            lambda: ValueProblem(Fills(1.0, 1.0, proceeds=0.0), Fills(1.0, 1.0), 3),
            "share of the depth must be .*, got 0.0",
        ),
        (lambda: ValueProblem(Fills(1.0, 1.0), Fills(1.0, 1.0), 0), "at least 1"),
        (lambda: ValueProblem(Fills(1.0, 1.0), Fills(1.0, 1.0), 3, -1.0), "penalty must be .*, got -1.0"),
        (lambda: ValueProblem(Fills([[1.0]], 1.0), Fills(1.0, 1.0), 3), "one entry per coin"),
        (lambda: finite_horizon(EXTREMES[3], -1.0, [1.0]), "terminal penalty"),
        (lambda: finite_horizon(EXTREMES[3], 0.0, [2.0, 1.0]), "must ascend"),
    ],
)
def test_nonsense_is_refused(problem, message):
    """The error says which number is wrong and what is needed."""
    with pytest.raises(InvalidFlow, match=message):
        problem()
