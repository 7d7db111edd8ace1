"""A quote replayed with a bot's rules: what it is filled by, at which price, and what its age costs."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.seconds import Seconds
from calibration.estimators.shadow_maker import Fills, QuoteRules, age_cost, instant_fills, shadow_fills
from market_making.market.sides import Direction

TICK = 0.1
RULES = QuoteRules(tolerance=0.05, minimum_life_s=2.0, latency_ms=100, pause_s=1.0)


def market(mid: list[float], rows: list[tuple[int, int, float, float]]) -> tuple[Seconds, MarketOrders]:
    """Mid at the end of each second, and orders as (time, sign, farthest price, mid before); mid then stays."""
    time_ms, sign, far, before = (np.array(column) for column in zip(*rows, strict=True))
    orders = MarketOrders(
        time_ms=time_ms.astype(np.int64),
        sign=sign.astype(np.int8),
        reach=sign * (far - before),
        ticks_through=np.ones(len(rows), dtype=np.int32),
        mid=before.astype(float),
        markout=np.zeros(len(rows)),
    )
    ones = np.ones(len(mid))
    return Seconds(0, np.array(mid), 0.1 * ones, ones), orders


def fills(mid: list[float], rows: list[tuple[int, int, float, float]], rules: QuoteRules = RULES) -> list[tuple]:
    """Fills of an ask one above mid."""
    found = shadow_fills(*market(mid, rows), Direction.BUY, 1.0, TICK, rules)
    return [(time_ms, round(net, 6)) for time_ms, net in zip(found.time_ms.tolist(), found.net.tolist(), strict=True)]


def test_a_quote_rests_from_its_arrival_and_is_filled_at_its_price():
    """Looked at one second, it arrives a tenth later; an order that does not reach it fills nothing."""
    mid = [100.0] * 6
    assert fills(mid, [(1050, 1, 101.5, 100.0)]) == []
    assert fills(mid, [(1150, 1, 101.5, 100.0)]) == [(1150, 1.0)]
    assert fills(mid, [(1150, 1, 100.9, 100.0)]) == []
    assert fills(mid, [(1150, -1, 98.0, 100.0)]) == []


def test_when_mid_has_moved_the_old_price_is_met():
    """Mid rises by a half: a quote that follows is not reached, the resting one is, a half below its worth."""
    mid = [100.0, 100.0, 100.0, 100.5, 100.5, 100.5]
    order = (4050, 1, 101.2, 100.5)
    assert len(instant_fills(market(mid, [order])[1], Direction.BUY, 1.0, TICK).net) == 0
    assert fills(mid, [order]) == [(4050, 0.5)]
    # A tenth after the bot has looked, the new price rests.
    assert fills(mid, [(4150, 1, 101.2, 100.5)]) == []


def test_a_young_order_or_one_within_the_tolerance_is_left_alone():
    """Two seconds of life, half a tick of tolerance."""
    young = [100.0, 100.5, 100.5, 100.5, 100.5]
    assert fills(young, [(2900, 1, 101.2, 100.5)]) == [(2900, 0.5)]
    assert fills(young, [(4500, 1, 101.2, 100.5)]) == []
    patient = replace(RULES, tolerance=0.6)
    assert fills(young, [(4500, 1, 101.2, 100.5)], patient) == [(4500, 0.5)]


def test_after_a_fill_the_bot_is_away_for_a_while():
    """The second order of a burst meets nothing; a quote without age would be hit again."""
    burst = [(1500, 1, 101.5, 100.0), (1600, 1, 101.5, 100.0), (4500, 1, 101.5, 100.0)]
    assert [time_ms for time_ms, _ in fills([100.0] * 8, burst)] == [1500, 4500]
    assert len(instant_fills(market([100.0] * 8, burst)[1], Direction.BUY, 1.0, TICK).net) == 3


def test_while_mid_is_not_known_there_is_no_quote():
    """A gap takes the quote away."""
    gap = [100.0, 100.0, float("nan"), float("nan"), 100.0]
    assert fills(gap, [(3500, 1, 101.5, 100.0)]) == []
    assert fills(gap, [(2500, 1, 101.5, 100.0)]) == [(2500, 1.0)]


def test_both_sides_are_mirror_images():
    """A bid below mid is filled as an ask above it."""
    mid, order = [100.0, 100.0, 100.0, 99.5, 99.5], (4050, -1, 98.8, 99.5)
    found = shadow_fills(*market(mid, [order]), Direction.SELL, 1.0, TICK, RULES)
    assert (found.time_ms.tolist(), found.net.round(6).tolist()) == ([4050], [0.5])


def test_the_cost_of_age_is_the_difference_per_fill_with_an_interval_of_clusters():
    """Ten times as many fills of the same bursts do not make it surer."""
    random = np.random.default_rng(2)
    time_ms = np.arange(40) * 20_000
    one, other = (Fills(time_ms, mean + random.normal(size=40)) for mean in (1.0, 0.4))
    cost = age_cost(one, other)
    assert cost.low < 0.6 < cost.high
    assert cost.value == pytest.approx(one.net.mean() - other.net.mean())
    many = [Fills(np.repeat(fills.time_ms, 10), np.repeat(fills.net, 10)) for fills in (one, other)]
    assert age_cost(*many).high == pytest.approx(cost.high)
    assert age_cost(one, Fills(time_ms[:1], np.ones(1))) is None
