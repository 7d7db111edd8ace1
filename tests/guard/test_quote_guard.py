"""The quote guard cancels what is too close and nothing else; whatever is in doubt stays."""

from math import inf, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.best_quotes import BestQuotes
from market_making.guard.quote_guard import Guarded, QuoteGuardRules, planned_distance, too_close
from market_making.guard.quote_watch import QuoteWatch
from market_making.hyperliquid.address_limit import AddressLimit
from market_making.hyperliquid.open_orders import OrderUpdate
from market_making.market.events import BestQuote, Level
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.safety.state_file import QuoteState
from tests.guard.documents import COIN, bot_view, order, pair_state, resting, state

RULES = QuoteGuardRules()
FREE = QuoteGuardRules(earned=0.0)
sides = st.sampled_from(list(Side))


@given(sides, st.floats(0.1, 50), st.floats(0.01, 5), st.floats(-60, 60))
def test_where_actions_cost_nothing_an_order_goes_exactly_when_mid_is_closer_than_allowed(side, planned, sigma, move):
    """Moves away from it never matter; both sides mirror each other."""
    away = 1 if side is Side.BID else -1
    price = 3000.0 - away * planned
    closer = -away * move
    assume(abs(closer - RULES.moves * sigma) > 1e-9)
    because = too_close(Guarded(order(side=side, price=price), planned, sigma), 3000.0 + move, inf, FREE)
    left = (planned - closer) / (sigma * sqrt(RULES.exposed_s))
    assume(not 30 < left < 40)  # between them the probability of a fill becomes zero to the last digit
    is_reachable = left <= 30
    assert (because is not None) == (closer > RULES.moves * sigma and is_reachable)
    assert because is None or because.reason is Reason.GUARD


@given(st.floats(1, 20), st.floats(0.1, 3), st.floats(0.001, 1), st.floats(0.1, 1e4), st.floats(0, 20))
def test_scarce_actions_small_orders_and_far_quotes_make_it_patient(planned, sigma, size, hours, closer):
    """Whatever makes a re-quote dearer or the loss smaller never adds a cancel."""

    def cancels(planned=planned, sigma=sigma, size=size, hours=hours):
        quote = order(price=3000.0 - planned, original=size)
        return too_close(Guarded(quote, planned, sigma), 3000.0 - closer, hours, RULES) is not None

    assert cancels() <= cancels(hours=2 * hours)
    assert cancels() <= cancels(size=2 * size)
    assert cancels(planned=2 * planned) <= cancels()
    assert cancels() <= cancels(hours=inf)


def test_the_price_of_a_requote_is_what_the_exchange_sells_its_actions_for():
    """Mid at the quote, a day of actions left: it goes when what is at stake is 3 actions of 0.0005 USDC.

    Where the account earns its actions, a tenth of that is asked for: a cancel that avoids nothing is never sent.
    """
    for hours, price in ((24.0, 0.0015), (12.0, 0.003), (inf, 0.00015)):
        for share, expected in ((0.98, False), (1.02, True)):
            closer = share * price / 0.0333
            quote = order(price=3000.0 - closer, original=0.0333)
            found = too_close(Guarded(quote, closer, 0.01), 3000.0 - closer, hours, RULES)
            assert (found is not None) == expected


PLANNED = [
    ("the state file's order", pair_state(resting=resting(planned_mid=3000.5)), 2998.0, 3.5),
    ("it has followed mid since", pair_state(resting=resting(planned_mid=3000.5, terms={"fresh": 0.5})), 2998.0, 3.0),
    ("anchored further away", pair_state(resting=resting(planned_mid=3000.5, terms={"imbalance": 0.5})), 2998.0, 3.0),
    ("anchored closer", pair_state(resting=resting(planned_mid=3000.5, terms={"imbalance": -0.5})), 2998.0, 3.5),
    ("another order of the state file", pair_state(resting=resting(9)), 2998.5, 1.5),
    ("not mentioned yet, planned closer", pair_state(), 3010.0, 3.0),
    ("not mentioned yet, arrived closer", pair_state(), 2999.0, 2.0),
    ("neither a plan nor a mid", pair_state(bid=QuoteState()), None, None),
    ("no state", None, 2999.0, None),
    ("leaving at the touch", pair_state(leaving=True, resting=resting()), 2999.0, None),
    ("planned from an unknown mid", pair_state(resting=resting(planned_mid=None)), 2999.0, None),
    ("crossed when it was seen", pair_state(), 2990.0, None),
]


@pytest.mark.parametrize(("name", "pair", "first_mid", "expected"), PLANNED, ids=[row[0] for row in PLANNED])
def test_the_planned_distance_is_the_plans_and_else_the_smaller_that_is_known(name, pair, first_mid, expected):
    assert planned_distance(order(), pair, first_mid) == expected


def quote(bid, ask, sizes=(5.0, 5.0)):
    return BestQuote(COIN, 1, Level(bid, sizes[0]), Level(ask, sizes[1]))


class Desk:
    """A quote guard over one order, with everything known."""

    def __init__(self, *found, pair=None, silent_s=0.0, killed=False):
        self.orders, self.budget = OpenOrders(), Budget()
        self.orders.replace(found or [order(original=0.0333)], 0.0)
        self.now_s = 0.0
        self.quotes = BestQuotes(lambda coin: iter(self.orders), lambda: self.now_s)
        self.watch = QuoteWatch(RULES, self.orders, self.quotes, self.budget)
        shown = pair or pair_state(resting=resting())
        self.bot = bot_view(state=state(shown), silent_s=silent_s)
        self.killed = killed
        self.stand()

    def stand(self):
        self.watch.stand(self.bot, is_killed=self.killed)

    def at(self, mid):
        if self.quotes.seen(quote(mid - 0.1, mid + 0.1)):
            return [found.oid for found, _ in self.watch.judge(COIN)]
        return []


