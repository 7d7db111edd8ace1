"""News of orders are merged whatever their order, counted once, and believed only while they come when they must."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.known_orders import KnownOrders

OID = 7


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def words(status="open", left="1.0", time_ms=1, oid=OID, size="1.0"):
    order = {"coin": "ETH", "side": "B", "limitPx": "99.0", "sz": left, "oid": oid, "timestamp": 5, "origSz": size}
    return {"order": order, "status": status, "statusTimestamp": time_ms}


def answered(*state):
    told = words(*state)
    return {"status": "order", "order": told | {"order": told["order"] | {"tif": "Alo", "children": []}}}


def fill(size, number, oid=OID):
    return {"coin": "ETH", "px": "99.0", "sz": size, "oid": oid, "tid": number, "time": number, "side": "B"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def orders(clock):
    orders = KnownOrders(clock)
    orders.ready()
    return orders


@pytest.fixture
def resting(orders, clock):
    """An order that was placed, told and asked about."""
    orders.placed(OID)
    orders.take_updates([words()])
    orders.asked(OID, answered(), clock.now_s)
    return orders


def test_an_answer_holds_until_news_come(resting, clock):
    """And is never the caller's to change."""
    resting.answer(OID)["order"]["status"] = "spoilt"
    assert resting.answer(OID) == answered()
    clock.now_s += 14.9
    assert resting.answer(OID) == answered()


def test_the_exchanges_own_time_of_an_end_is_known(resting):
    """However late it is asked for; of an order that rests, or that nobody knows, there is none."""
    assert resting.ended_ms(OID) is None
    resting.take_updates([words("scheduledCancel", time_ms=1_234)])
    resting.take_updates([words("canceled", time_ms=9_999)])
    assert resting.ended_ms(OID) == 1_234, "an end is final"
    assert resting.ended_ms(OID + 1) is None


def test_every_order_is_asked_about_again_after_a_while(resting, clock):
    """Because a socket that has nothing to say says as much as one that is deaf."""
    clock.now_s += 15.1
    assert resting.answer(OID) is None
    resting.asked(OID, answered(), clock.now_s)
    assert resting.answer(OID) is not None


def test_news_are_answered_in_the_form_of_the_exchange(resting):
    """With the fields that only an answer has."""
    assert resting.take_updates([words("open", "0.4", 2)])
    resting.take_fills([fill("0.6", 1)])
    assert resting.answer(OID)["order"] == answered("open", "0.4", 2)["order"]
    resting.take_fills([fill("0.4", 2)])
    assert resting.take_updates([words("filled", "0.0", 3)])
    assert resting.answer(OID)["order"] == answered("filled", "0.0", 3)["order"]


@given(st.permutations(["0.8", "0.3", "0.0"]), st.lists(st.integers(0, 2), max_size=5))
def test_late_doubled_and_reordered_news_end_in_the_same_state(lefts, again):
    """What is left only shrinks, and an end is final."""
    orders = KnownOrders(lambda: 100.0)
    orders.ready()
    orders.asked(OID, answered(), 100.0)
    for left in [*lefts, *(lefts[each] for each in again)]:
        orders.take_updates([words("filled" if left == "0.0" else "open", left)])
    for size, number in (("0.2", 1), ("0.5", 2), ("0.3", 3), ("0.5", 2)):
        orders.take_fills([fill(size, number)])
    assert orders.answer(OID)["order"]["status"] == "filled"
    assert [each["tid"] for each in orders.fills(OID)] == [1, 2, 3]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_fills_count_only_when_they_add_up(resting, order):
    """Updates and fills come in either order; until both agree the exchange is asked."""
    news = [
        lambda: resting.take_updates([words("canceled", "0.4", 2)]),
        lambda: resting.take_fills([fill("0.5", 1)]),
        lambda: resting.take_fills([fill("0.1", 2)]),
    ]
    for number, each in enumerate(order):
        news[each]()
        told = {order[index] for index in range(number + 1)}
        complete = told == {0, 1, 2}
        assert (resting.fills(OID) is not None) is complete
        if told & {1, 2} and 0 not in told:
            assert resting.answer(OID) is None
    assert resting.answer(OID)["order"]["status"] == "canceled"


def test_a_fill_that_the_state_does_not_know_makes_it_unknown(resting):
    """Some exchanges tell of a part only by its fill."""
    assert resting.take_fills([fill("0.1", 1)])
    assert not resting.take_fills([fill("0.1", 1)])
    assert resting.answer(OID) is None
    assert resting.fills(OID) is None


def test_after_an_own_cancellation_only_the_end_is_known(resting, clock):
    """The answer of before it must not make the order look alive."""
    resting.acting_on([OID])
    assert resting.answer(OID) is None
    assert list(resting.open_orders()) == []
    resting.take_updates([words("canceled", "1.0", 2)])
    assert resting.answer(OID)["order"]["status"] == "canceled"


