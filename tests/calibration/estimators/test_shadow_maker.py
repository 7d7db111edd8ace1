"""A quote replayed with a bot's rules: what it is filled by, at which price, and what its age costs."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.seconds import Seconds
from calibration.estimators.shadow_maker import Fills, age_cost, instant_fills, shadow_fills
from calibration.estimators.shadow_quote import QuoteRules, Timing
from market_making.market.sides import Direction

TICK = 0.1
LOOPING = Timing(loop_ms=1000.0, cancel_ms=100.0, place_ms=100.0, pause_ms=1000.0, aim_ms=0.0, known_ms=0.0)
RULES = QuoteRules(0.05, 2.0, LOOPING)


def market(
    mid: list[float], rows: list[tuple[int, int, float, float]], closest: dict[int, float] | None = None
) -> tuple[Seconds, MarketOrders]:
    """Mid at the end of each second and its highest within some, orders as (time, sign, farthest price, mid before).

    Mid does not move after an order.
    """
    time_ms, sign, far, before = (np.array(column) for column in zip(*rows, strict=True))
    orders = MarketOrders(
        time_ms=time_ms.astype(np.int64),
        sign=sign.astype(np.int8),
        reach=sign * (far - before),
        ticks_through=np.ones(len(rows), dtype=np.int32),
        mid=before.astype(float),
        markout=np.zeros(len(rows)),
    )
    ones, high = np.ones(len(mid)), np.array(mid)
    for second, price in (closest or {}).items():
        high[second] = price
    return Seconds(0, np.array(mid), 0.1 * ones, ones, np.array(mid), high), orders


def fills(
    mid: list[float], rows: list[tuple[int, int, float, float]], rules: QuoteRules = RULES, **more: dict
) -> list[tuple]:
    """Fills of an ask one above mid."""
    found = shadow_fills(*market(mid, rows, **more), Direction.BUY, 1.0, TICK, rules)
    return [(time_ms, round(net, 6)) for time_ms, net in zip(found.time_ms.tolist(), found.net.tolist(), strict=True)]


FAR_AWAY = (99_000, 1, 100.0, 100.0)  # an order that comes after everything


def test_a_quote_rests_and_is_filled_at_its_price_by_what_reaches_it():
    """An order that does not reach it, or of the other direction, fills nothing."""
    mid = [100.0] * 6
    assert fills(mid, [(1150, 1, 101.5, 100.0)]) == [(1150, 1.0)]
    assert fills(mid, [(1150, 1, 100.9, 100.0)]) == []
    assert fills(mid, [(1150, -1, 98.0, 100.0)]) == []


def test_when_mid_has_moved_the_old_price_is_met_until_the_cancel_has_arrived():
    """Mid rises by a half: a quote that follows is not reached, the resting one is, a half below its worth."""
    mid = [100.0, 100.0, 100.0, 100.5, 100.5, 100.5]
    order = (4050, 1, 101.2, 100.5)
    assert len(instant_fills(market(mid, [order])[1], Direction.BUY, 1.0, TICK).net) == 0
    assert fills(mid, [order]) == [(4050, 0.5)]
    assert fills(mid, [(4150, 1, 101.2, 100.5)]) == []


def test_between_its_cancel_and_the_next_order_nothing_rests():
    """The next one comes half a second after the old one is gone."""
    slow = replace(RULES, timing=LOOPING._replace(place_ms=600.0))
    mid = [100.0, 100.0, 100.0, 100.5, 100.5, 100.5]
    reaching = [(time_ms, 1, 101.6, 100.5) for time_ms in (4050, 4300, 4700)]
    assert [fills(mid, [order], slow) for order in reaching] == [[(4050, 0.5)], [], [(4700, 1.0)]]


def test_a_bot_that_is_woken_notices_what_another_does_not_see():
    """Within a second mid came half a price closer and went back."""
    mid, order = [100.0] * 6, (4500, 1, 101.5, 100.0)
    woken = replace(RULES, timing=LOOPING._replace(loop_ms=0.0, cancel_ms=500.0, place_ms=1200.0))
    assert fills(mid, [order], closest={3: 100.5}) == [(4500, 1.0)]
    assert fills(mid, [order], woken, closest={3: 100.5}) == []


def test_a_bot_that_looks_every_three_seconds_is_late():
    """It moves its order two seconds after another one."""
    mid, order = [100.0] * 4 + [100.5] * 4, (5500, 1, 101.2, 100.5)
    slow = replace(RULES, timing=LOOPING._replace(loop_ms=3000.0))
    assert fills(mid, [order]) == []
    assert fills(mid, [order], slow) == [(5500, 0.5)]


def test_an_order_that_the_bot_does_not_know_yet_stands():
    """Mid rises twice: the order of the first move rests for 0.9 s when the second comes, and is known after 1.2 s."""
    mid = [100.0, 100.0, 100.5, 101.0, 101.0, 101.0]
    unaware = replace(RULES, timing=LOOPING._replace(known_ms=1200.0))
    orders = [(time_ms, 1, 101.7, 101.0) for time_ms in (4150, 4250, 4350, 4450)]
    assert [len(fills(mid, [order])) for order in orders] == [0, 0, 0, 0]
    assert [fills(mid, [order], unaware) for order in orders] == [[(4150, 0.5)], [(4250, 0.5)], [(4350, 0.5)], []]


def test_too_close_goes_at_once_and_too_far_when_it_is_old_enough():
    """An order a second old; five seconds of life; and a tolerance of more than the move."""
    patient = replace(RULES, minimum_life_s=5.0)
    closer = [100.0, 100.0, 100.5, 100.5, 100.5]
    assert fills(closer, [(3500, 1, 101.2, 100.5)], patient) == []
    assert fills(closer, [(3500, 1, 101.2, 100.5)], replace(RULES, tolerance=0.6)) == [(3500, 0.5)]
    farther = [100.0, 100.0] + [99.5] * 6
    reaching = [(time_ms, 1, 100.6, 99.5) for time_ms in (4500, 6500)]
    assert [fills(farther, [order], patient) for order in reaching] == [[], [(6500, 1.0)]]


def test_the_touch_that_comes_to_a_resting_order_fills_it_and_refuses_a_new_one():
    """Mid jumps by three: the ask at 101 is met, and worth two less a second later; a new one would have crossed."""
    jumped = [100.0, 100.0, 100.0, 103.0, 103.0, 103.0]
    assert fills(jumped, [FAR_AWAY]) == [(4000, -2.0)]
    late = replace(RULES, timing=LOOPING._replace(cancel_ms=50.0, place_ms=900.0))
    assert fills([100.0, 100.0, 100.2, 103.0, 103.0, 103.0], [FAR_AWAY], late) == []


def test_after_a_fill_the_bot_is_away_for_a_while_and_comes_back_at_a_price_from_before():
    """The second order of a burst meets nothing. A price is as old as the bot's book, two seconds."""
    burst = [(1500, 1, 101.5, 100.0), (1600, 1, 101.5, 100.0), (4500, 1, 101.5, 100.0)]
    assert [time_ms for time_ms, _ in fills([100.0] * 8, burst)] == [1500, 4500]
    assert len(instant_fills(market([100.0] * 8, burst)[1], Direction.BUY, 1.0, TICK).net) == 3
    aged = replace(RULES, timing=LOOPING._replace(pause_ms=3000.0, aim_ms=2000.0))
    mid = [100.0, 100.0, 100.0, 100.0, 100.5, 100.5, 100.5]
    assert fills(mid, [burst[0], (4800, 1, 101.2, 100.0)], aged) == [(1500, 1.0), (4800, 1.0)]


