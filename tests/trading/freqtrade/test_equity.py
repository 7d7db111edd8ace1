"""The account's value: a fill that only the account or only the books know is neither a loss nor a gain."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from freqtrade.enums import RunMode
from freqtrade.persistence import Order, Trade, init_db
from freqtrade.wallets import Wallets

from market_making.market.sides import Side
from market_making.quoting.risk.rules import RiskLimits
from market_making.trading.freqtrade.account import AccountWatch
from market_making.trading.freqtrade.trade import position_of
from market_making.trading.holding import Position
from tests.trading.puppet_account import BTC, ETH, INSTRUMENTS, LOT, MID, STAKE, PuppetAccount, RiskBot, base_of

MOST = 3 * LOT
# Money that appears or vanishes, and be it one USDC, is a loss: at once, or against a peak that was none.
STRICT = RiskLimits(largest_position=10_000.0, daily_loss=1.0, drawdown=1.0)
USUAL = RiskLimits(largest_position=450.0, daily_loss=50.0, drawdown=100.0)


@pytest.fixture
def bot_on(planner, tmp_path):
    """A bot on an account."""
    return lambda account, limits=USUAL, **changes: RiskBot(
        account, planner, tmp_path / "risk", limits=limits, **changes
    )


@pytest.mark.parametrize("spot", [True, False])
@pytest.mark.parametrize("foreign", [0.0, 5.0])
def test_a_fill_that_only_the_account_knows_is_no_loss_and_no_gain(bot_on, spot, foreign):
    """A bid and then an ask of 100 fill after the order was looked at and before the wallet is read."""
    account = PuppetAccount(spot=spot, foreign=foreign if spot else 0.0)
    bot = bot_on(account, limits=STRICT, age_ms=0)
    for side in (Side.BID, Side.ASK):
        assert bot.loop()
        account.rest(ETH.pair, side)
        assert bot.loop()
        account.fill(ETH.pair)
        assert not bot.loop()
        account.look()
    assert bot.loop()
    assert bot.told == []


@pytest.mark.parametrize("spot", [True, False])
def test_a_fill_that_only_the_books_know_makes_the_account_be_read_again(bot_on, spot):
    """An ask of 100 was filled for 60 since the wallet was read: the value is judged, from a new reading."""
    account = PuppetAccount(spot=spot)
    bot = bot_on(account, limits=STRICT)
    bot.loop()
    account.rest(ETH.pair, Side.BID)
    account.fill(ETH.pair)
    account.look()
    account.rest(ETH.pair, Side.ASK)
    assert bot.loop()
    account.fill(ETH.pair, 0.02)
    account.look()
    reads = account.reads
    assert bot.loop()
    assert bot.loop()
    assert account.reads == reads + 1
    assert bot.told == []


def test_coins_of_another_pair_are_no_loss_of_this_one(bot_on):
    """In spot both are bought from the same cash, also while the other's fill is under way."""
    account = PuppetAccount(spot=True)
    bot = bot_on(account, limits=STRICT, age_ms=0)
    both = (ETH.pair, BTC.pair)
    assert bot.loop(pairs=both)
    account.rest(BTC.pair, Side.BID)
    for _ in range(3):
        bot.loop(pairs=both)
    account.fill(BTC.pair, 0.02)
    assert not bot.loop(pairs=(ETH.pair,))
    account.look()
    assert bot.loop(pairs=both)
    account.fill(BTC.pair)
    assert not bot.loop(pairs=both)
    account.look()
    assert bot.loop(pairs=both)
    assert bot.told == []


def test_a_loss_is_not_counted_twice_when_the_account_knows_the_exit_first(bot_on):
    """Futures, one coin from 3000, mid 2970: its exit has taken the loss of 30 into the account's cash already."""
    account = PuppetAccount(spot=False, cash=5000.0)
    bot = bot_on(account, age_ms=0, limits=replace(USUAL, largest_position=9000.0, move_share=0.5))
    account.rest(ETH.pair, Side.BID, 1.0, 3000.0)
    account.fill(ETH.pair)
    account.look()
    bot.loop(mid=3000.0)
    account.rest(ETH.pair, Side.ASK, 1.0, 2970.0)
    bot.loop(mid=2970.0)
    account.fill(ETH.pair)
    bot.loop(mid=2970.0)
    account.look()
    assert bot.loop(mid=2970.0)
    assert bot.told == []


def test_the_filled_part_of_an_addition_counts_at_its_own_price(bot_on):
    """The average of the finished orders is not what a resting one is filled at."""
    account = PuppetAccount(spot=False)
    bot = bot_on(account, limits=STRICT)
    account.rest(ETH.pair, Side.BID, 0.5, 2900.0)
    account.fill(ETH.pair)
    account.look()
    bot.loop(mid=2800.0)
    account.rest(ETH.pair, Side.BID, 0.5, 2800.0)
    account.fill(ETH.pair, 0.25)
    account.look()
    assert bot.loop(mid=2800.0)
    assert bot.told == []


