"""An answer is kept until something happens, never beyond."""

import threading

import pytest

from market_making.trading.freqtrade.edge.asked_once import AskedOnce
from market_making.trading.freqtrade.edge.door import Door
from market_making.trading.freqtrade.edge.loop import Loop
from tests.trading.freqtrade.edge.fakes import Client


def order(status="open", size="1.0"):
    return {"status": "order", "order": {"status": status, "order": {"oid": 7, "sz": size}}}


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def client(loop):
    client = Client(clearinghouseState={"n": [1]}, orderStatus=order())
    Door(client, [AskedOnce(loop).step])
    with loop.planning():
        pass
    return client


def test_the_same_question_is_asked_once_within_a_loop(client):
    """Equal questions in any order of keys; another user's is another question."""
    for _ in range(4):
        client.ask("clearinghouseState", user="0x1")
    client.ask("clearinghouseState", user="0x2")
    assert client.asked == ["clearinghouseState"] * 2


def test_an_answer_that_a_caller_changes_is_not_the_next_callers(client):
    """Freqtrade removes keys from what it gets."""
    client.ask("clearinghouseState")["n"].clear()
    assert client.ask("clearinghouseState") == {"n": [1]}


@pytest.mark.parametrize("kind", ["l2Book", "orderStatus", "openOrders", "candleSnapshot"])
def test_books_and_orders_are_asked_every_time(client, kind):
    """The market and an order do not wait for our events."""
    client.ask(kind, oid=7)
    client.ask(kind, oid=7)
    assert client.asked == [kind] * 2


@pytest.mark.parametrize("event", ["action", "refused action", "loop", "sleep", "news", "filled", "gone"])
def test_whatever_happens_makes_answers_stale(client, loop, event):
    """After each kind of event the question is asked again."""
    client.ask("orderStatus", oid=7)
    client.ask("clearinghouseState")
    if event == "action":
        client.act()
    elif event == "refused action":
        client.answers["order"] = OSError("no answer")
        with pytest.raises(OSError, match="no answer"):
            client.act()
    elif event == "loop":
        with loop.planning():
            pass
    elif event == "sleep":
        loop.ended()
    elif event == "news":
        loop.happened()
    else:
        client.answers["orderStatus"] = order(*(("open", "0.5") if event == "filled" else ("filled", "0.0")))
        client.ask("orderStatus", oid=7)
    client.ask("clearinghouseState")
    assert client.asked.count("clearinghouseState") == 2


def test_an_order_seen_unchanged_makes_nothing_stale(client):
    """Else nothing would ever be kept: Freqtrade asks about each resting order in each loop."""
    client.ask("orderStatus", oid=7)
    client.ask("clearinghouseState")
    client.ask("orderStatus", oid=7)
    client.ask("clearinghouseState")
    assert client.asked.count("clearinghouseState") == 1


def test_outside_a_loop_nothing_is_kept(client, loop):
    """While the bot sleeps its interface asks for itself."""
    loop.ended()
    client.ask("clearinghouseState")
    client.ask("clearinghouseState")
    assert client.asked.count("clearinghouseState") == 2


def test_an_answer_that_was_under_way_at_an_event_is_not_kept(client, loop):
    """It may be of before the event."""
    asked, happened = threading.Event(), threading.Event()

    def slow():
        asked.set()
        assert happened.wait(5)
        return {"old": True}

    client.answers["clearinghouseState"] = slow
    thread = threading.Thread(target=client.ask, args=("clearinghouseState",))
    thread.start()
    assert asked.wait(5)
    loop.happened()
    happened.set()
    thread.join(5)
    client.answers["clearinghouseState"] = {"old": False}
    assert client.ask("clearinghouseState") == {"old": False}


def test_a_failed_question_is_not_kept(client):
    """The next caller asks again."""
    client.answers["clearinghouseState"] = OSError("cut")
    with pytest.raises(OSError, match="cut"):
        client.ask("clearinghouseState")
    client.answers["clearinghouseState"] = {"well": True}
    assert client.ask("clearinghouseState") == {"well": True}


@pytest.mark.parametrize("answer", [None, {}, {"status": "unknownOid"}, {"order": None}, []])
def test_an_order_that_nobody_knows_makes_answers_stale(client, answer):
    """Whatever the answer is, it does not break the question."""
    client.ask("clearinghouseState")
    client.answers["orderStatus"] = lambda: answer
    assert client.ask("orderStatus", oid=7) == answer
    client.ask("clearinghouseState")
    assert client.asked.count("clearinghouseState") == 2