def test_while_mid_is_not_known_there_is_no_quote():
    """A gap takes the quote away."""
    gap = [100.0, 100.0, float("nan"), float("nan"), 100.0]
    assert fills(gap, [(3500, 1, 101.5, 100.0)]) == []
    assert fills(gap, [(2500, 1, 101.5, 100.0)]) == [(2500, 1.0)]


def test_both_sides_are_mirror_images():
    """A bid below mid is filled as an ask above it, and woken by the lowest mid."""
    mid, order = [100.0, 100.0, 100.0, 99.5, 99.5], (4050, -1, 98.8, 99.5)
    found = shadow_fills(*market(mid, [order]), Direction.SELL, 1.0, TICK, RULES)
    assert (found.time_ms.tolist(), found.net.round(6).tolist()) == ([4050], [0.5])
    woken = replace(RULES, timing=LOOPING._replace(loop_ms=0.0))
    seconds, orders = market([100.0] * 6, [(3050, -1, 98.5, 100.0)])
    dipped = replace(seconds, low=np.array([100.0, 100.0, 99.5, 100.0, 100.0, 100.0]))
    slow = replace(woken, timing=woken.timing._replace(place_ms=2000.0))
    assert len(shadow_fills(seconds, orders, Direction.SELL, 1.0, TICK, slow).net) == 1
    assert len(shadow_fills(dipped, orders, Direction.SELL, 1.0, TICK, slow).net) == 0


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
