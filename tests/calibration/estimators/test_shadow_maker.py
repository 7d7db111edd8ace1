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
WOKEN = LOOPING._replace(loop_ms=0.0)
RULES = QuoteRules(0.05, 2.0, LOOPING)
FLAT = [100.0] * 6


def market(
    mid: list[float], rows: list[tuple[int, int, float, float]], closest: dict[int, float] | None = None
) -> tuple[Seconds, MarketOrders]:
    """Mid from the first quarter of each second on, and its highest within some quarters.

    Orders are (time, sign, farthest price, mid before); mid does not move after one.
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
    ones, quarters = np.ones(len(mid)), np.repeat(mid, 4)[:, np.newaxis] + np.zeros(3)
    for quarter, price in (closest or {}).items():
        quarters[quarter, 2] = price
    return Seconds(0, np.array(mid), 0.1 * ones, ones, quarters.reshape(-1, 4, 3)), orders


def fills(
    mid: list[float], rows: list[tuple[int, int, float, float]], rules: QuoteRules = RULES, **more: dict
) -> list[tuple]:
    """Fills of an ask one above mid."""
    found = shadow_fills(*market(mid, rows, **more), Direction.BUY, 1.0, TICK, rules)
    return [(time_ms, round(net, 6)) for time_ms, net in zip(found.time_ms.tolist(), found.net.tolist(), strict=True)]


FAR_AWAY = (99_000, 1, 100.0, 100.0)  # an order that comes after everything
UP = [100.0, 100.0, 100.0, 100.5, 100.5, 100.5]  # moves at 3.25 s, when a loop begins


def test_a_quote_rests_and_is_filled_at_its_price_by_what_reaches_it():
    """An order that does not reach it, or of the other direction, fills nothing."""
    assert fills(FLAT, [(1150, 1, 101.5, 100.0)]) == [(1150, 1.0)]
    assert fills(FLAT, [(1150, 1, 100.9, 100.0)]) == []
    assert fills(FLAT, [(1150, -1, 98.0, 100.0)]) == []


def test_when_mid_has_moved_the_old_price_is_met_until_the_cancel_has_arrived():
    """Mid rises by a half: a quote that follows is not reached, the resting one is, a half below its worth."""
    order = (3300, 1, 101.2, 100.5)
    assert len(instant_fills(market(UP, [order])[1], Direction.BUY, 1.0, TICK).net) == 0
    assert fills(UP, [order]) == [(3300, 0.5)]
    assert fills(UP, [(3400, 1, 101.2, 100.5)]) == []


def test_between_its_cancel_and_the_next_order_nothing_rests():
    """The next one comes half a second after the old one is gone."""
    slow = replace(RULES, timing=LOOPING._replace(place_ms=600.0))
    reaching = [(time_ms, 1, 101.6, 100.5) for time_ms in (3300, 3500, 3900)]
    assert [fills(UP, [order], slow) for order in reaching] == [[(3300, 0.5)], [], [(3900, 1.0)]]


def test_the_next_order_has_the_price_of_the_book_that_it_was_made_from():
    """It rests at 4.25 s, when mid rises again: made from a book of half a second before it is too close."""
    mid = [*UP[:4], 100.8, 100.8]
    slow = replace(RULES, timing=LOOPING._replace(place_ms=1000.0))
    aged = replace(slow, timing=slow.timing._replace(aim_ms=500.0))
    order = (4300, 1, 101.6, 100.8)
    assert (fills(mid, [order], slow), fills(mid, [order], aged)) == ([], [(4300, 0.7)])


def test_when_within_a_second_mid_moved_is_known():
    """Mid rises at 3.25 s, at 3.5 or at 4 s; the order that is met at 3.9 s was cancelled at once 0.4 s after that."""
    woken = replace(RULES, timing=WOKEN._replace(cancel_ms=400.0, place_ms=1200.0))
    order = (3900, 1, 101.2, 100.5)
    met = []
    for moved in (12, 13, 15):
        seconds, orders = market(UP, [order])
        path = seconds.quarters.reshape(-1, 3)
        path[12:moved] = 100.0
        met.append(len(shadow_fills(seconds, orders, Direction.BUY, 1.0, TICK, woken).net))
    assert met == [0, 0, 1]


def test_a_bot_that_is_woken_notices_what_another_does_not_see():
    """Within a quarter of a second mid came half a price closer and went back."""
    order = (4500, 1, 101.5, 100.0)
    woken = replace(RULES, timing=WOKEN._replace(cancel_ms=500.0, place_ms=1200.0))
    assert fills(FLAT, [order], closest={14: 100.5}) == [(4500, 1.0)]
    assert fills(FLAT, [order], woken, closest={14: 100.5}) == []


def test_a_bot_that_looks_every_three_seconds_is_late():
    """It has looked at 0.25 s, and looks at 3.25 s and 6.25 s again."""
    mid, order = [100.0] * 4 + [100.5] * 4, (6300, 1, 101.2, 100.5)
    slow = replace(RULES, timing=LOOPING._replace(loop_ms=3000.0))
    assert fills(mid, [order]) == []
    assert fills(mid, [order], slow) == [(6300, 0.5)]


def test_a_bot_looks_as_soon_as_it_knows_its_order_and_every_loop_from_then_on():
    """It knows its first order at 0.75 s, the one of the first move at 4.45 s: it sees the second move at 5.45 s."""
    rules = replace(RULES, timing=LOOPING._replace(place_ms=200.0, known_ms=500.0))
    mid = [*UP[:5], 101.0, 101.0]
    orders = [(time_ms, 1, 101.6, 101.0) for time_ms in (5300, 5500, 5600)]
    assert [fills(mid, [order], rules) for order in orders] == [[(5300, 0.5)], [(5500, 0.5)], []]


def test_an_order_that_the_bot_does_not_know_yet_stands():
    """Mid rises twice: the order of the first move rests from 3.2 s on, and is known after 1.5 s."""
    mid = [*UP[:4], 101.0, 101.0]
    aware, unaware = (replace(RULES, timing=WOKEN._replace(known_ms=known_ms)) for known_ms in (0.0, 1500.0))
    orders = [(time_ms, 1, 101.7, 101.0) for time_ms in (4300, 4400, 4750, 4850)]
    assert [len(fills(mid, [order], aware)) for order in orders] == [0, 0, 0, 0]
    assert [fills(mid, [order], unaware) for order in orders] == [[(4300, 0.5)], [(4400, 0.5)], [(4750, 0.5)], []]


def test_too_close_goes_at_once_and_too_far_when_it_is_old_enough():
    """An order two seconds old; five seconds of life; and a tolerance of more than the move."""
    patient = replace(RULES, minimum_life_s=5.0)
    closer = [100.0, 100.0, 100.5, 100.5, 100.5]
    assert fills(closer, [(2500, 1, 101.2, 100.5)], patient) == []
    assert fills(closer, [(2500, 1, 101.2, 100.5)], replace(RULES, tolerance=0.6)) == [(2500, 0.5)]
    farther = [100.0, 100.0] + [99.5] * 6
    reaching = [(time_ms, 1, 100.6, 99.5) for time_ms in (4500, 6500)]
    assert [fills(farther, [order], patient) for order in reaching] == [[], [(6500, 1.0)]]


def test_a_woken_bot_looks_for_what_is_too_far_a_second_after_it_knew_its_order():
    """An order that rests since 0.25 s and is known 0.5 s later is moved at 1.75 s, whatever its minimum life."""
    woken = replace(RULES, minimum_life_s=0.5, timing=WOKEN._replace(known_ms=500.0))
    reaching = [(time_ms, 1, 100.6, 99.5) for time_ms in (1800, 1900)]
    assert [fills([100.0] + [99.5] * 5, [order], woken) for order in reaching] == [[], [(1900, 1.0)]]


def test_the_touch_that_comes_to_a_resting_order_fills_it_and_refuses_a_new_one():
    """Mid jumps by three: the ask at 101 is met, and worth two less a second later; a new one would have crossed."""
    jumped = [100.0, 100.0, 100.0, 103.0, 103.0, 103.0]
    assert fills(jumped, [FAR_AWAY]) == [(3250, -2.0)]
    late = replace(RULES, timing=WOKEN._replace(cancel_ms=50.0, place_ms=950.0))
    assert fills([100.0, 100.0, 100.2, 103.0, 103.0, 103.0], [FAR_AWAY], late) == []


def test_after_a_fill_the_bot_is_away_for_a_while_and_comes_back_at_a_price_from_before():
    """The second order of a burst meets nothing. A price is as old as the bot's book, two seconds."""
    burst = [(1500, 1, 101.5, 100.0), (1600, 1, 101.5, 100.0), (4500, 1, 101.5, 100.0)]
    assert [time_ms for time_ms, _ in fills([100.0] * 8, burst)] == [1500, 4500]
    assert len(instant_fills(market([100.0] * 8, burst)[1], Direction.BUY, 1.0, TICK).net) == 3
    aged = replace(RULES, timing=LOOPING._replace(pause_ms=3000.0, aim_ms=2000.0, known_ms=900.0))
    mid = [100.0, 100.0, 100.0, 100.5, 100.5, 100.5, 100.5]
    assert fills(mid, [burst[0], (4800, 1, 101.2, 100.0)], aged) == [(1500, 1.0), (4800, 1.0)]


def test_while_mid_is_not_known_there_is_no_quote():
    """A gap takes the quote away."""
    gap = [100.0, 100.0, float("nan"), float("nan"), 100.0]
    assert fills(gap, [(3500, 1, 101.5, 100.0)]) == []
    assert fills(gap, [(2100, 1, 101.5, 100.0)]) == [(2100, 1.0)]
    assert fills(gap, [(4500, 1, 101.5, 100.0)]) == [(4500, 1.0)]


def test_both_sides_are_mirror_images():
    """A bid below mid is filled as an ask above it, and woken by the lowest mid."""
    mid, order = [100.0, 100.0, 100.0, 99.5, 99.5], (3300, -1, 98.8, 99.5)
    found = shadow_fills(*market(mid, [order]), Direction.SELL, 1.0, TICK, RULES)
    assert (found.time_ms.tolist(), found.net.round(6).tolist()) == ([3300], [0.5])
    slow = replace(RULES, timing=WOKEN._replace(place_ms=2000.0))
    seconds, orders = market(FLAT, [(3050, -1, 98.5, 100.0)])
    dipped = replace(seconds, quarters=seconds.quarters.copy())
    dipped.quarters[2, 1, 1] = 99.5
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
