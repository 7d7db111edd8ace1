"""Liquidation: when it comes, what is sold to whom, what is left, and that no cent is lost."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from market_making.hyperliquid.actions import read_action
from market_making.market.events import BookSnapshot, Level
from market_making.market.instrument import Listing
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import equity, liquidation_price, summary
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.notices import FillNotice, LiquidationNotice, TradesNotice
from market_making.venue.protocol.action_desk import ActionDesk
from market_making.venue.protocol.info import Info

ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40
COINS = ("BTC", "ETH")
LISTINGS = tuple(Listing(coin, 4, 25) for coin in COINS)


class Hall:
    """Two coins at 3000 with a maximum leverage of 25, and an account of 100 USDC."""

    def __init__(self, balance: float = 100.0, size: float = 5.0, listings: Sequence[Listing] = LISTINGS) -> None:
        accounts = (AccountConfig(ALICE, balance=balance), AccountConfig(BOB, balance=1_000_000.0))
        config = VenueConfig(accounts=accounts, mark_period_s=0.0)
        self.exchange = Exchange(listings, config, 1_000_000)
        self.actions = ActionDesk(self.exchange)
        self.info = Info(self.exchange, None)  # type: ignore[arg-type]
        self.size = size
        for coin in COINS:
            self.move(3000.0, coin)

    @property
    def alice(self) -> Account:
        return self.exchange.state.accounts[ALICE]

    def move(self, mid: float, coin: str = "ETH", size: float | None = None) -> None:
        bids, asks = (
            tuple(Level(round(mid + sign * 0.1 * (step + 1), 1), size or self.size) for step in range(20))
            for sign in (-1, 1)
        )
        self.exchange.on_book(BookSnapshot(coin, self.exchange.state.now_ms + 1000, bids, asks))

    def do(self, address: str = ALICE, **action: Any) -> Any:
        return self.actions.execute(self.exchange.state.accounts[address], read_action(action))

    def hold(self, size: str, *, leverage: int = 20, is_cross: bool = False, coin: str = "ETH") -> None:
        """Take a position at the market; a minus sells."""
        asset = COINS.index(coin)
        self.do(type="updateLeverage", asset=asset, isCross=is_cross, leverage=leverage)
        buys = not size.startswith("-")
        answer = self.order(coin, buys, "3100" if buys else "2900", size.lstrip("-"), "Ioc")
        assert "filled" in answer["response"]["data"]["statuses"][0], answer

    def order(self, coin: str, buys: bool, price: str, size: str, tif: str, address: str = ALICE) -> Any:
        order = {"a": COINS.index(coin), "b": buys, "p": price, "s": size, "r": False, "t": {"limit": {"tif": tif}}}
        return self.do(address, type="order", orders=[order], grouping="na")

    def ask(self, kind: str) -> Any:
        return self.info.answer({"type": kind, "user": ALICE})


@pytest.fixture
def hall() -> Iterator[Hall]:
    return Hall()


def agree(hall: Hall) -> None:
    """Both ways of adding up an account's money give the same, to the last digit."""
    for account in hall.exchange.state.accounts.values():
        prices = hall.exchange.state.prices
        assert summary(account.purse, prices).account_value == equity(account, prices)