@pytest.mark.parametrize("kind", ["placed", "cancelled", "filled unheard"])
def test_what_the_bot_knows_anyway_must_come_within_a_second(resting, clock, kind):
    """Else the socket is deaf and nothing of it is believed."""
    if kind == "placed":
        resting.placed(8)
        late = words(oid=8)
    elif kind == "cancelled":
        resting.acting_on([OID])
        resting.cancelled(OID)
        late = words("canceled", "1.0", 2)
    else:
        resting.asked(OID, answered("filled", "0.0", 2), clock.now_s)
        late = words("filled", "0.0", 2)
    clock.now_s += 0.9
    assert resting.is_believed()
    clock.now_s += 0.2
    assert not resting.is_believed()
    assert resting.answer(OID) is None
    resting.take_updates([late])
    assert resting.is_believed()


def test_a_socket_that_tells_what_is_not_so_is_not_believed(resting, clock):
    """It says filled; two seconds later the exchange says open."""
    resting.take_updates([words("filled", "0.0", 2)])
    clock.now_s += 2.0
    resting.asked(OID, answered(), clock.now_s)
    assert not resting.is_believed()


def test_an_answer_that_was_asked_before_the_news_does_not_take_them_back(resting, clock):
    """They crossed on their way."""
    asked_s = clock.now_s
    clock.now_s += 0.3
    resting.take_updates([words("filled", "0.0", 2)])
    resting.take_fills([fill("1.0", 1)])
    resting.asked(OID, answered(), asked_s)
    assert resting.is_believed()
    assert resting.answer(OID)["order"]["status"] == "filled"


def test_after_a_cut_nothing_is_known(resting, clock):
    """Neither orders nor what was to come; the exchange is asked about each order anew."""
    resting.cancelled(OID)
    resting.forget()
    assert resting.answer(OID) is None
    assert not resting.is_believed()
    clock.now_s += 5
    resting.ready()
    assert resting.is_believed()
    assert list(resting.open_orders()) == []
    resting.asked(OID, answered(), clock.now_s)
    assert [order.oid for order in resting.open_orders()] == [OID]


def test_the_list_of_open_orders_follows_the_news(orders, clock):
    """Orders that ended are gone, new ones are there, whoever placed them, and sizes are those of now."""
    first = [words(oid=oid)["order"] | {"tif": "Alo"} for oid in (1, 2, 3)]
    assert orders.listing(b"q") is None
    orders.listed(b"q", first, clock.now_s)
    assert orders.listing(b"q") == first
    orders.take_updates([words("canceled", "1.0", 2, 1), words("open", "0.4", 2, 2), words(oid=9)])
    assert {order["oid"]: order["sz"] for order in orders.listing(b"q")} == {2: "0.4", 3: "1.0", 9: "1.0"}
    orders.cancelled(3)
    assert {order["oid"] for order in orders.listing(b"q")} == {2, 9}
    assert orders.listing(b"another") is None
    clock.now_s += 60.1
    assert orders.listing(b"q") is None


@pytest.mark.parametrize("answer", [None, {}, [None]])
def test_half_a_list_is_not_kept(orders, clock, answer):
    """The next question asks again; so does one after a cut."""
    orders.listed(b"q", answer, clock.now_s)
    assert orders.listing(b"q") is None
    orders.listed(b"q", [], clock.now_s)
    assert orders.listing(b"q") == []
    orders.forget()
    orders.ready()
    assert orders.listing(b"q") is None


def test_only_own_orders_are_ours(orders, clock):
    """Another bot, or a person, may trade on the account."""
    orders.take_updates([words(oid=9)])
    assert list(orders.open_orders()) == []
    assert orders.answer(9) is None


@pytest.mark.parametrize("answer", [None, {}, {"status": "unknownOid"}, {"order": {"status": "open"}}, []])
def test_half_an_answer_is_not_kept(orders, clock, answer):
    """The next question asks again."""
    orders.asked(OID, answer, clock.now_s)
    assert orders.answer(OID) is None


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        [None],
        [{}],
        [{"order": {"oid": "7"}, "status": "open", "statusTimestamp": 1}],
        [{"order": {"oid": 7}, "status": "open", "statusTimestamp": 1}],
        [words() | {"status": None}],
        [words(left="x")],
        [words(left="-1")],
    ],
)
def test_half_a_message_is_none(orders, message):
    """Whatever is missing."""
    with pytest.raises(MalformedMessage):
        orders.take_updates(message)


@pytest.mark.parametrize("message", [None, [None], [{"oid": 7}], [{"oid": "7", "sz": "1"}]])
def test_half_a_fill_is_none(orders, message):
    """A size and an order's number are needed."""
    with pytest.raises(MalformedMessage):
        orders.take_fills(message)


def test_memory_is_bounded(orders):
    """Of a year of orders the last are known."""
    for oid in range(2_000):
        orders.take_updates([words(oid=oid)])
    assert len(orders._orders) == 500
