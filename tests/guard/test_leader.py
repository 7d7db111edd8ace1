"""A venue that moves first is believed relative to its usual distance, and only while it speaks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.guard import quote_watch
from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.best_quotes import BestQuotes
from market_making.guard.leader import FRESH_S, WARM_QUOTES, WARM_S, Leader
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.quote_watch import QuoteWatch
from market_making.market.events import BestQuote, Level
from market_making.market.sides import Side
from tests.guard.documents import COIN, bot_view, order, pair_state, resting, state

RATIO = 1.0004  # of the leader's price and ours: another currency, another contract


def quote(mid):
    return BestQuote(COIN, 1, Level(mid - 0.1, 5.0), Level(mid + 0.1, 5.0))


def warmed(mid=3000.0, wobble=0.0, until_s=WARM_S + 10):
    """A leader that has been followed for a while."""
    leader, now_s = Leader("binanceusdm"), 0.0
    while now_s < until_s:
        shift = wobble if int(now_s / 0.5) % 2 else -wobble
        leader.led(quote(mid * RATIO), now_s)
        leader.followed(COIN, mid + shift, now_s)
        now_s += 0.5
    return leader, now_s


@given(st.floats(1e-3, 1e5), st.floats(-20, 20))
def test_what_the_leader_announces_is_its_move_at_our_price(mid, move_bps):
    leader, now_s = warmed(mid)
    factor = 1 + move_bps / 1e4
    leader.led(
        BestQuote(COIN, 1, Level(mid * RATIO * factor, 1.0), Level(mid * RATIO * factor * (1 + 1e-12), 1.0)), now_s
    )
    led = leader.mid(COIN, now_s)
    assert led.mid == pytest.approx(mid * factor, rel=1e-6)


@settings(max_examples=30)
@given(st.floats(0.01, 3.0))
def test_the_noise_is_how_far_its_announcements_stray(wobble):
    leader, now_s = warmed(wobble=wobble, until_s=300.0)
    led = leader.mid(COIN, now_s)
    assert led.noise == pytest.approx(wobble, rel=0.05)


def test_it_says_nothing_before_it_is_known_and_after_it_has_gone_quiet():
    leader, _ = warmed(until_s=WARM_S - 1)
    assert leader.mid(COIN, WARM_S - 1) is None
    leader, now_s = warmed()
    assert leader.mid(COIN, now_s) is not None
    assert leader.mid("BTC", now_s) is None
    assert leader.mid(COIN, now_s + FRESH_S) is None
    leader.followed(COIN, 3000.0, now_s + 5)  # our venue goes on alone: the basis must be learnt anew
    leader.led(quote(3000.0 * RATIO), now_s + 5)
    assert leader.mid(COIN, now_s + 5) is None
    leader, now_s = warmed()
    leader.forget()
    assert leader.mid(COIN, now_s) is None
    leader, now_s = warmed()
    leader.led(BestQuote(COIN, 1, None, Level(1.0, 1.0)), now_s)
    assert leader.mid(COIN, now_s) is None


def test_few_quotes_are_not_enough_however_long_it_takes():
    leader = Leader("binanceusdm")
    for now_s in range(WARM_QUOTES):
        leader.led(quote(3000.0), float(2 * now_s))
        leader.followed(COIN, 3000.0, float(2 * now_s))
    assert leader.mid(COIN, 2.0 * (WARM_QUOTES - 1)) is None


def desk(monkeypatch, leader, now_s, side=Side.BID):
    """A quote guard over one quote 3 USDC away from our mid, and its mid of now."""
    monkeypatch.setattr(quote_watch.time, "monotonic", lambda: now_s)
    orders = OpenOrders()
    price = 2997.0 if side is Side.BID else 3003.0
    orders.replace([order(original=0.0333, side=side, price=price)], 0.0)
    quotes = BestQuotes(lambda coin: iter(orders))
    watch = QuoteWatch(QuoteGuardRules(), orders, quotes, Budget(), leader)
    shown = pair_state(resting=resting(side=str(side), price=price), volatility=0.3)
    watch.stand(bot_view(state=state(shown)), is_killed=False)
    quotes.seen(quote(3000.0))
    return watch


@pytest.mark.parametrize("side", list(Side))
def test_a_quote_goes_when_the_leader_announces_that_mid_comes_too_close(monkeypatch, side):
    """Our own mid has not moved; a move away from the quote, or one within the noise, changes nothing."""
    towards = -1 if side is Side.BID else 1
    leader, now_s = warmed(wobble=0.2, until_s=300.0)
    watch = desk(monkeypatch, leader, now_s, side)
    for move, goes in ((0.0, False), (-2.0, False), (0.25, False), (2.6, True)):
        leader.led(quote((3000.0 + towards * move) * RATIO), now_s)
        found = watch.judge(COIN)
        assert bool(found) is goes, move
    assert "binanceusdm has moved first" in found[0][1].detail


def test_what_our_own_mid_shows_needs_no_leader(monkeypatch):
    """A leader that stays behind, or says the opposite, keeps nothing."""
    leader, now_s = warmed()
    watch = desk(monkeypatch, leader, now_s)
    watch._quotes.seen(quote(2997.3))
    for mid in (3000.0, 3010.0):
        leader.led(quote(mid * RATIO), now_s)
        ((_, because),) = watch.judge(COIN)
        assert "moved first" not in because.detail


@given(st.lists(st.floats(-1, 1), min_size=200, max_size=200))
@settings(max_examples=20)
def test_a_leader_that_shows_our_own_mid_never_adds_a_cancel(steps):
    """Whatever mid does: it then announces nothing that is not there."""
    leader, mid, now_s = Leader("binanceusdm"), 3000.0, 0.0
    mids = []
    for step in steps:
        now_s, mid = now_s + 0.5, mid + step
        leader.led(quote(mid), now_s)
        leader.followed(COIN, mid, now_s)
        led = leader.mid(COIN, now_s)
        if led is not None:
            mids.append((mid, led.mid))
    assert all(led == pytest.approx(own, rel=1e-12) for own, led in mids)
    assert mids