def test_a_real_loss_is_noticed_in_the_loop_after_a_fill_was_under_way(bot_on):
    """Six percent vanish together with a fill: the rules wait for one loop and not longer."""
    account = PuppetAccount(spot=True)
    bot = bot_on(account)
    bot.loop()
    account.rest(ETH.pair, Side.BID)
    bot.loop()
    account.fill(ETH.pair)
    account.cash -= 60.0
    account.look()
    assert bot.loop()
    assert "the loss limit of the day is reached" in bot.told[0]


@pytest.mark.parametrize("spot", [True, False])
def test_other_rules_and_a_loss_already_found_hold_while_the_value_is_not_known(bot_on, spot):
    """A fill under way lifts no limit, and mid is watched as before."""
    account = PuppetAccount(spot=spot)
    bot = bot_on(account, age_ms=0)
    bot.loop()
    account.rest(ETH.pair, Side.BID)
    bot.loop()
    account.fill(ETH.pair)
    assert not bot.loop(mid=MID * 0.98)
    assert "mid has moved too far too fast" in bot.told[-1]
    account.look()
    account.cash -= 60.0
    assert bot.loop()
    account.rest(ETH.pair, Side.ASK)
    account.fill(ETH.pair, 0.01)
    assert not bot.loop()
    assert "the loss limit of the day is reached" in bot.told[-1]


def test_who_has_not_known_the_value_for_a_minute_opens_nothing(bot_on):
    """An order that cannot be looked at fills lot by lot, so that no fill is under way for long."""
    account = PuppetAccount(spot=False)
    bot = bot_on(account, age_ms=0)
    bot.loop()
    account.rest(ETH.pair, Side.BID)
    for loops in range(62):
        account.fill(ETH.pair, 0.0001)
        assert not bot.loop()
        assert loops >= 59 or bot.told == []
    assert bot.told == ["ETH: the account's value has not been known for 60 s"]
    account.look()
    assert bot.loop()
    assert bot.told[1:] == ["ETH: nothing"]


def test_own_coins_may_be_paid_in_and_out_of_a_spot_wallet(bot_on):
    """Foreign coins are not the bot's affair: the value is judged again once they stand still for half a minute."""
    account = PuppetAccount(spot=True, foreign=2.0)
    bot = bot_on(account, limits=STRICT, age_ms=0)
    assert bot.loop()
    account.rest(ETH.pair, Side.BID)
    for foreign in (5.0, 1.0):
        account.foreign = foreign
        assert [bot.loop() for _ in range(33)] == [False] * 30 + [True] * 3
    assert bot.told == []


def busy_loop(account, bot, random):
    """One loop in which orders may fill before and after the wallet is read, and the look at them may fail."""
    fill_some(account, random)
    settled = bot.loop(pairs=tuple(INSTRUMENTS))
    fill_some(account, random)
    if random.random() < 0.9:
        account.look()
    for pair in INSTRUMENTS.keys() - account.orders.keys():
        held = account.coins[pair]
        bid = held <= 0 if abs(held) >= MOST else random.random() < 0.5 or (account.spot and held < LOT)
        account.rest(pair, Side.BID if bid else Side.ASK)
    return settled


def fill_some(account, random):
    """Fill some orders, in whole or half."""
    for pair, order in account.orders.items():
        if random.random() < 0.3 and order.remaining > 1e-9:
            account.fill(pair, order.remaining if random.random() < 0.5 else round(order.remaining / 2, 4))


@pytest.mark.parametrize("age_ms", [0, 5000])
@pytest.mark.parametrize(("spot", "foreign"), [(True, 0.0), (True, 5.0), (False, 0.0)])
def test_whatever_fills_whenever_only_real_losses_count(planner, tmp_path, spot, foreign, age_ms):
    """At a mid that stands still fills earn and lose nothing, in any order of fills, looks and readings; 6 % do."""
    for seed in range(40):
        account, random = PuppetAccount(spot=spot, foreign=foreign), np.random.default_rng(seed)
        bot = RiskBot(account, planner, tmp_path / str(seed), limits=STRICT, age_ms=age_ms)
        settled = [busy_loop(account, bot, random) for _ in range(60)]
        assert np.mean(settled) > 0.2
        account.look()
        bot.loop(pairs=tuple(INSTRUMENTS))
        assert bot.told == []
        account.cash -= 60.0
        for _ in range(6):
            bot.loop(pairs=tuple(INSTRUMENTS))
        assert all(any(text.startswith(coin) and "loss limit" in text for text in bot.told) for coin in ("ETH", "BTC"))


