"""An order that cannot be asked about is looked up in lists, asked about twice in a loop, and cancelled unasked."""

from contextlib import contextmanager, suppress

import ccxt
import pytest

from market_making.hyperliquid.weights import answer_weight, question_weight
from market_making.trading.freqtrade.edge.door import Door
from market_making.trading.freqtrade.edge.loop import Loop
from market_making.trading.freqtrade.edge.unanswered import Unanswered, UnaskedCancel
from tests.trading.freqtrade.edge.fakes import TOO_MANY, Client

NOT_FOUND = ccxt.OrderNotFound('hyperliquid {"status":"unknownOid"}')
WORDS = {"oid": 7, "coin": "ETH", "side": "B", "limitPx": "3000.0", "sz": "0.5", "origSz": "1.0", "timestamp": 1}


def entry(status, **changes):
    return {"order": WORDS | changes, "status": status, "statusTimestamp": 2}


def answered(status="open", **changes):
    return {"status": "order", "order": entry(status, **changes)}


class Now:
    """Seconds that a test moves."""

    value = 0.0

    def __call__(self):
        return self.value


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def client(loop, now):
    client = Client(orderStatus=NOT_FOUND, frontendOpenOrders=[], historicalOrders=[])
    client.unanswered = Unanswered(loop, now)
    Door(client, [client.unanswered.step])
    with loop.planning():
        pass
    return client


def ask(client):
    return client.ask("orderStatus", user="0x1", oid=7)


def test_an_open_order_is_found_in_the_list(client):
    """It is answered as the exchange would answer, open, with what is left; it still does not answer for itself."""
    client.answers["frontendOpenOrders"] = [WORDS | {"oid": 6}, WORDS]
    answer = ask(client)
    assert (answer["order"]["status"], answer["order"]["order"]["sz"]) == ("open", "0.5")
    assert client.unanswered.oids == {7}


def test_an_order_on_another_dex_is_found_in_the_list_of_that_dex(loop, now):
    """The exchange tells the open orders of one dex at a time; each list is kept by itself."""
    client = Client(orderStatus=NOT_FOUND, historicalOrders=[])
    asked = []

    def listed():
        asked.append(client.body.get("dex", ""))
        return [WORDS | {"coin": "xyz:NVDA"}] if client.body.get("dex") == "xyz" else []

    client.answers["frontendOpenOrders"] = listed
    Door(client, [Unanswered(loop, now, ("", "para", "xyz")).step])
    with loop.planning():
        pass
    for _ in range(3):
        assert ask(client)["order"]["order"]["coin"] == "xyz:NVDA"
    assert asked == ["", "para", "xyz"]


@pytest.mark.parametrize("status", ["filled", "canceled", "marginCanceled"])
def test_a_past_order_is_found_with_how_it_ended(client, status):
    """The list has an entry for each state; that in which it was open is passed over."""
    client.answers["historicalOrders"] = [entry("open"), entry(status, sz="0.0"), entry("open", oid=6)]
    assert ask(client)["order"]["status"] == status
    assert client.unanswered.oids == set()


def test_lists_are_asked_for_once_in_three_seconds_and_after_a_cancellation_of_the_order(client, now):
    """They weigh much; what is done to other orders changes nothing of what they say of this one."""
    client.answers["frontendOpenOrders"] = [WORDS]
    for _ in range(3):
        ask(client)
        client.act("order", orders=[{"a": 1}])
        client.act("cancel", cancels=[{"a": 1, "o": 6}])
    assert client.asked.count("frontendOpenOrders") == 1
    client.act("cancel", cancels=[{"a": 1, "o": 7}])
    now.value = 0.1
    ask(client)
    assert client.asked.count("frontendOpenOrders") == 2
    now.value = 3.2
    ask(client)
    assert client.asked.count("frontendOpenOrders") == 3


@pytest.mark.parametrize(("is_open", "most"), [(True, 200), (False, 300)])
def test_an_order_that_nobody_can_ask_about_costs_a_quarter_of_the_limit_while_others_are_moved(
    client, now, loop, is_open, most
):
    """Each loop of a minute moves the orders of five pairs, and Freqtrade asks for the sixth up to six times."""
    client.answers["frontendOpenOrders"] = [WORDS] if is_open else []
    client.answers["historicalOrders"] = [entry("open", oid=6)] * 200
    weights = []
    for second in range(180):
        now.value = float(second)
        asked = len(client.asked)
        with loop.planning():
            pass
        for number in range(5):
            for _ in range(6):
                with suppress(ccxt.NetworkError):
                    ask(client)
            client.act("cancel", cancels=[{"a": number, "o": 100 + number}])
            client.act("order", orders=[{"a": number}])
        kinds = [kind for kind in client.asked[asked:] if kind not in ("order", "cancel", "orderStatus")]
        weights.append(sum(question_weight(kind) + answer_weight(kind, client.answers[kind]) for kind in kinds))
    assert sum(weights[60:120]) <= most
    assert sum(weights[:60]) <= 2 * most  # while it is new it is looked for more often


def test_an_order_that_leaves_the_open_ones_is_looked_for_among_past_ones_anew(client, now):
    """However long the list of past orders is good for others: it is from before its end."""
    for second in range(100):
        now.value = float(second)
        with pytest.raises(ccxt.NetworkError):
            client.ask("orderStatus", user="0x1", oid=6)
    client.answers["frontendOpenOrders"] = [WORDS]
    for second in range(100, 112):
        now.value = float(second)
        with suppress(ccxt.NetworkError):
            ask(client)
    client.answers |= {"frontendOpenOrders": [], "historicalOrders": [entry("filled", sz="0.0")]}
    now.value = 115.1
    assert ask(client)["order"]["status"] == "filled"


