"""What a bot rests of a model's quotes, and what its fills tell of how often it is there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.estimators.estimate import Estimate
from calibration.scanning.coin_panel import CoinPanel
from calibration.scanning.earnings import Earnings, earnings
from calibration.scanning.resting import orders_of, presence, rested, surplus, unseen
from calibration.scanning.scan import scan
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.preference import preferred_side
from market_making.quoting.value.cartea_jaimungal import FillArrays
from market_making.settings.role import Role
from market_making.settings.settings import Settings

ALONE = (Role.LONG_ONLY, Role.SHORT_ONLY, Role.ALTERNATE)
BOUND = 3
rates, decays = st.floats(0.01, 2.0), st.floats(0.2, 5.0)
depths_of = st.lists(st.floats(0.1, 5.0), min_size=2 * BOUND + 1, max_size=2 * BOUND + 1)


def fills_of(intensity, decay):
    """One coin's side."""
    one = (np.array([number]) for number in (intensity, decay, 0.3, 0.0, 1.0))
    return FillArrays(*one)


def flow_of(buy, sell, on_fill=0.5):
    """A flow with rate and decay of each direction."""
    both = Directions(1.0, 1.0)
    none = Directions(0.0, 0.0)
    return OrderFlow(
        both, Directions(buy[0], sell[0]), Directions(buy[1], sell[1]), none, Directions(on_fill, on_fill), none,
        volatility=1.0, half_spread=0.0,
    )  # fmt: skip


@given(rates, decays, rates, decays, depths_of, depths_of, st.sampled_from(ALONE))
def test_a_bot_on_its_own_rests_the_side_that_its_plan_prefers(buys, walk, sells, fall, asks, bids, role):
    """One side at each inventory, the other infinitely far; the same as `preferred_side` chooses there."""
    depths = Sides(ask=np.array(asks)[:, None], bid=np.array(bids)[:, None])
    seen = rested(depths, Sides(ask=fills_of(buys, walk), bid=fills_of(sells, fall)), role)
    flow = flow_of((buys, walk), (sells, fall))
    for row, inventory in enumerate(range(-BOUND, BOUND + 1)):
        here = Sides(ask=asks[row], bid=bids[row])
        usual = Side.BID if inventory < 0 else Side.ASK
        side = preferred_side(flow, here, usual=usual, is_held=inventory != 0)
        opening = {Role.LONG_ONLY: Side.BID, Role.SHORT_ONLY: Side.ASK}.get(role)
        if opening is not None and inventory * (1 if opening is Side.BID else -1) <= 0:
            side = opening  # nothing else may grow a position of the other sign, and what is there is reduced by it
        assert seen.of(side)[row, 0] == depths.of(side)[row, 0]
        assert seen.of(side.opposite)[row, 0] == np.inf


def test_two_legs_rest_everything():
    """Nothing is taken away, and two orders rest at a time."""
    depths = Sides(np.ones((3, 1)), np.ones((3, 1)))
    assert rested(depths, Sides(fills_of(1, 1), fills_of(1, 1)), Role.SHORT_LEG) is depths
    assert [orders_of(role) for role in Role] == [1, 1, 1, 2, 2]


def test_one_order_at_a_time_earns_what_a_walk_through_fills_does():
    """Flat it waits for a sell, long for a buy: a fill of each in the mean time of both, and the money of both."""
    fills = Sides(ask=fills_of(0.5, 1.0), bid=fills_of(0.2, 1.0))
    depths = Sides(ask=np.full((3, 1), 2.0), bid=np.full((3, 1), 1.0))
    found = earnings(rested(depths, fills, Role.LONG_ONLY), fills)
    cycle_s = np.exp(2.0) / 0.5 + np.exp(1.0) / 0.2
    assert found.fills[0] == pytest.approx(2 / cycle_s)
    assert found.money[0] == pytest.approx((2.0 + 1.0 - 2 * 0.3) / cycle_s)
    assert found.occupancy[:, 0] == pytest.approx([0, np.exp(1.0) / 0.2 / cycle_s, np.exp(2.0) / 0.5 / cycle_s])


@given(st.floats(1e-3, 2.0), st.floats(0.05, 1.0), st.floats(0.0, 10.0))
def test_each_fill_costs_a_pause(rate, share, pause_s):
    """The time between fills is that of an order which is there for a share of the time, and the pause."""
    found = Earnings(np.array([7.0 * rate]), np.array([rate]), np.ones((3, 1))).at_age(
        np.array(share), np.array(pause_s)
    )
    assert 1 / found.fills[0] == pytest.approx(1 / (share * rate) + pause_s)
    assert found.money[0] == pytest.approx(7.0 * found.fills[0])