@pytest.mark.parametrize("spot", [True, False])
@pytest.mark.parametrize("pairs", [(ETH.pair,), (ETH.pair, BTC.pair)])
def test_what_own_fills_do_to_the_cash_is_believed_at_once(spot, pairs):
    """Coins are bought from the cash, positions in futures are not: neither is a jump that nothing explains."""
    account = PuppetAccount(spot=spot)
    watch = AccountWatch(0, bases=base_of if spot else None, scale=300.0)

    def doubt(now_ms):
        watch.expect(account.books)
        for pair in pairs:
            position = account.books[pair]
            watch.check(account, INSTRUMENTS[pair], position.closed, position.holding.resting, now_ms)
            watch.worth(account, STAKE, pair)
        return watch.doubt

    assert doubt(1_000) is None
    for step, side in enumerate((Side.BID, Side.BID, Side.ASK, Side.ASK)):
        for pair in pairs:
            account.rest(pair, side)
            account.fill(pair)
            account.look(pair)
        assert doubt(2_000 + 1_000 * step) is None, side
    account.cash = 0.0
    assert doubt(9_000) is not None
    account.cash = 1000.0
    assert doubt(10_000) is None


# Freqtrade's own wallets, in a dry run.


@pytest.fixture
def wallets():
    """Of a spot dry run that starts with 1000 USDC."""
    init_db("sqlite://")
    config = {"dry_run": True, "dry_run_wallet": 1000.0, "trading_mode": "spot", "runmode": RunMode.DRY_RUN}
    exchange = SimpleNamespace(
        get_proxy_coin=lambda: STAKE, get_pair_base_currency=lambda pair: pair.split("/", maxsplit=1)[0]
    )
    yield Wallets(config, exchange)
    Trade.session.remove()


def entry(number):
    """Rest an order that buys a lot."""
    order = Order(ft_order_side="buy", ft_pair="ETH/USDC", ft_is_open=True, ft_amount=LOT, ft_price=MID)
    order.order_id, order.order_type, order.status, order.side = str(number), "limit", "open", "buy"
    order.price, order.amount = MID, LOT
    order.filled, order.remaining, order.order_date = 0.0, LOT, datetime(2026, 11, 1, tzinfo=UTC)
    return order


def fill(trade):
    """Fill what rests, as Freqtrade notes it."""
    for order in trade.open_orders:
        order.status, order.ft_is_open, order.filled, order.remaining, order.average = "closed", False, LOT, 0.0, MID
    trade.recalc_trade_from_orders()
    Trade.commit()


def test_a_resting_addition_is_no_gain_in_a_dry_run(bot_on, wallets):
    """Freqtrade's dry run in spot adds its stake to the total; the first entry's it has taken off before."""
    bot = bot_on(wallets, limits=STRICT, spot=True, dry_run=True)
    bot.loop({"ETH/USDC": Position()}, pairs=("ETH/USDC",))
    common = {"fee_open": 0.0, "fee_close": 0.0, "exchange": "local", "base_currency": "ETH", "stake_currency": STAKE}
    trade = Trade(pair="ETH/USDC", stake_amount=LOT * MID, amount=0.0, open_rate=MID, is_open=True, **common)
    trade.open_date = datetime(2026, 11, 1, tzinfo=UTC)
    Trade.session.add(trade)
    for number in range(3):
        trade.orders.append(entry(number))
        trade.recalc_trade_from_orders()
        Trade.commit()
        wallets.update()
        assert bot.loop({"ETH/USDC": position_of(trade)}, pairs=("ETH/USDC",))
        fill(trade)
        wallets.update()
        assert bot.loop({"ETH/USDC": position_of(trade)}, pairs=("ETH/USDC",))
    assert trade.amount == pytest.approx(3 * LOT)
    assert bot.told == []


class TakesFeeInCoins(PuppetAccount):
    """Its fee comes off the coins that were bought, and the books do not know."""

    def fill(self, pair, size=None):
        """Fill, and take a thousandth of what was bought."""
        order = self.orders[pair]
        bought = order.remaining if size is None else size
        super().fill(pair, size)
        if order.side is Side.BID:
            self.foreign -= 0.001 * bought


@pytest.mark.parametrize("size", [0.0333, 0.333])
def test_a_fee_taken_from_the_coins_is_no_fill_under_way(bot_on, size):
    """A third of a lot a buy, or three lots: the value is judged in nearly every loop, quoting never stopped."""
    account, random = TakesFeeInCoins(spot=True, foreign=5.0, cash=5000.0), np.random.default_rng(1)
    bot, judged = bot_on(account, limits=RiskLimits(10_000.0, daily_loss=50.0, drawdown=100.0)), []
    for _ in range(600):
        judged.append(bot.loop({ETH.pair: account.books[ETH.pair]}))
        if ETH.pair not in account.orders:
            account.rest(ETH.pair, Side.ASK if account.coins[ETH.pair] > 0 else Side.BID, size)
        if random.random() < 0.1:
            account.fill(ETH.pair)
        account.look()
    assert sum(judged) > 0.8 * len(judged)
    assert bot.told == []


def test_after_a_restart_with_a_resting_order_the_value_is_judged_at_once(bot_on):
    """Where wallet and books agree there is nothing foreign to be told from a fill."""
    account = PuppetAccount(spot=True)
    account.rest(ETH.pair, Side.BID)
    assert bot_on(account).loop()
