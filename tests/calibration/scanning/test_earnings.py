"""Money and inventory in the long run under fixed quotes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calibration.scanning.earnings import Behind, Earnings, earnings, stationary_inventory
from market_making.market.sides import Sides
from market_making.quoting.value.cartea_jaimungal import FillArrays, Fills, ValueProblem
from market_making.quoting.value.stationary import stationary


def solved(problem):
    """Best depths (N, C), how they are filled, and the solution they come from."""
    solution = stationary(problem).required()
    return solution.depths.map(lambda depth: depth.T), problem.arrays().sides, solution


def side(intensity=1.0, decay=2.0, cost=0.1, proceeds=1.0):
    """One side of one coin."""
    return Fills(intensity, decay, cost, 0.0, proceeds).arrays(1)


def fills(scale):
    """One side of a market whose orders walk about `scale` deep."""
    walks, share = st.floats(0.4, 2.5), st.floats(-0.3, 2.0)
    return st.builds(
        lambda intensity, walk, cost, kept: Fills(intensity, 1 / (walk * scale), cost * scale, 0.2 * scale, kept),
        st.floats(0.05, 5.0), walks, share, st.floats(0.6, 1.0),
    )  # fmt: skip


problems = st.floats(-4, 4).flatmap(
    lambda exponent: st.builds(
        lambda ask, bid, bound, penalty: ValueProblem(ask, bid, bound, penalty * 10**exponent),
        fills(10**exponent), fills(10**exponent), st.integers(1, 8), st.floats(0, 0.5),
    )
)  # fmt: skip
rates = st.floats(-6, 6).map(np.exp)
chains = st.integers(1, 6).flatmap(
    lambda bound: st.tuples(*(st.lists(rates, min_size=2 * bound, max_size=2 * bound) for _ in range(2)))
)


@given(chains)
def test_the_law_of_inventory_is_the_null_vector_of_its_generator(chain):
    """It sums to one and no state gains or loses: found here without using that the chain is one-dimensional."""
    down, up = (np.array(rate)[:, None] for rate in chain)
    law = stationary_inventory(down, up, np.ones_like(down, dtype=bool))[:, 0]
    generator = np.diag(up[:, 0], 1) + np.diag(down[:, 0], -1)
    generator -= np.diag(generator.sum(axis=1))
    assert law.sum() == pytest.approx(1, abs=1e-12)
    assert (law >= 0).all()
    np.testing.assert_allclose(law @ generator, 0, atol=1e-10 * generator.max())


def test_the_long_run_is_what_a_simulated_inventory_does():
    """Time at each inventory, fills and money of a jump process agree within their Monte-Carlo error."""
    problem = ValueProblem(Fills(0.8, 2.0, 0.2), Fills(0.5, 3.0, 0.1), 2, 0.05)
    depths, fills, _ = solved(problem)
    expected = earnings(depths, fills)
    random, runs, q, jumps = np.random.default_rng(5), [], 2, 4_000
    rate_ask = fills.ask.intensity * np.exp(-fills.ask.decay * np.nan_to_num(depths.ask, nan=np.inf))
    rate_bid = fills.bid.intensity * np.exp(-fills.bid.decay * np.nan_to_num(depths.bid, nan=np.inf))
    for _ in range(40):
        time, money, fill_count, spent = 0.0, 0.0, 0, np.zeros(5)
        for _ in range(jumps // 10):
            down, up = rate_ask[q, 0], rate_bid[q, 0]
            wait = random.exponential(1 / (down + up))
            time, spent[q], fill_count = time + wait, spent[q] + wait, fill_count + 1
            if random.random() * (down + up) < down:
                money, q = money + depths.ask[q, 0] - 0.2, q - 1
            else:
                money, q = money + depths.bid[q, 0] - 0.1, q + 1
        runs.append([money / time, fill_count / time, *(spent / time)])
    mean, error = np.mean(runs, axis=0), np.std(runs, axis=0) / np.sqrt(len(runs))
    wanted = [expected.money[0], expected.fills[0], *expected.occupancy[:, 0]]
    assert (np.abs(mean - wanted) < 4 * error).all()


@given(problems)
def test_money_is_the_growth_of_value_plus_what_the_penalty_took(problem):
    """The value function grows by money less φ E[q²]: two routes to one number."""
    solution = stationary(problem)
    assume(solution.solved.all())
    earned = earnings(solution.depths.map(lambda depth: depth.T), problem.arrays().sides)
    penalty = np.asarray(problem.running_penalty) * earned.mean_square_inventory
    scale = np.abs(earned.money) + penalty + np.abs(solution.growth)
    np.testing.assert_allclose(earned.money - penalty, solution.growth, atol=1e-7 * scale.max())


@given(st.integers(0, 2**31), st.floats(0.01, 0.3))
def test_no_other_quotes_are_worth_more(seed, step):
    """Any change of the best depths lowers money less φ E[q²]."""
    problem = ValueProblem(Fills(0.8, 2.0, 0.2), Fills(0.5, 3.0, 0.1), 2, 0.05)
    depths, fills, solution = solved(problem)
    random = np.random.default_rng(seed)
    changed = earnings(depths.map(lambda depth: depth + step * random.standard_normal(depth.shape)), fills)
    assert changed.money[0] - 0.05 * changed.mean_square_inventory[0] < solution.growth[0]


@given(problems)
def test_swapping_the_sides_mirrors_inventory(problem):
    """Who buys and who sells does not matter to the money, and turns inventory around."""
    solution = stationary(problem)
    assume(solution.solved.all())
    depths, fills = solution.depths.map(lambda depth: depth.T), problem.arrays().sides
    one = earnings(depths, fills)
    other = earnings(Sides(bid=depths.ask[::-1], ask=depths.bid[::-1]), Sides(bid=fills.ask, ask=fills.bid))
    np.testing.assert_allclose(one.occupancy, other.occupancy[::-1], atol=1e-12)
    np.testing.assert_allclose([one.money, one.fills], [other.money, other.fills], rtol=1e-9, atol=1e-12)


@given(st.floats(-0.5, 0.5))
def test_fixed_quotes_pay_a_fee_for_each_fill(fee):
    """A cost that is higher by f takes f times the fills, whatever inventory does."""
    depths = Sides(bid=np.array([[0.4], [0.6], [np.nan]]), ask=np.array([[np.nan], [0.5], [0.4]]))
    free = earnings(depths, Sides(bid=side(), ask=side()))
    charged = earnings(depths, Sides(bid=side(cost=0.1 + fee), ask=side(cost=0.1 + fee)))
    assert charged.money[0] == pytest.approx(free.money[0] - fee * free.fills[0])


def test_a_side_that_is_never_filled_leaves_the_other_alone():
    """Without a way back nothing is earned: inventory would sit at its bound for ever."""
    depths = Sides(bid=np.full((3, 1), 0.5), ask=np.full((3, 1), 0.5))
    earned = earnings(depths, Sides(bid=side(), ask=FillArrays(*(np.zeros(1), *side()[1:]))))
    assert (earned.money[0], earned.fills[0]) == (0, 0)
    np.testing.assert_array_equal(earned.occupancy[:, 0], [0, 1, 0])


def test_largest_inventory_is_the_quantile_of_its_size():
    """Of times 1, 4, 90, 4, 1 %, |q| is 0 for 90 %, at most 1 for 98 %."""
    law = np.array([0.01, 0.04, 0.90, 0.04, 0.01])[:, None]
    logarithm = np.log(law)
    up = np.exp(np.diff(logarithm, axis=0))
    occupancy = stationary_inventory(np.ones_like(up), up, np.ones_like(up, dtype=bool))
    np.testing.assert_allclose(occupancy, law)
    earned = earnings(Sides(np.zeros((5, 1)), np.zeros((5, 1))), Sides(side(), side()))._replace(occupancy=occupancy)
    assert [earned.largest_inventory(share)[0] for share in (0.5, 0.9, 0.95, 0.98, 0.99)] == [0, 0, 1, 1, 2]
    assert earned.inventory_sd[0] == pytest.approx(np.sqrt(0.08 + 4 * 0.02))


@pytest.mark.parametrize(("rate", "offset", "life_s"), [(0.2, 0.3, 2.45), (0.02, 1.0, 2.45), (1.5, 0.6, 5.0)])
def test_an_order_that_is_behind_waits_longer_for_its_fill(rate, offset, life_s):
    """The mean of waits drawn at the lower rate while it is behind, and at the usual one from then on."""
    random = np.random.default_rng(4)
    first = random.exponential(np.exp(offset) / rate, 400_000)
    waits = np.where(first < life_s, first, life_s + random.exponential(1 / rate, 400_000))
    behind = Behind(np.array([offset]), np.array([life_s]))
    alone = Earnings(np.array([3.0]), np.array([rate]), np.ones((3, 1)))
    found = alone.at_age(np.ones(1), np.array([0.5]), behind)
    assert 1 / found.fills[0] == pytest.approx(waits.mean() + 0.5, rel=0.01)
    assert found.money[0] / found.fills[0] == pytest.approx(3.0 / rate)


def test_a_market_without_fills_has_none_later():
    """And an order that is not behind loses nothing."""
    none = Earnings(np.zeros(1), np.zeros(1), np.ones((3, 1)))
    behind = Behind(np.array([0.4]), np.array([2.0]))
    assert none.at_age(np.ones(1), np.ones(1), behind).fills[0] == 0.0
    assert Behind(np.zeros(1), np.array([2.0])).delay_s(np.ones(1))[0] == 0.0