@pytest.mark.parametrize("is_cross", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_it_comes_at_the_price_that_was_shown_and_not_before(is_cross: bool, sign: int):
    """A mark price a little before the liquidation price changes nothing; one a little beyond it closes everything."""
    hall = Hall(balance=60.0)
    hall.hold("0.3" if sign > 0 else "-0.3", is_cross=is_cross)
    shown = liquidation_price(hall.alice.purse, "ETH", hall.exchange.state.prices)
    assert shown is not None
    hall.move(round(float(shown) + sign * 1.0, 1))
    assert hall.alice.held()
    assert not hall.alice.liquidations
    hall.move(round(float(shown) - sign * 1.0, 1))
    assert not hall.alice.held()
    assert hall.ask("clearinghouseState")["assetPositions"] == []
    assert len(hall.alice.liquidations) == 1
    agree(hall)


def test_its_fills_look_like_the_real_ones(hall: Hall):
    """In the book it is a taker's fill with the exchange's note of whose liquidation it was; the rest of the account
    goes on: the other isolated position, its orders and the cash."""
    hall.hold("0.3")
    hall.hold("0.1", coin="BTC")
    hall.order("ETH", False, "3050", "0.1", "Gtc")
    hall.order("BTC", False, "3050", "0.1", "Gtc")
    hall.exchange.drain()
    hall.move(2905.0)
    fills = [fill for fill in hall.ask("userFills") if "liquidation" in fill]
    assert {(fill["coin"], fill["dir"], fill["crossed"], fill["side"]) for fill in fills} == {
        ("ETH", "Close Long", True, "A")
    }
    assert fills[0]["liquidation"] == {"liquidatedUser": ALICE, "markPx": "2905.0", "method": "market"}
    assert float(fills[0]["fee"]) > 0
    assert sum(float(fill["sz"]) for fill in fills) == pytest.approx(0.3)
    statuses = {entry["order"]["coin"]: entry["status"] for entry in hall.ask("historicalOrders")[:2]}
    assert statuses["ETH"] in ("liquidatedCanceled", "filled")
    assert [order["coin"] for order in hall.ask("openOrders")] == ["BTC"]
    assert list(hall.alice.held()) == ["BTC"]
    notices = hall.exchange.drain()
    (event,) = [notice.event for notice in notices if isinstance(notice, LiquidationNotice)]
    assert (event.positions, event.is_cross) == ((("ETH", Decimal("0.3")),), False)
    (delta,) = [update["delta"] for update in hall.ask("userNonFundingLedgerUpdates")]
    assert (delta["type"], delta["leverageType"], delta["liquidatedPositions"]) == (
        "liquidation", "Isolated", [{"coin": "ETH", "szi": "0.3"}]
    )  # fmt: skip


def test_below_two_thirds_the_liquidator_takes_position_and_margin(hall: Hall):
    """A gap beyond any book: the position goes at the mark price without a fee, and with it all of its margin."""
    hall.hold("0.3")
    before = hall.alice.purse.cash
    hall.move(2905.0, size=0.0001)  # below the maintenance margin, but the book takes next to nothing
    assert hall.alice.held()
    hall.move(2870.0, size=0.0001)
    assert not hall.alice.held()
    newest = hall.ask("userFills")[0]
    assert (newest["dir"], newest["px"], newest["fee"]) == ("Liquidated Isolated Long", "2870.0", "0.0")
    assert newest["liquidation"]["method"] == "backstop"
    assert float(hall.alice.purse.cash) == pytest.approx(float(before), abs=0.2)  # no more was lost
    agree(hall)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_gap_leaves_no_debt(sign: str):
    """However far the price jumps, an isolated position costs its margin and a cross account ends at zero."""
    for is_cross in (True, False):
        hall = Hall(balance=60.0)
        hall.hold(f"{sign}0.3", is_cross=is_cross)
        cash = hall.alice.purse.cash
        hall.move(4500.0 if sign else 1500.0)
        assert not hall.alice.held()
        worth = equity(hall.alice, hall.exchange.state.prices)
        assert worth == (0 if is_cross else cash)
        agree(hall)


def test_all_cross_positions_fall_together(hall: Hall):
    """A cross account below its maintenance margin loses every cross position and every order."""
    hall.hold("0.3", is_cross=True)
    hall.hold("-0.2", is_cross=True, coin="BTC")
    hall.order("BTC", True, "2900", "0.01", "Gtc")
    hall.move(2700.0)
    assert not hall.alice.held()
    assert not hall.alice.open_orders
    assert {fill["coin"] for fill in hall.ask("userFills") if "liquidation" in fill} == {"BTC", "ETH"}
    agree(hall)


def test_another_client_may_be_the_buyer(hall: Hall):
    """What a liquidation sells, resting orders of clients buy first: both fills and the public trades tell of it."""
    hall.hold("0.3")
    hall.order("ETH", True, "3000.0", "0.2", "Alo", BOB)
    hall.exchange.drain()
    hall.exchange.state.prices["ETH"] = Decimal(2905)
    hall.exchange.liquidator.check()
    notices = hall.exchange.drain()
    bought = [notice.fill for notice in notices if isinstance(notice, FillNotice) and notice.address == BOB]
    assert [(fill.size, fill.is_taker) for fill in bought] == [(Decimal("0.2"), False)]
    assert bought[0].liquidation is not None
    assert bought[0].liquidation.user == ALICE
    sold = sum(notice.fill.size for notice in notices if isinstance(notice, FillNotice) and notice.address == ALICE)
    assert sold == Decimal("0.3")
    trades = [trade for notice in notices if isinstance(notice, TradesNotice) for trade in notice.trades]
    assert next(trade.buyer for trade in trades) == BOB
    assert all(trade.seller == ALICE for trade in trades)


@pytest.mark.parametrize("seed", range(20))
def test_no_cent_is_lost_whatever_happens(seed: int):
    """Random positions, leverages, gaps and thin books: both sides of the identity stay equal, no account is worth less
    than nothing after a liquidation, and funding is still paid."""
    chance, hall = Random(seed), Hall(balance=400.0)
    for _ in range(60):
        coin = chance.choice(COINS)
        if chance.random() < 0.3:
            is_cross, leverage = chance.random() < 0.5, chance.randint(1, 25)
            hall.do(type="updateLeverage", asset=COINS.index(coin), isCross=is_cross, leverage=leverage)
        if chance.random() < 0.6:
            mark = hall.exchange.state.prices[coin]
            buys = chance.random() < 0.5
            price = f"{float(mark) * (1.02 if buys else 0.98):.0f}"
            hall.order(coin, buys, price, f"{chance.uniform(0.01, 1.0):.4f}", "Ioc")
        hall.move(round(chance.uniform(0.8, 1.25) * 3000, 1), coin, chance.choice([0.001, 0.05, 5.0]))
        if chance.random() < 0.1:
            hall.exchange.advance(hall.exchange.state.now_ms + 3_600_000)
        agree(hall)
        held = hall.alice.held()
        if not held:
            assert hall.alice.purse.cash >= 0
    assert hall.alice.statistics.liquidations == len(hall.alice.liquidations)
