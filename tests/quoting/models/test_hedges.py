"""Active and passive hedges."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Direction, Directions
from market_making.quoting.models.hedges import (
    ActiveHedge,
    PassiveHedge,
    PassiveState,
    Phase,
    Stop,
    crash_price,
    is_moved,
)
from market_making.quoting.models.ladders import deviation
from market_making.quoting.readings.observations import Balances


def hedged(balances: Balances, lots: float, mid: float) -> Balances:
    """Balances and hedge taken together."""
    return Balances(balances.stock + lots, balances.money - lots * mid)


def test_the_edge_target_of_the_worked_example():
    """40 lots at 2.5 and 10 of money, reference one half, to the edge at 65 %: 3.7 lots are sold."""
    hedge = ActiveHedge(trigger=0.65, target=0.65, release=0.3)
    assert hedge.trade(Balances(40, 10), 2.5, 0.5, 0.0) == pytest.approx(-3.7)


@given(
    stock=st.floats(0, 100),
    money=st.floats(0.1, 1e4),
    mid=st.floats(0.1, 1e3),
    reference=st.floats(0.1, 0.9),
    target=st.floats(0.0, 0.6),
    earlier=st.floats(-5, 5),
)
def test_the_hedge_hits_its_target_and_is_idempotent(stock, money, mid, reference, target, earlier):
    """After the trade the share of stock deviates by exactly the target, and nothing more is to be done."""
    hedge = ActiveHedge(trigger=0.65, target=target, release=0.0, smallest_size=0.0)
    balances = Balances(stock, money)
    trade = hedge.trade(balances, mid, reference, earlier)
    breach = deviation(hedged(balances, earlier, mid), mid, reference)
    if abs(breach) <= 0.65:
        assert trade == 0.0
        return
    after = deviation(hedged(balances, earlier + trade, mid), mid, reference)
    assert after == pytest.approx(target if breach > 0 else -target, abs=1e-9)
    assert hedge.trade(balances, mid, reference, earlier + trade) == 0.0


def test_the_hedge_is_undone_when_the_ladder_came_back():
    """Inside the release level everything that was hedged is traded back, outside it stays."""
    hedge = ActiveHedge()
    assert hedge.trade(Balances(5.5, 450.0), 100.0, 0.5, -2.0) == 2.0
    assert hedge.trade(Balances(7.0, 300.0), 100.0, 0.5, -2.0) == 0.0


def test_small_and_one_sided_hedges():
    """Nothing is traded below the least size, and a one-sided hedge never buys."""
    assert ActiveHedge(smallest_size=10).trade(Balances(9, 100), 100.0, 0.5, 0.0) == 0.0
    short = Balances(1.0, 900.0)
    assert ActiveHedge().trade(short, 100.0, 0.5, 0.0) > 0
    assert ActiveHedge(both_sides=False).trade(short, 100.0, 0.5, 0.0) == 0.0


@given(
    stock=st.floats(0, 100),
    money=st.floats(0.1, 1e4),
    mid=st.floats(0.1, 1e3),
    reference=st.floats(0.1, 0.9),
    trigger=st.floats(0.1, 0.9),
    share=st.floats(0.01, 0.99),
)
def test_a_ladder_comes_back_to_its_target_whatever_part_is_filled(stock, money, mid, reference, trigger, share):
    """A partial fill leaves exactly the rest to do, until the deviation is under the release level."""
    hedge = replace(ActiveHedge.beyond(trigger), smallest_size=0.0)
    balances = Balances(stock, money)
    lots = hedge.reduction(balances, mid, reference, hedging=False)
    breach = deviation(balances, mid, reference)
    if abs(breach) <= trigger:
        assert lots == 0.0
        return
    target = hedge.target if breach > 0 else -hedge.target
    assert deviation(hedged(balances, lots, mid), mid, reference) == pytest.approx(target, abs=1e-9)
    partly = hedged(balances, share * lots, mid)
    rest = hedge.reduction(partly, mid, reference, hedging=True)
    if abs(deviation(partly, mid, reference)) > hedge.release:
        assert rest == pytest.approx((1 - share) * lots, abs=1e-9 * (1 + abs(lots)))
    else:
        assert rest == 0.0


def test_the_crash_stop_lies_beyond_the_ladder():
    """At its share of the opening price, or a tenth further than the ladder reaches; mirrored for a short position."""
    assert crash_price(100.0, 0.0225, 0.01, is_short=False) == pytest.approx(97.75)
    assert crash_price(100.0, 0.0225, 0.01, is_short=True) == pytest.approx(102.25)
    assert crash_price(100.0, 0.0225, 0.03, is_short=False) == pytest.approx(96.7)


def test_levels_out_of_order_are_refused():
    """A hedge that would release at once is a loop."""
    with pytest.raises(ConfigurationError, match="release"):
        ActiveHedge(release=0.65)


def test_a_quiet_ladder_rests_a_stop_on_either_side():
    """Half the stock, 2.25 % away; none while the deviation is not small."""
    passive = PassiveHedge()
    buy, sell = passive.wanted(PassiveState(), Balances(4, 400), 100.0, 0.5)
    assert buy == Stop(Direction.BUY, pytest.approx(102.25), 2.0)
    assert sell == Stop(Direction.SELL, pytest.approx(97.75), 2.0)
    assert passive.wanted(PassiveState(), Balances(7, 300), 100.0, 0.5) == Directions(None, None)


def test_a_filled_stop_is_followed_by_its_stop_loss_alone():
    """A short hedge ends above its entry, a long one below; partly filled ends leave the rest."""
    passive = PassiveHedge()
    short = passive.after_fill(PassiveState(), Direction.SELL, 97.75, 2.0)
    assert short == PassiveState(Phase.SHORT, 97.75, 2.0)
    wanted = passive.wanted(short, Balances(9, 0.0), 97.0, 0.5)
    assert wanted == Directions(Stop(Direction.BUY, pytest.approx(97.75 * 1.005), 2.0), None)
    partly = passive.after_fill(short, Direction.BUY, 98.2, 0.5)
    assert partly.size == 1.5
    assert passive.after_fill(partly, Direction.BUY, 98.2, 1.5) == PassiveState()
    long = passive.after_fill(PassiveState(), Direction.BUY, 102.25, 2.0)
    assert passive.wanted(long, Balances(4, 400), 103.0, 0.5).sell.price == pytest.approx(102.25 * 0.995)


def test_stops_are_moved_only_when_it_matters():
    """Within the tolerance a resting stop stays; a missing one is placed, an unwanted one cancelled."""
    stop = Stop(Direction.SELL, 97.75, 2.0)
    assert not is_moved(stop, stop._replace(price=97.80), tolerance=0.1)
    assert is_moved(stop, stop._replace(price=97.90), tolerance=0.1)
    assert is_moved(None, stop, tolerance=0.1)
    assert is_moved(stop, None, tolerance=0.1)
    assert not is_moved(None, None, tolerance=0.1)
