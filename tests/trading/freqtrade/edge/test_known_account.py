"""The account's state is good for what has happened until then, never for what came after."""

import pytest

from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.known_account import KnownAccount
from market_making.trading.freqtrade.edge.known_orders import KnownOrders
from tests.trading.freqtrade.edge.test_known_orders import OID, fill, words


class Now:
    s, ms = 100.0, 1_000_000


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def account(now):
    account = KnownAccount(lambda: now.s, lambda: now.ms)
    account.asked()
    return account


def state(time_ms):
    return {"marginSummary": {"accountValue": "1.0"}, "assetPositions": [], "time": time_ms}


def test_it_is_answered_while_nothing_has_happened_since(account, now):
    """In the exchange's own words, and never the caller's to change."""
    account.take(state(now.ms))
    account.answer(since_ms=now.ms, since_s=now.s)["assetPositions"].append(1)
    assert account.answer(since_ms=now.ms, since_s=now.s) == state(now.ms)


@pytest.mark.parametrize(
    "since", [{"since_ms": 1_000_001, "since_s": 0.0}, {"since_ms": 0, "since_s": 100.1}], ids=["later", "heard later"]
)
def test_what_is_of_before_an_event_or_was_heard_before_it_is_not(account, now, since):
    """A fill of the same millisecond may not be in it."""
    account.take(state(now.ms))
    assert account.answer(**since) is None


@pytest.mark.parametrize(("later_s", "known"), [(0.9, True), (1.1, False)])
def test_it_is_known_for_a_second(account, now, later_s, known):
    """Like everything of the websocket."""
    account.take(state(now.ms))
    now.s += later_s
    now.ms += int(later_s * 1e3)
    assert (account.answer(since_ms=0, since_s=0.0) is not None) is known


def test_the_exchange_is_asked_every_half_minute_and_after_an_action_nobody_tells_of(account, now):
    """As after a change of leverage."""
    account.take(state(now.ms))
    account.acted()
    assert account.answer(since_ms=0, since_s=0.0) is None
    for _ in range(31):
        now.s, now.ms = now.s + 1.0, now.ms + 1_000
        account.take(state(now.ms))
    assert account.answer(since_ms=0, since_s=0.0) is None
    account.asked()
    assert account.answer(since_ms=0, since_s=0.0) is not None
    account.forget()
    assert account.answer(since_ms=0, since_s=0.0) is None


@pytest.mark.parametrize("told", [None, [], {}, {"time": 1}, state("1")])
def test_half_a_state_and_one_that_goes_back_are_lies(account, now, told):
    """The connection is renewed."""
    account.take(state(now.ms))
    with pytest.raises(MalformedMessage):
        account.take(told)
    with pytest.raises(MalformedMessage, match="older than the last"):
        account.take(state(now.ms - 1))


@pytest.mark.parametrize("sent", ["order", "order filled at once", "cancel"])
def test_while_what_was_sent_has_not_been_told_nothing_is_settled(now, sent):
    """Then since when the account's state must be is told by the last message about an order."""
    orders = KnownOrders(lambda: now.s)
    orders.ready()
    orders.take_updates([words(time_ms=40)])
    assert orders.settled() == (40, now.s)
    if sent == "cancel":
        orders.acting_on([OID])
    else:
        orders.placed(8, ended=sent != "order")
    assert orders.settled() is None
    now.s += 0.5
    told = words("canceled", "1.0", 50) if sent == "cancel" else words("filled", "0.0", 50, 8)
    orders.take_updates([told])
    assert orders.settled() == (50, now.s)
    now.s += 0.5
    orders.take_fills([fill("1.0", 60, 8)])
    assert orders.settled() == (60, now.s)
