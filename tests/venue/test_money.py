"""No money appears or disappears: accounts against a ledger kept beside them, and margin figures against formulas."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.hyperliquid.actions import Builder
from market_making.hyperliquid.orders import OrderTerms, TimeInForce
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Listing
from market_making.market.sides import Direction, Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import equity, summary
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import HOUR_MS, Exchange
from market_making.venue.engine.notices import TradesNotice
from market_making.venue.engine.order_desk import Handling
from market_making.venue.order_book.order import Status
from market_making.venue.protocol.account_view import account_state, position_state
from tests.length import often

ADDRESSES = [f"0x{letter * 40}" for letter in "abc"]
LISTINGS = (Listing("BTC", 5, 40), Listing("ETH", 4, 25))
MIDS = {"BTC": 100_000.0, "ETH": 3_000.0}
TICKS = {"BTC": 1.0, "ETH": 0.1}


def book(coin: str, time_ms: int, shift: int = 0, size: float = 1.0) -> BookSnapshot:
    bids, asks = (
        tuple(Level(round(MIDS[coin] + TICKS[coin] * (shift + sign * step), 1), size) for step in range(1, 6))
        for sign in (-1, 1)
    )
    return BookSnapshot(coin, time_ms, bids, asks)


def make_exchange(**settings_: float) -> Exchange:
    accounts = tuple(AccountConfig(address, balance=100_000.0) for address in ADDRESSES)
    config = VenueConfig(accounts=accounts, mark_period_s=0.0, **settings_)  # type: ignore[arg-type]
    exchange = Exchange(LISTINGS, config, 1_000)
    for coin in MIDS:
        exchange.on_book(book(coin, 1_000))
    return exchange


def order(exchange: Exchange, owner: int, coin: str, side: Side, step: int, size: str, tif: str = "Gtc", **more):
    asset = [listing.coin for listing in LISTINGS].index(coin)
    price = Decimal(str(round(MIDS[coin] + step * TICKS[coin], 1)))
    terms = OrderTerms(asset, side, price, Decimal(size), more.pop("reduce_only", False), TimeInForce(tif), None, None)
    return exchange.desk.place(exchange.state.accounts[ADDRESSES[owner]], terms, Handling(**more))


COINS = st.sampled_from(sorted(MIDS))
STEPS = st.integers(-3, 3)
SELDOM = st.sampled_from([False, False, False, True])
BOOKS = st.tuples(st.just("book"), COINS, STEPS, st.integers(1, 30))
PRINTS = st.tuples(st.just("print"), COINS, st.sampled_from(list(Direction)), STEPS, st.integers(50, 300))
ORDERS = st.tuples(
    st.just("order"), st.integers(0, 2), COINS, st.sampled_from(list(Side)), STEPS, st.integers(2, 200),
    st.sampled_from(["Alo", "Gtc", "Ioc"]), SELDOM, SELDOM,
)  # fmt: skip
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 2), st.integers(0, 2))
MODES = st.tuples(st.just("mode"), st.integers(0, 2), COINS, st.booleans(), st.integers(1, 20))
HOURS = st.tuples(st.just("hour"))
OPERATIONS = st.lists(
    st.one_of(BOOKS, PRINTS, PRINTS, ORDERS, ORDERS, ORDERS, CANCELS, MODES, HOURS), min_size=50, max_size=80
)


def perform(exchange: Exchange, operation: tuple) -> None:
    """One random thing that can happen on a venue."""
    match operation:
        case ("book", coin, shift, size):
            exchange.on_book(book(coin, exchange.state.now_ms + 10, shift, size / 10))
        case ("print", coin, direction, step, size):
            price, time_ms = round(MIDS[coin] + step * TICKS[coin], 1), exchange.state.now_ms + 10
            exchange.on_trade(Trade(coin, time_ms, direction, price, size / 100, "1", "0xff", "0xbuyer", "0xseller"))
        case ("order", owner, coin, side, step, size, tif, reduce_only, routed):
            coins = Decimal(size) / (Decimal(3200) if coin == "BTC" else 100)
            builder = Builder("0x" + "9" * 40, 10) if routed else None
            order(exchange, owner, coin, side, step, f"{coins:.4f}", tif, reduce_only=reduce_only, builder=builder)
        case ("hour",):
            exchange.advance((exchange.state.now_ms // HOUR_MS + 1) * HOUR_MS)
        case _:
            manage(exchange.state.accounts[ADDRESSES[operation[1]]], exchange, operation)


def manage(account: Account, exchange: Exchange, operation: tuple) -> None:
    """Cancel an order, or change leverage and margin mode of a flat position."""
    match operation:
        case ("cancel", _, number):
            for resting in list(account.open_orders.values())[number : number + 1]:
                exchange.desk.end(resting, Status.CANCELLED)
        case ("mode", _, coin, is_cross, leverage) if not account.position(coin).lots:
            account.position(coin).is_cross, account.position(coin).leverage = is_cross, leverage


def ledger_equity(account: Account, prices: dict[str, Decimal]) -> Fraction:
    """Worth of an account from its list of fills and fundings alone, in exact fractions."""
    money, held = Fraction(account.purse.deposits), dict.fromkeys(prices, Fraction(0))
    for fill in account.fills:
        signed = Fraction(fill.size) * (1 if fill.side is Side.BID else -1)
        money -= signed * Fraction(fill.price) + Fraction(fill.fee)
        held[fill.coin] += signed
    money += sum(Fraction(payment.amount) for payment in account.fundings)
    return money + sum(held[coin] * Fraction(price) for coin, price in prices.items())


def traded_by(notices: Iterable[object], address: str, coin: str) -> Fraction:
    """What an account bought less what it sold, as everybody could see it."""
    trades = [trade for notice in notices if isinstance(notice, TradesNotice) for trade in notice.trades]
    mine = [trade for trade in trades if trade.coin == coin]
    sizes = [(Fraction(str(trade.size)), trade) for trade in mine]
    bought = sum(size for size, trade in sizes if trade.buyer == address)
    return Fraction(bought) - sum(size for size, trade in sizes if trade.seller == address)


@settings(max_examples=often(100, 40))
@given(OPERATIONS)
def test_every_dollar_is_accounted_for(operations: list[tuple]):
    """After any sequence: cash and values = deposits + realised − fees + funding + unrealised = the ledger of fills."""
    exchange = make_exchange(funding_rate=0.001)
    notices = []
    for operation in operations:
        perform(exchange, operation)
        notices += exchange.drain()
        prices = exchange.state.prices
        for account in exchange.state.accounts.values():
            assert summary(account.purse, prices).account_value == equity(account, prices)
            assert Fraction(equity(account, prices)) == ledger_equity(account, prices)
    for account in exchange.state.accounts.values():
        for coin, position in account.purse.positions.items():
            assert traded_by(notices, account.address, coin) == Fraction(position.size)


@settings(max_examples=often(100, 40))
@given(OPERATIONS)
def test_resting_orders_are_always_possible(operations: list[tuple]):
    """No resting order crosses the book or another one; reduce-only ones reduce; open and resting are the same set."""
    exchange = make_exchange()
    for operation in operations:
        perform(exchange, operation)
        resting = [own for coin in exchange.state.coins for side in coin.matching.sides for own in side.orders]
        for coin in exchange.state.coins:
            bids, asks = coin.matching.sides
            assert bids.best is None or asks.best is None or bids.best < asks.best
        for own in resting:
            assert 0 < own.lots <= exchange.desk.capacity(own) or own.reduce_only
            assert not own.reduce_only or exchange.desk.capacity(own) > 0
        known = [own for account in exchange.state.accounts.values() for own in account.open_orders.values()]
        assert {own.oid for own in known} == {own.oid for own in resting}


@given(
    trades=st.lists(
        st.tuples(st.integers(-300, 300).filter(bool), st.integers(29_000, 31_000)), min_size=1, max_size=30
    ),
    is_cross=st.booleans(),
)
def test_realised_profit_is_that_of_average_cost(trades, is_cross):
    """Realised profit equals the textbook's: closed size times (price − average entry), whatever the margin mode."""
    account = make_exchange().state.accounts[ADDRESSES[0]]
    position = account.position("ETH")
    position.is_cross = is_cross
    size, average, realised = Fraction(0), Fraction(0), Fraction(0)
    for lots, tenths in trades:
        price, signed = Fraction(tenths, 10), Fraction(lots) * Fraction(position.lot)
        closing = min(abs(size), abs(signed)) if size * signed < 0 else Fraction(0)
        realised += closing * (price - average) * (1 if size > 0 else -1)
        opening = abs(signed) - closing
        if opening:
            kept = abs(size) if size * signed > 0 else Fraction(0)
            average = (average * kept + price * opening) / (kept + opening)
        size += signed
        account.trade("ETH", lots, Decimal(tenths) / 10, Decimal(0))
        assert Fraction(position.size) == size
        assert float(account.purse.realised) == pytest.approx(float(realised), abs=1e-6)
        if size:
            assert float(position.entry_price) == pytest.approx(float(average), abs=1e-6)
            assert (position.isolated_cash == 0) is is_cross