def test_a_close_order_is_found_at_the_first_quote_that_shows_it():
    desk = Desk()
    assert desk.at(3000.0) == []
    assert desk.at(3005.0) == []
    assert desk.at(2997.3) == [1]


@pytest.mark.parametrize("doubt", ["silent", "killed", "no volatility", "no state", "trigger", "leaving", "connection"])
def test_in_doubt_nothing_is_cancelled(doubt):
    """Each of these makes a close order somebody else's business, or nobody's."""
    desk = Desk(
        order(is_trigger=doubt == "trigger"),
        pair=pair_state(volatility=None if doubt == "no volatility" else 0.3, leaving=doubt == "leaving",
                        resting=None if doubt == "connection" else resting()),
        silent_s=6.0 if doubt == "silent" else 0.0,
        killed=doubt == "killed",
    )  # fmt: skip
    if doubt == "no state":
        desk.bot = bot_view(state=None)
        desk.stand()
    desk.at(3000.0)
    if doubt == "connection":  # after which it is not known from where the order was planned
        desk.quotes.forget()
        desk.watch.forget()
        assert desk.watch.judge(COIN) == []
    assert desk.at(2997.3) == []


def test_it_is_off_at_the_reserve_and_says_so():
    """And on again when there are more actions."""
    desk = Desk()
    desk.budget.told(AddressLimit(9_500, 10_000, volume=0.0), 0.0)
    desk.stand()
    assert desk.at(2997.3) == []
    assert [alarm.name for alarm in desk.watch.alarms()] == ["budget_reserved"]
    desk.budget.told(AddressLimit(9_499, 10_000, volume=0.0), 1.0)
    desk.stand()
    assert desk.at(2997.3) == [1]
    assert list(desk.watch.alarms()) == []


def test_an_order_is_protected_before_the_state_file_mentions_it():
    """From mid as it was when the websocket told of it."""
    desk = Desk(pair=pair_state())
    new = order(2, price=2998.0)
    assert desk.at(3000.0) == []
    assert desk.orders.update(OrderUpdate(new, "open", 1), 1.0)
    assert desk.watch.judge(COIN) == []
    assert desk.at(2999.9) == []
    assert 2 in desk.at(2998.4)


@pytest.mark.parametrize(("age_s", "is_due"), [(0.0, False), (0.6, False), (0.99, False), (1.01, True)])
@pytest.mark.parametrize("side", list(Side))
def test_a_new_order_may_have_been_priced_from_any_mid_of_the_last_second(side, age_s, is_due):
    """Mid goes away from the quote while the order is on its way, and comes back to where it was priced."""
    away = 1 if side is Side.BID else -1
    desk = Desk(pair=pair_state())
    assert desk.at(3000.0 - away * 1.6) == []
    desk.now_s = 5.0
    assert desk.at(3000.0) == []  # the mid before held until now
    desk.now_s += age_s
    assert desk.orders.update(OrderUpdate(order(2, side=side, price=3000.0 - away * 2.0), "open", 1), 1.0)
    assert desk.at(3000.0) == []
    assert (2 in desk.at(3000.0 - away * 1.6)) == is_due


@given(st.integers(1, 10), sides)
def test_our_own_order_at_the_touch_does_not_move_mid(ticks, side):
    """A quote that improves the book alone shows what was there before; shared with others it is the book."""
    is_bid = side is Side.BID
    orders = OpenOrders()
    quotes = BestQuotes(lambda coin: iter(orders))
    quotes.seen(quote(2999.0, 3000.1))
    mid, price = quotes.mid(COIN), round(2999.0 + 0.1 * ticks if is_bid else 3000.1 - 0.1 * ticks, 1)
    orders.replace([order(price=price, side=side, size=0.0333)], 0.0)
    bid, ask = (price, 3000.1) if is_bid else (2999.0, price)
    quotes.seen(quote(bid, ask, (0.0333, 5.0) if is_bid else (5.0, 0.0333)))
    assert quotes.mid(COIN) == mid
    quotes.seen(quote(bid, ask, (1.0, 1.0)))
    assert quotes.mid(COIN) == (bid + ask) / 2


@given(sides, st.lists(st.floats(0.01, 1.0), min_size=2, max_size=4))
def test_own_orders_of_several_accounts_at_one_price_are_own_together(side, sizes):
    """A level that holds nothing else is no news, whoever of us has made it."""
    is_bid = side is Side.BID
    orders = OpenOrders()
    quotes = BestQuotes(lambda coin: iter(orders))
    quotes.seen(quote(2999.0, 3000.1))
    mid, price = quotes.mid(COIN), 2999.5 if is_bid else 2999.6
    orders.replace([order(n, price=price, side=side, size=size) for n, size in enumerate(sizes)], 0.0)
    shown = (price, 3000.1) if is_bid else (2999.0, price)
    quotes.seen(quote(*shown, (sum(sizes), 5.0) if is_bid else (5.0, sum(sizes))))
    assert quotes.mid(COIN) == mid
    quotes.seen(quote(*shown, (sum(sizes) + 0.01, 5.0) if is_bid else (5.0, sum(sizes) + 0.01)))
    assert quotes.mid(COIN) == sum(shown) / 2


def test_an_empty_or_crossed_side_is_no_mid():
    quotes = BestQuotes(lambda coin: [])
    assert quotes.seen(quote(3000.0, 3001.0))
    for bad in (BestQuote(COIN, 1, None, Level(1.0, 1.0)), quote(3001.0, 3000.0)):
        assert not quotes.seen(bad)
        assert quotes.mid(COIN) is None
