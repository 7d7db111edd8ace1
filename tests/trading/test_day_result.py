"""The day's result: its parts add up to what cash and position are worth more, and go on after a restart."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as some

from market_making.market.sides import Side
from market_making.safety.state_file import MoneyState, PairState
from market_making.trading.day_result import DAY_MS, DayResult, total
from market_making.trading.fills import Fill

PAIR = "ETH/USDC:USDC"


def fill(time_ms, side, price, size, mid, fee=0.0):
    """A part of an order."""
    return Fill(time_ms, PAIR, "ETH", "1", side, price, size, size, fee, False, mid)


def adds_up(money):
    """Net is the sum of its parts."""
    parts = money.spread + money.adverse_selection + money.inventory + money.funding - money.fees
    assert money.net == pytest.approx(parts, abs=1e-9)


moves = some.floats(-20, 20)
fills = some.tuples(some.sampled_from(Side), moves, some.floats(0.01, 1))


@given(
    start=some.floats(-1, 1),
    steps=some.lists(
        some.tuples(
            some.integers(1, 15_000),
            moves,
            some.none() | fills,
        ),
        min_size=1,
        max_size=30,
    ),
)
def test_the_parts_add_up_to_an_exact_ledger(start, steps):
    """Net is cash and position now less the position of the beginning at its mid, less fees, plus funding."""
    result, time_ms, mid, held, cash, fees = DayResult(0), 0, 3000.0, start, 0.0, 0.0
    result.seen(time_ms, mid, held)
    for elapsed_ms, move, filled in steps:
        if filled is not None:
            side, distance, size = filled
            price = mid - distance if side is Side.BID else mid + distance
            held += size if side is Side.BID else -size
            cash -= (size if side is Side.BID else -size) * price
            fees += 0.00015 * size * price
            result.filled(fill(time_ms, side, price, size, mid, 0.00015 * size * price))
        time_ms, mid = time_ms + elapsed_ms, mid + move
        result.seen(time_ms, mid, held)
    result.funded(0.25)
    money = result.money()
    assert money.net == pytest.approx(cash + held * mid - start * 3000.0 - fees + 0.25, abs=1e-6)
    adds_up(money)


def test_each_part_is_what_it_says():
    """A lot bought 1 below mid, mid 2 lower ten seconds later and 5 higher in the end, sold at mid plus 1."""
    result = DayResult(0)
    result.seen(0, 3000.0, 0.0)
    result.filled(fill(0, Side.BID, 2999.0, 1.0, 3000.0, fee=0.45))
    result.seen(5_000, 2999.5, 1.0)
    assert result.money().adverse_selection == pytest.approx(-0.5)  # so far
    result.seen(10_000, 2998.0, 1.0)
    result.seen(60_000, 3003.0, 1.0)
    result.filled(fill(60_000, Side.ASK, 3004.0, 1.0, 3003.0, fee=0.45))
    result.seen(70_000, 3003.0, 0.0)
    money = result.money()
    assert (money.spread, money.adverse_selection, money.inventory) == pytest.approx((2.0, -2.0, 5.0))
    assert (money.fees, money.fills, money.volume) == pytest.approx((0.9, 2, 6003.0))
    assert money.net == pytest.approx(3004.0 - 2999.0 - 0.9)


def test_a_new_day_begins_with_nothing_and_what_is_held_then():
    """What the position does after midnight is of the new day; the old day is over."""
    result = DayResult(0)
    result.seen(DAY_MS - 1_000, 3000.0, 0.0)
    result.filled(fill(DAY_MS - 1_000, Side.BID, 2999.0, 1.0, 3000.0, fee=0.45))
    result.seen(DAY_MS, 3001.0, 1.0)
    assert result.money() == MoneyState()
    result.seen(DAY_MS + 1_000, 3003.0, 1.0)
    assert result.money().inventory == pytest.approx(2.0)
    adds_up(result.money())


def test_a_restart_goes_on_with_the_result_of_the_day():
    """The state that was left is the base; what its position has done meanwhile counts, and what was filled."""
    first = DayResult(0)
    first.seen(0, 3000.0, 0.0)
    first.filled(fill(0, Side.BID, 2999.0, 1.0, 3000.0, fee=0.45))
    first.seen(60_000, 3002.0, 1.0)
    left = PairState(PAIR, "ETH", quoting=True, mid=3002.0, coins=1.0, money=first.money())
    second = DayResult(0, left)
    assert second.money() == left.money
    second.filled(fill(90_000, Side.ASK, 3005.0, 1.0, None, fee=0.45))  # while the bot was away
    second.seen(100_000, 3004.0, 0.0)
    money = second.money()
    assert money.net == pytest.approx(3005.0 - 2999.0 - 0.9)
    assert money.fills == 2
    adds_up(money)


def test_coins_that_came_without_a_fill_are_no_gain():
    """A position that the account had already, or that somebody else has opened, counts from its mid on."""
    result = DayResult(0)
    result.seen(0, 3000.0, 0.5)
    result.seen(1_000, 3000.0, 1.5)
    assert result.money().net == 0.0
    result.seen(2_000, 3001.0, 1.5)
    assert result.money().net == pytest.approx(1.5)


def test_results_of_pairs_add_up():
    """Every part of it."""
    one = MoneyState(1.0, 2.0, -0.5, -0.2, 0.1, 0.4, 3, 900.0)
    assert asdict(total([one, one])) == {name: 2 * value for name, value in asdict(one).items()}
    assert total([]) == MoneyState()