def test_an_isolated_position_holds_its_margin():
    """An isolated position's margin is entry notional over leverage plus its profit; the rest stays in the account."""
    exchange = make_exchange(taker_fee=0.0)
    account = exchange.state.accounts[ADDRESSES[0]]
    account.position("ETH").is_cross, account.position("ETH").leverage = False, 5
    order(exchange, 0, "ETH", Side.BID, 1, "1", "Ioc")
    exchange.on_book(book("ETH", 2_000, shift=101))
    shown = position_state(account.purse, "ETH", exchange.state.prices)
    assert shown.entry_price == Decimal("3000.1")
    assert shown.unrealised == Decimal("10.0")
    assert shown.margin_used == Decimal("3000.1") / 5 + Decimal("10.0")
    assert shown.isolated_cash == Decimal("3000.1") / 5 - Decimal("3000.1")
    state = account_state(account, exchange.state)
    assert state.cross.account_value == Decimal(100_000) - Decimal("3000.1") / 5
    assert state.total.account_value == Decimal(100_010)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("is_cross", [True, False])
def test_at_the_liquidation_price_the_margin_left_is_the_maintenance_margin(side: Side, is_cross: bool):
    """If the mark price were the liquidation price, margin would equal maintenance margin."""
    exchange = make_exchange()
    account = exchange.state.accounts[ADDRESSES[0]]
    account.position("ETH").is_cross, account.position("ETH").leverage = is_cross, 10
    for _ in range(50 if is_cross else 1):
        order(exchange, 0, "ETH", side, 5 if side is Side.BID else -5, "4", "Ioc")
        exchange.on_book(book("ETH", exchange.state.now_ms + 1))
    price = position_state(account.purse, "ETH", exchange.state.prices).liquidation_price
    assert price is not None
    position = account.position("ETH")
    margin = position.isolated_cash + position.value(price) + (account.purse.cash if is_cross else 0)
    assert float(margin) == pytest.approx(float(abs(position.value(price)) / 50), rel=1e-12)