@pytest.mark.parametrize("lists", [None, {}, [None], TOO_MANY])
def test_an_order_that_nobody_knows_is_no_order_without_a_fill(client, lists):
    """Freqtrade would take `OrderNotFound` after a cancellation for the end of an order that was not filled."""
    client.answers["frontendOpenOrders"] = lists
    with pytest.raises(ccxt.NetworkError):
        ask(client)
    assert client.unanswered.oids == {7}


@pytest.mark.parametrize("answer", [None, {}, [], {"status": "order"}, answered(origSz="0.0", sz="0.0"), 7])
def test_half_an_answer_is_none(client, answer):
    """ccxt would make an open order of it that has no number, and Freqtrade ends."""
    client.answers["orderStatus"] = answer
    with pytest.raises(ccxt.ExchangeNotAvailable):
        ask(client)


@pytest.mark.parametrize("failure", [NOT_FOUND, TOO_MANY, ccxt.RequestTimeout("10 s"), None])
def test_a_question_that_fails_is_sent_twice_in_a_loop(client, loop, failure):
    """Freqtrade asks six times; another order, another loop, and its cancellation begin anew."""
    client.answers["orderStatus"] = failure
    for _ in range(6):
        with pytest.raises(ccxt.NetworkError):
            ask(client)
    client.act("order")
    with pytest.raises(ccxt.NetworkError):
        ask(client)
    assert client.asked.count("orderStatus") == 2
    client.act("cancel", cancels=[{"a": 1, "o": 7}])
    with pytest.raises(ccxt.NetworkError):
        ask(client)
    with loop.planning(), pytest.raises(ccxt.NetworkError):
        ask(client)
    assert client.asked.count("orderStatus") == 4


def test_before_the_first_loop_freqtrade_learns_that_an_order_is_not_found(now):
    """At the start it clears its database of orders that are long gone."""
    client = Client(orderStatus=NOT_FOUND)
    Door(client, [Unanswered(Loop(), now).step])
    with pytest.raises(ccxt.OrderNotFound):
        ask(client)


class Desk:
    """Keeps no order, or all."""

    keeps = False

    def must_cancel(self, *_):
        """Whether the plan wants it away."""
        return not self.keeps


class Trade:
    """A trade with one open order."""

    pair, amount, is_short, orders = "ETH/USDC:USDC", 0.0, False, ()

    def __init__(self, order):
        self.open_orders = self.orders = [order]


@contextmanager
def cancelling(client, monkeypatch):
    """Cancels of the client that are noted, and answered as the test says."""
    sent = []

    def cancel(oid, pair):
        sent.append((oid, pair))
        if client.refusal:
            raise client.refusal

    client.refusal, client.cancel_order = None, cancel
    for name in ("holding_of", "resting_order_of"):
        monkeypatch.setattr(f"market_making.trading.freqtrade.edge.unanswered.{name}", lambda each: each)
    yield sent


@pytest.mark.parametrize(
    ("refusal", "times"), [(None, 1), (NOT_FOUND, 1), (TOO_MANY, 3), (ccxt.RequestTimeout("10 s"), 3)]
)
def test_what_no_plan_keeps_is_cancelled_unasked_until_that_is_answered(client, monkeypatch, refusal, times):
    """An order that has ended meanwhile is not cancelled again."""
    desk, trades = Desk(), [Trade(type("Order", (), {"order_id": "7"})())]
    with cancelling(client, monkeypatch) as sent:
        unasked = UnaskedCancel(client, client.unanswered, desk)
        client.refusal = refusal
        with pytest.raises(ccxt.NetworkError):
            ask(client)
        desk.keeps = True
        unasked.cancel(trades, 0)
        assert sent == []
        desk.keeps = False
        for _ in range(3):
            unasked.cancel(trades, 0)
        assert sent == [("7", "ETH/USDC:USDC")] * times


@pytest.mark.parametrize("failure", [NOT_FOUND, TOO_MANY])
def test_an_order_that_does_not_answer_for_itself_is_not_for_freqtrade_to_cancel(client, failure):
    """It would ask for its end, and what fails then ends the loop of all pairs."""
    unasked = UnaskedCancel(client, client.unanswered, Desk())
    client.answers |= {"orderStatus": failure, "frontendOpenOrders": [WORDS]}
    with suppress(ccxt.NetworkError):
        ask(client)
    assert (unasked.takes("7"), unasked.takes("6"), unasked.takes("dry_run_buy")) == (True, False, False)
    client.answers["orderStatus"] = answered()
    ask(client)
    assert not unasked.takes("7")


def test_what_freqtrade_has_not_cancelled_in_its_loop_is_cancelled_in_the_next(client, monkeypatch):
    """It leaves a partly filled order whose parts are too small; an order that is kept again begins anew."""
    desk, trades = Desk(), [Trade(type("Order", (), {"order_id": "7"})())]
    with cancelling(client, monkeypatch) as sent:
        unasked = UnaskedCancel(client, client.unanswered, desk)
        for keeps in (False, True, False):
            desk.keeps = keeps
            unasked.cancel(trades, 0)
        assert sent == []
        for _ in range(3):
            unasked.cancel(trades, 0)
        assert sent == [("7", "ETH/USDC:USDC")]