@given(st.floats(0.06, 1.4), st.floats(0.0, 5.0), rates, decays, rates, decays)
def test_presence_is_found_from_the_fills_it_makes(share, pause_s, buys, walk, sells, fall):
    """An order that is a bid and an ask in turn, seen at two depths."""
    depths = (0.5, 1.5)
    waits = [np.exp(walk * depth) / buys + np.exp(fall * depth) / sells for depth in depths]
    fills = [2 * 3600 / (wait / share + 2 * pause_s) for wait in waits]
    found = presence(flow_of((buys, walk), (sells, fall)), depths, fills, pause_s)
    assert found.value == pytest.approx(share, rel=1e-6)
    assert found.low < found.value < found.high


def test_fills_that_say_nothing_leave_a_presence_within_bounds():
    """No fill at all, and more than there are orders."""
    flow = flow_of((0.1, 1.0), (0.1, 1.0))
    assert presence(flow, [1.0], [0.0], 0.5).value == 0.05
    assert presence(flow, [1.0], [1e9], 0.5).value == 1.5


def test_a_surplus_is_what_fills_made_beyond_the_model_and_shrinks_where_little_is_known():
    """Sure to the last bit, all of it; with an error of a second's move, half of it."""
    flow = flow_of((1.0, 1.0), (1.0, 1.0), on_fill=0.5)
    sure = surplus(flow, [1.0, 2.0], [Estimate(0.8, 0.8, 0.8, 100), Estimate(1.8, 1.8, 1.8, 50)])
    assert (sure.value, sure.low, sure.high, sure.n) == (pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.3), 50)
    unsure = surplus(flow, [1.0], [Estimate(0.8, 0.8 - 1.96, 0.8 + 1.96, 12)])
    assert unsure.value == pytest.approx(0.15)
    assert unsure.high - unsure.value == pytest.approx(1.96 * np.sqrt(0.5))


def test_a_bot_on_its_own_earns_less_than_two_and_a_slow_one_less_than_a_fast_one(candidates):
    """A third to a half of both sides; with pauses and absences less again; a surplus is earned on every fill."""
    coin = candidates[0]
    both, alone = (scan([coin], Settings(sides=sides))[0].figures for sides in ("long_leg", "alternate"))
    assert 0.2 < alone.net_per_hour / both.net_per_hour < 0.6
    slow = replace(coin, presence=Estimate(0.5, 0.4, 0.6, 2), pause_s=3600 / alone.fills_per_hour)
    figures = scan([slow], Settings(sides="alternate"))[0].figures
    assert figures.net_per_hour == pytest.approx(alone.net_per_hour / 3)
    assert figures.fills_per_hour == pytest.approx(alone.fills_per_hour / 3)
    more = Estimate(1e-4 * coin.mid, 0.0, 2e-4 * coin.mid, 50)
    kind = scan([replace(coin, surplus=more)], Settings(sides="alternate"))[0].figures
    per_fill = (kind.net_per_hour - alone.net_per_hour) / alone.fills_per_hour
    assert per_fill == pytest.approx(1e-4 * Settings().model.order_notional)
    assert kind.high - kind.low > alone.high - alone.low


def test_an_order_priced_before_mid_has_moved_is_filled_later(candidates):
    """A bot on its own earns less by it, the sooner the book is after the fill; two legs have both orders already."""
    assert (unseen(450.0, 450.0), unseen(550.0, 450.0), unseen(750.0, 450.0)) == (1.0, pytest.approx(0.5), 0.0)
    assert unseen(0.0, 0.0) == 0.0
    quick = replace(candidates[0], pause_s=0.45)
    for sides, earns_less in (("alternate", True), ("long_leg", False)):
        knows, half, none = (
            scan([replace(quick, unseen=share)], Settings(sides=sides))[0].figures for share in (0.0, 0.5, 1.0)
        )
        assert (none.net_per_hour < half.net_per_hour < knows.net_per_hour) is earns_less
        assert (none.high < knows.high) is earns_less


def test_the_share_of_time_away_counts_towards_what_must_be_earned(candidates):
    """So the fee at which a coin stops paying is lower for a bot that is seldom there."""
    seldom = [replace(coin, presence=Estimate(0.1, 0.1, 0.1, 2)) for coin in candidates[:8]]
    settings = Settings()
    usual, less = (CoinPanel(coins, settings).break_even(0.1) for coins in (candidates[:8], seldom))
    assert (less < usual).all()