def test_a_short_has_no_liquidation_price_below_zero():
    """A long that is covered by the account's cash cannot be liquidated at any price."""
    exchange = make_exchange()
    order(exchange, 0, "ETH", Side.BID, 5, "1", "Ioc")
    account = exchange.state.accounts[ADDRESSES[0]]
    assert position_state(account.purse, "ETH", exchange.state.prices).liquidation_price is None


def test_longs_pay_shorts_at_the_full_hour():
    """Funding is size times oracle price times rate, from longs to shorts, once for each hour that passed."""
    exchange = make_exchange(funding_rate=0.0001)
    order(exchange, 0, "ETH", Side.BID, 0, "1", "Alo")
    order(exchange, 1, "ETH", Side.ASK, 0, "1", "Ioc")
    exchange.advance(2 * HOUR_MS)
    long, short = (exchange.state.accounts[address] for address in ADDRESSES[:2])
    assert (long.purse.funding, short.purse.funding) == (Decimal("-0.6"), Decimal("0.6"))
    assert [payment.time_ms for payment in long.fundings] == [HOUR_MS, 2 * HOUR_MS]
    assert long.position("ETH").funding_since_open == Decimal("-0.6")


def test_fees_are_those_of_maker_taker_and_builder():
    """A maker pays 1.5 bps, a taker 4.5 bps, and a builder's share comes on top, within the fee of the fill."""
    exchange = make_exchange()
    order(exchange, 0, "ETH", Side.BID, 0, "1", "Alo", builder=Builder("0x" + "9" * 40, 10))
    order(exchange, 1, "ETH", Side.ASK, 0, "1", "Ioc")
    maker, taker = (exchange.state.accounts[address].fills[-1] for address in ADDRESSES[:2])
    assert (maker.fee, maker.builder_fee, maker.is_taker) == (Decimal("0.75"), Decimal("0.3"), False)
    assert (taker.fee, taker.builder_fee, taker.is_taker) == (Decimal("1.35"), Decimal(0), True)
    assert maker.trade_id == taker.trade_id
