"""Budget, account and trades: the small parts that keep the bot honest."""

from datetime import UTC, datetime
from math import nan
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage, SafetyError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.market.smallest_order import smallest_notional
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.freqtrade.account import AccountWatch, check_position
from market_making.trading.freqtrade.exchange_rules import names_of, require_listed
from market_making.trading.freqtrade.trade import adjustment_of, holding_of, stake_of
from market_making.trading.holding import Holding, Position, RestingOrder
from market_making.trading.plan import PlannedOrder

ETH = Instrument.hyperliquid("ETH", 4)


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 5)), max_size=60))
def test_a_budget_never_grants_more_than_it_saves_and_earns(requests):
    """Over any stretch at most one minute's worth plus what was earned meanwhile is spent on what may wait."""
    budget, now_ms, spent = ActionBudget(30), 0, 0
    budget.left(0)
    for wait_ms, actions in requests:
        now_ms += wait_ms
        if budget.left(now_ms) >= actions:
            budget.spend(actions, now_ms)
            spent += actions
    assert spent <= 30 + now_ms * 30 / 60_000 + 1e-6


def test_a_budget_never_saves_more_than_a_minute():
    """After a quiet day there is one minute's worth."""
    budget = ActionBudget(30)
    budget.spend(30, 0)
    assert budget.left(86_400_000) == 30


@given(st.lists(st.integers(1, 5), max_size=300))
def test_a_budget_is_never_overdrawn_for_long(spent):
    """However many actions a leaving position has taken, all of a minute's worth are there two minutes later."""
    budget = ActionBudget(30)
    for actions in spent:
        budget.spend(actions, 0)
    assert budget.left(120_000) == 30


@pytest.mark.parametrize("account", [0.0, 0.01, 0.0333])
def test_fills_of_the_resting_order_may_be_under_way(account):
    """The account may be ahead of the books by as much as the resting order can fill."""
    check_position(account, 0.0, RestingOrder("1", Side.BID, 3000.0, 0.0333, 0.0, 0), tolerance=1e-5)


@pytest.mark.parametrize(
    ("account", "closed", "resting"),
    [
        (0.01, 0.0, None),
        (0.0, 0.01, None),
        (-0.01, 0.01, None),
        (nan, 0.0, None),
        (0.05, 0.0, RestingOrder("1", Side.BID, 3000.0, 0.0333, 0.0, 0)),
        (0.01, 0.0, RestingOrder("1", Side.ASK, 3000.0, 0.0333, 0.0, 0)),
    ],
)
def test_any_other_difference_is_an_unknown_position(account, closed, resting):
    """More, less, the other side or no number at all: nothing is quoted on a position nobody knows."""
    with pytest.raises(SafetyError, match="unknown position"):
        check_position(account, closed, resting, tolerance=1e-5)


def test_a_spot_wallet_may_hold_more():
    """Coins that were there before are not the bot's affair; missing ones are."""
    check_position(5.0, 0.01, None, tolerance=1e-5, shared=True)
    with pytest.raises(SafetyError):
        check_position(0.0, 0.01, None, tolerance=1e-5, shared=True)


class Wallets:
    """An account that is read late."""

    def __init__(self, known, true):
        self.known, self.true, self.reads = known, true, 0

    def update(self):
        self.known, self.reads = self.true, self.reads + 1

    def get_all_positions(self):
        return {ETH.pair: SimpleNamespace(position=abs(self.known), side="short" if self.known < 0 else "long")}


def test_the_account_is_read_again_before_it_is_doubted():
    """A difference that a fresh look removes is no reason to stop."""
    wallets, watch = Wallets(0.0, 0.0), AccountWatch(5000)
    watch.check(wallets, ETH, 0.0, None, 1000)
    wallets.true = -0.0333
    watch.check(wallets, ETH, -0.0333, None, 2000)
    assert wallets.reads == 2


