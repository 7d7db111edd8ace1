"""Where Freqtrade has the stop of a ladder: after every fill as far from the mean opening price, in both directions."""

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.persistence import FtNoDBContext, LocalTrade, Order
from freqtrade.resolvers import StrategyResolver
from freqtrade.strategy import IStrategy

from tests.live_bot import ROOT
from tests.puppet_market import live_config

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"
TICK, SHARE = 0.1, 0.0225
NOW = datetime(2026, 11, 1, tzinfo=UTC)
# Of a long: + adds, − reduces, each at its price; additions against it and with it, and reductions deep under water.
FILLS = (
    *((0.06, 3000.0), (0.03, 2970.0), (0.03, 2950.0), (-0.03, 2945.0), (-0.03, 2940.0), (0.01, 2935.0)),
    *((0.05, 2990.0), (0.1, 3040.0), (-0.05, 3100.0)),
)


@pytest.fixture(params=["LadderSpot", "LadderCurve", "LadderBidAsk", "LadderAuto"])
def ladder(request: pytest.FixtureRequest, tmp_path: Path) -> IStrategy:
    """A ladder as stock Freqtrade loads it."""
    private = tmp_path / "private.json"
    private.write_bytes(orjson.dumps(live_config("http://127.0.0.1:1", tmp_path)))
    arguments = {
        "config": [str(ROOT / "user_data" / "config.json"), str(private)],
        "user_data_dir": str(ROOT / "user_data"),
        "strategy": request.param,
    }
    return StrategyResolver.load_strategy(Configuration(arguments, RunMode.LIVE).get_config())


def empty_trade(*, is_short: bool, leverage: float) -> LocalTrade:
    """A trade before its first fill, as Freqtrade creates it."""
    trade = LocalTrade(
        pair=PAIR,
        base_currency="ETH",
        stake_currency="USDC",
        stake_amount=0.0,
        amount=0.0,
        open_rate=FILLS[0][1],
        open_date=NOW,
        is_open=True,
        is_short=is_short,
        leverage=leverage,
        fee_open=0.00015,
        fee_close=0.00015,
        exchange="hyperliquid",
        price_precision=TICK,
        precision_mode_price=4,
    )
    trade.adjust_stop_loss(trade.open_rate, -0.1, initial=True)
    LocalTrade.add_bt_trade(trade)
    return trade


def fill(trade: LocalTrade, size: float, price: float) -> None:
    """Enter a filled order, as Freqtrade does."""
    number = len(trade.orders) + 1
    side = trade.entry_side if size > 0 else trade.exit_side
    order = Order(
        ft_order_side=side,
        side=side,
        order_id=str(number),
        ft_pair=PAIR,
        symbol=PAIR,
        ft_is_open=False,
        status="closed",
        order_type="limit",
        ft_amount=abs(size),
        amount=abs(size),
        filled=abs(size),
        remaining=0.0,
        ft_price=price,
        price=price,
        average=price,
        cost=abs(size) * price,
        order_date=NOW + timedelta(seconds=number),
        order_filled_date=NOW + timedelta(seconds=number),
    )
    trade.orders.append(order)
    trade.recalc_trade_from_orders()


@pytest.fixture(autouse=True)
def _no_database() -> Iterator[None]:
    """Trades in memory, as in a backtest."""
    with FtNoDBContext():
        yield
    LocalTrade.reset_trades()


def exits(ladder: IStrategy, trade: LocalTrade, price: float) -> bool:
    """Whether Freqtrade leaves the position at this price of the market."""
    return bool(ladder.should_exit(trade, price, NOW, enter=False, exit_=False))


@pytest.mark.parametrize("leverage", [1.0, 3.0])
@pytest.mark.parametrize("is_short", [False, True])
def test_the_stop_follows_the_mean_opening_price_after_every_fill(ladder, is_short, leverage):
    """Towards the market and away from it, for a long and a short; between fills it stays, wherever the price goes."""
    trade, sign = empty_trade(is_short=is_short, leverage=leverage), 1 if is_short else -1
    for size, long_price in FILLS:
        price = 6000.0 - long_price if is_short else long_price
        fill(trade, size, price)
        ladder.set_crash_stops()
        stop = trade.open_rate * (1 + sign * SHARE)
        for drift in (1.0, 0.999, 1.001):
            assert not exits(ladder, trade, price * drift)
            assert trade.stop_loss == pytest.approx(stop, abs=TICK)
            trade.recalc_trade_from_orders()  # as when an order is placed
        assert exits(ladder, copy(trade), stop + sign * TICK)


@pytest.mark.parametrize("is_short", [False, True])
def test_a_fill_beyond_its_stop_is_left_at_once(ladder, is_short):
    """The price has run through the stop before Freqtrade has ever looked at the position."""
    trade = empty_trade(is_short=is_short, leverage=1.0)
    fill(trade, *FILLS[0])
    ladder.set_crash_stops()
    assert exits(ladder, trade, 3000.0 * (1.03 if is_short else 0.97))


def test_a_stop_is_measured_from_the_mean_opening_price_at_every_order():
    """Why the ladders have no `custom_stoploss`: its distance from the price of the moment is taken for another one."""
    trade = empty_trade(is_short=False, leverage=1.0)
    fill(trade, *FILLS[0])
    trade.adjust_stop_loss(2950.0, 1 - 2932.5 / 2950.0, allow_refresh=True)
    assert trade.stop_loss == 2932.5
    trade.recalc_trade_from_orders()
    assert trade.stop_loss > 2950.0
