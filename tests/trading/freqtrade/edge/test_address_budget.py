"""Actions are counted as they are sent, the limit is read, and a refusal for want of actions is no failure."""

import ccxt
import pytest

from market_making.hyperliquid.address_limit import AddressLimit
from market_making.market.clock import now_ms
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.freqtrade.edge.address_budget import AddressBudget
from market_making.trading.freqtrade.edge.door import Door
from tests.trading.freqtrade.edge.fakes import TOO_MANY, Client

SPENT = ccxt.RateLimitExceeded('{"status":"err","response":"Too many cumulative requests sent (10001 > 10000)"}')
OPENING, LEAVING = [{"a": 1, "r": False}], [{"a": 1, "r": True}]


@pytest.fixture
def governor():
    governor = ActionGovernor(60.0, entry_actions=1)
    governor.read(AddressLimit(0, 10_000, 0), 0)
    return governor


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def client():
    client = Client(userRateLimit={"nRequestsUsed": 9_000, "nRequestsCap": 10_000, "nRequestsSurplus": 0})
    client.handle_public_address = lambda method, params: ("0x1", params)
    client.publicPostInfo = lambda question: client.ask(question["type"], user=question["user"])
    return client


@pytest.fixture
def budget(client, governor, clock):
    budget = AddressBudget(client, governor, lambda: clock[0])
    Door(client, [budget.step])
    return budget


def test_every_action_is_counted_and_a_batch_by_its_items(client, budget, governor):
    """Questions are not."""
    client.act("order", orders=OPENING)
    client.act("cancel", cancels=[{}, {}, {}])
    client.act("updateLeverage")
    client.ask("l2Book")
    assert governor.left_of_limit == 10_000 - 5


def test_an_action_whose_answer_is_lost_is_counted(client, budget, governor):
    """It may have arrived."""
    client.answers["order"] = ccxt.RequestTimeout("cut")
    with pytest.raises(ccxt.RequestTimeout):
        client.act("order", orders=OPENING)
    assert governor.left_of_limit == 9_999


def test_a_refusal_for_want_of_actions_is_a_refused_order_not_a_failure(client, budget, governor):
    """Freqtrade goes on; opening waits ten seconds, cancelling and leaving do not."""
    client.answers["order"] = SPENT
    with pytest.raises(ccxt.InvalidOrder, match="Too many cumulative"):
        client.act("order", orders=OPENING)
    assert governor.left_of_limit <= 0
    with pytest.raises(ccxt.InvalidOrder, match="was not sent"):
        client.act("order", orders=OPENING)
    with pytest.raises(ccxt.InvalidOrder, match="was not sent"):
        client.act("updateLeverage")
    client.answers["order"] = {}
    client.act("order", orders=LEAVING)
    client.act("cancel", cancels=[{}])
    assert client.asked == ["order", "order", "cancel"]


def test_a_refusal_for_the_number_of_requests_is_somebody_elses(client, budget, governor):
    """The pace answers it."""
    client.answers["order"] = TOO_MANY
    with pytest.raises(ccxt.RateLimitExceeded):
        client.act("order", orders=OPENING)
    assert governor.left_of_limit == 9_999


def test_the_limit_is_read_at_the_start_and_more_often_near_its_end(client, budget, governor, clock):
    """Every five minutes; below 1,500 every minute."""
    client.answers["userRateLimit"] = {"nRequestsUsed": 0, "nRequestsCap": 10_000}
    for now_s in (0.0, 1.0, 299.0, 300.0):
        clock[0] = now_s
        budget.refresh()
    assert client.asked == ["userRateLimit"] * 2
    client.answers["userRateLimit"] = {"nRequestsUsed": 9_000, "nRequestsCap": 10_000}
    for now_s in (600.0, 659.0, 660.0):
        clock[0] = now_s
        budget.refresh()
    assert client.asked == ["userRateLimit"] * 4
    assert (governor.used, governor.limit) == (9_000, 10_000)


@pytest.mark.parametrize("answer", [ccxt.RequestTimeout("cut"), {}, {"nRequestsUsed": None}])
def test_without_an_answer_what_was_counted_holds(client, budget, governor, clock, answer):
    """And it is asked again soon; the loop goes on."""
    client.answers["userRateLimit"] = answer
    client.act("order", orders=OPENING)
    budget.refresh()
    assert governor.left_of_limit == 9_999
    clock[0] = 11.0
    budget.refresh()
    assert client.asked.count("userRateLimit") == 2
    assert governor.hours_left(now_ms()) is not None