def test_the_account_is_read_when_it_is_old_and_not_before():
    """Every reading costs requests."""
    wallets, watch = Wallets(0.0, 0.0), AccountWatch(5000)
    for now_ms in range(1000, 12_000, 1000):
        watch.check(wallets, ETH, 0.0, None, now_ms)
    assert wallets.reads == 3


def test_a_clock_put_back_does_not_keep_the_account_from_being_read():
    """Else it would not be read until the clock has caught up."""
    wallets, watch = Wallets(0.0, 0.0), AccountWatch(5000)
    for now_ms in (3_600_000, 0):
        watch.check(wallets, ETH, 0.0, None, now_ms)
    assert wallets.reads == 2


def test_a_difference_that_stays_is_an_error():
    """Somebody else trades on this account."""
    with pytest.raises(SafetyError):
        AccountWatch(5000).check(Wallets(0.5, 0.5), ETH, 0.0, None, 1000)


def test_a_fill_is_under_way_for_three_loops_and_seconds_at_most():
    """A purchase by hand no larger than the resting order would else count as its fill for ever."""
    resting = RestingOrder("1", Side.BID, 3000.0, 0.0333, 0.0, 0)
    wallets, watch = Wallets(0.0, 0.01), AccountWatch(5000)
    for now_ms in (1000, 2000, 3000, 3999):
        watch.check(wallets, ETH, 0.0, resting, now_ms)
    assert wallets.reads == 4
    with pytest.raises(SafetyError, match=r"unknown position: the account holds 0\.01 coins"):
        watch.check(wallets, ETH, 0.0, resting, 4000)


def test_fills_that_the_books_learn_of_are_under_way_anew_each_time():
    """An order that is filled in parts, each known a loop later, never is an unknown position."""
    wallets, watch = Wallets(0.0, 0.0), AccountWatch(5000)
    for part in range(1, 10):
        wallets.true = part * 0.003
        for step, known in enumerate((part - 1, part - 1, part)):
            resting = RestingOrder("1", Side.BID, 3000.0, 0.0333 - known * 0.003, known * 0.003, 0)
            watch.check(wallets, ETH, 0.0, resting, part * 10_000 + step * 2_000)


def test_an_unknown_account_is_an_error():
    """Without wallets nothing is quoted."""
    with pytest.raises(SafetyError, match="not known"):
        AccountWatch(5000).check(None, ETH, 0.0, None, 1000)


@pytest.mark.parametrize(("total", "free", "used"), [(1000.0, 900.0, 0.1), (1000.0, 1001.0, 0.0), (0.0, 0.0, 1.0)])
def test_the_share_of_margin_in_use(total, free, used):
    """From nothing held to all of it; an empty account has none left."""
    wallets = SimpleNamespace(get_total=lambda _: total, get_free=lambda _: free)
    assert AccountWatch(5000).margin_used(wallets, "USDC") == pytest.approx(used)


