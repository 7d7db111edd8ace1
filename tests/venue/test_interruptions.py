"""What a market's deployer does to it: a halt, the cap of open interest, an oracle that stands still."""

import pytest

from market_making.hyperliquid.listings import parse_universe, universe_fields
from market_making.market.instrument import Listing
from market_making.venue.engine.order_checks import CAPPED
from tests.venue.test_liquidation import ALICE, BOB, Hall, agree


def said(answer):
    (status,) = answer["response"]["data"]["statuses"]
    return status.get("error", next(iter(status)))


@pytest.fixture
def hall():
    return Hall(balance=10_000.0)


@pytest.fixture
def eth(hall):
    return hall.exchange.state.by_name["ETH"]


def statuses(hall, address=ALICE):
    return [order.status.value for order in hall.exchange.state.accounts[address].finished_orders]


def test_a_halt_ends_orders_settles_positions_and_empties_the_book(hall, eth):
    """Without notice, at the mark price and without a fee; another coin trades on."""
    hall.hold("0.1")
    hall.order("ETH", True, "2900", "0.1", "Alo")
    hall.order("BTC", True, "2900", "0.1", "Alo")
    fees = hall.alice.total("fees")
    hall.exchange.interruptions.halt(eth, hall.exchange.state.now_ms + 5_000)
    assert [order.coin for order in hall.alice.open_orders.values()] == ["BTC"]
    assert statuses(hall)[-1] == "canceled"
    assert hall.alice.position("ETH").lots == 0
    assert (hall.alice.fills[-1].price, hall.alice.total("fees")) == (eth.mark, fees)
    assert hall.ask("userFills")[0]["dir"] == "Settlement"
    agree(hall)
    assert (eth.matching.book(20, 0).bids, eth.mid()) == ((), None)
    assert "ETH" not in hall.info.answer({"type": "allMids"})
    assert said(hall.order("ETH", True, "2900", "0.1", "Alo")) == "Trading is halted."
    hall.move(3000.0)
    assert eth.mid() is None
    for _ in range(5):
        hall.move(3000.0)
    assert eth.mid() == 3000.0
    assert said(hall.order("ETH", True, "2900", "0.1", "Alo")) == "resting"


def test_at_the_cap_of_open_interest_a_position_only_shrinks(hall, eth):
    """What rests to open ends; the refusal has the exchange's own words and status."""
    hall.hold("0.1")
    hall.order("ETH", True, "2900", "0.1", "Alo")
    hall.order("ETH", False, "3100", "0.1", "Alo")
    hall.order("ETH", True, "2900", "0.1", "Alo", BOB)
    hall.exchange.interruptions.cap(eth, hall.exchange.state.now_ms + 5_000)
    assert [order.side.value for order in hall.alice.open_orders.values()] == ["ask"]
    assert statuses(hall)[-1] == statuses(hall, BOB)[-1] == "openInterestCapCanceled"
    assert hall.info.answer({"type": "perpsAtOpenInterestCap"}) == ["ETH"]
    assert said(hall.order("ETH", True, "2900", "0.1", "Alo")) == f"{CAPPED} asset=1"
    assert statuses(hall)[-1] == "positionIncreaseAtOpenInterestCapRejected"
    assert said(hall.order("ETH", False, "3100", "0.2", "Alo")) == f"{CAPPED} asset=1"
    assert statuses(hall)[-1] == "positionFlipAtOpenInterestCapRejected"
    assert said(hall.order("BTC", True, "2900", "0.1", "Alo")) == "resting"
    assert said(hall.order("ETH", False, "2900", "0.1", "Ioc")) == "filled"
    for _ in range(5):
        hall.move(3000.0)
    assert said(hall.order("ETH", True, "2900", "0.1", "Alo")) == "resting"
    assert hall.info.answer({"type": "perpsAtOpenInterestCap"}) == []


def test_an_oracle_that_stands_still_lets_the_mark_price_go_on(hall, eth):
    """It is told again as soon as its deployer renews it."""
    eth.hold_oracle(hall.exchange.state.now_ms + 3_000)
    seen = []
    for mid in (3010.0, 3020.0, 3030.0):
        hall.move(mid)
        context = eth.context(0.0, 0, hall.exchange.state.now_ms)
        seen.append((context.mark_price, context.oracle_price))
    assert seen == [(3010.0, 3000.0), (3020.0, 3000.0), (3030.0, 3030.0)]


@pytest.mark.parametrize(
    ("mode", "isolated", "keeps"), [(None, False, False), ("noCross", True, False), ("strictIsolated", True, True)]
)
def test_margin_modes_of_a_listing_are_read_and_written(mode, isolated, keeps):
    """A mode that is absent allows cross margin."""
    fields = {"name": "xyz:NVDA", "szDecimals": 3, "maxLeverage": 10} | ({"marginMode": mode} if mode else {})
    (listing,) = parse_universe({"universe": [fields]})
    assert (listing.isolated_only, listing.keeps_margin) == (isolated, keeps)
    assert parse_universe(universe_fields([listing])) == (listing,)


def test_margin_of_a_strict_isolated_position_cannot_be_taken_back():
    """It can be added."""
    hall = Hall(
        balance=10_000.0, listings=[Listing("BTC", 4, 25), Listing("ETH", 4, 25, isolated_only=True, keeps_margin=True)]
    )
    hall.hold("0.1")
    for amount, status in ((50_000_000, "ok"), (-10_000_000, "err")):
        answer = hall.do(type="updateIsolatedMargin", asset=1, isBuy=True, ntli=amount)
        assert answer["status"] == status
    assert "strict isolated" in answer["response"]