def trade(*, is_short=False, amount=0.05, filled=0.01, side="buy"):
    """A trade with a partly filled order."""
    order = SimpleNamespace(
        order_id="1",
        ft_order_side=side,
        ft_order_tag="open",
        order_type="limit",
        average=None,
        safe_placement_price=3000.0,
        safe_remaining=0.02,
        safe_filled=filled,
        order_date_utc=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return SimpleNamespace(
        amount=amount,
        stake_amount=75.0,
        leverage=2.0,
        is_short=is_short,
        is_open=True,
        orders=[order],
        open_orders=[order],
    )


@pytest.mark.parametrize(
    ("is_short", "side", "coins"),
    [(False, "buy", 0.06), (False, "sell", 0.04), (True, "sell", -0.06), (True, "buy", -0.04)],
)
def test_inventory_counts_what_is_filled(is_short, side, coins):
    """Finished orders and the filled part of the resting one, signed, whatever it was."""
    assert holding_of(trade(is_short=is_short, side=side)).coins == pytest.approx(coins)


def test_no_trade_is_no_inventory():
    """None, and a trade that has just been closed, hold nothing."""
    closed = trade()
    closed.is_open = False
    assert holding_of(None) == holding_of(closed) == Holding()


def test_a_reduction_is_its_share_of_the_stake_and_all_of_it_closes():
    """Freqtrade turns the stake back into coins by the trade's own ratio; the whole stake is returned exactly."""
    half = PlannedOrder(Side.ASK, 3100.0, 0.025, 1.0, grows=False, closes=False)
    assert adjustment_of(half, trade()) == pytest.approx(-37.5)
    whole = PlannedOrder(Side.ASK, 3100.0, 0.05, 1.0, grows=False, closes=True)
    assert adjustment_of(whole, trade()) == -75.0


@given(st.integers(1, 10_000), st.integers(10_000, 99_999), st.sampled_from([1.0, 2.0, 3.0]))
def test_a_stake_comes_back_as_the_planned_size(lots, price_steps, leverage):
    """Stake over price times leverage, truncated to lots, is the size that was planned."""
    order = PlannedOrder(Side.BID, price_steps / 10, lots / 1e4, 1.0, grows=True, closes=False)
    assert ETH.size(stake_of(order, leverage) / order.price * leverage) == order.size


def test_the_smallest_order_has_the_stop_loss_in_reserve():
    """10 USDC with a stop-loss of 10 % are 11.67 USDC, and half as much again at most."""
    assert smallest_notional(10.0, -0.1) == pytest.approx(11.67 * 1.01, abs=0.01)
    assert smallest_notional(10.0, -0.99) == pytest.approx(15.0 * 1.01)


def test_a_market_that_the_exchange_has_delisted_is_not_quoted():
    """Only where the exchange says so: without a word it is believed to trade."""
    for active in (True, None):
        require_listed({"symbol": "ETH/USDC:USDC", "active": active})
    with pytest.raises(MalformedMessage, match="has delisted ETH/USDC:USDC") as refused:
        require_listed({"symbol": "ETH/USDC:USDC", "active": False})
    assert refused.value.reason is Reason.DELISTED


@pytest.mark.parametrize(
    ("kind", "market", "names"),
    [
        ("swap", ("KPEPE/USDC:USDC", "KPEPE", "kPEPE", "2"), ("kPEPE", "KPEPE/USDC:USDC", "kPEPE")),
        (
            "swap",
            ("XYZ-NVDA/USDC:USDC", "XYZ-NVDA", "xyz:NVDA", "110001"),
            ("xyz:NVDA", "XYZ-NVDA/USDC:USDC", "xyz-NVDA"),
        ),
        ("spot", ("BTC/USDC", "BTC", "UBTC", "@142"), ("@142", "BTC/USDC", "UBTC_USDC")),
        ("spot", ("HYPE/USDC", "HYPE", "HYPE", "@107"), ("@107", "HYPE/USDC", "HYPE_USDC")),
    ],
)
def test_names_are_read_from_what_ccxt_says_of_a_market(kind, market, names):
    """Never made from the pair: a spot market has a parameter file of its own, beside the perpetual's."""
    told = dict(zip(("symbol", "base", "baseName", "id"), market, strict=True))
    assert names_of("hyperliquid", told | {"quote": "USDC", "type": kind}) == names


def test_fees_of_spot_are_paid_in_the_coins_bought():
    """The wallet may hold so much less as everything that was bought has cost in fees, and not a lot more."""
    btc = Instrument.hyperliquid("BTC", 5)
    watch = AccountWatch(0.0, bases=lambda _: "BTC")
    held = SimpleNamespace(get_total=lambda _: 1.0 - 0.0007 * 3.0, update=lambda: None)
    for bought, fine in ((3.0, True), (1.0, False)):
        watch.expect({btc.pair: Position(1.0, 100_000.0, Holding(1.0), bought)})
        if fine:
            watch.check(held, btc, 1.0, None, 1000)
        else:
            with pytest.raises(SafetyError, match=r"the account holds 0\.9979 coins, own orders add up to 1"):
                watch.check(held, btc, 1.0, None, 2000)
