"""The start of a loop: what goes wrong with one pair is no other pair's affair."""

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exceptions import TemporaryError
from freqtrade.persistence import Trade
from freqtrade.resolvers import StrategyResolver

from market_making.market.errors import DataError
from market_making.market.reasons import Reason
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import Event
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.freqtrade.account import AccountWatch
from market_making.trading.freqtrade.edge.install import Edge
from market_making.trading.freqtrade.live import RunningBot
from market_making.trading.freqtrade.pair_reader import PairReading
from market_making.trading.holding import Holding
from market_making.trading.journal import Journal
from market_making.trading.pair_coins import PairCoins
from market_making.trading.pair_observers import PairObservers
from tests.live_bot import ROOT
from tests.trading.conftest import MemoryLog

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), Reason.UNEXPECTED),
        (DataError("torn"), Reason.NUMBERS_UNUSABLE),
        (TemporaryError("busy"), Reason.EXCHANGE_ERROR),
        (RuntimeError("the model broke"), Reason.UNEXPECTED),
    ],
)
def test_an_error_of_one_pair_withholds_that_pair_only(monkeypatch, planner, error, reason):
    """Of the disk, of what is read, of the exchange, of no known kind; it is logged, and the next pairs are planned."""
    arguments = {"config": [str(ROOT / "user_data" / "config.json")], "user_data_dir": str(ROOT / "user_data")}
    config = Configuration(arguments | {"strategy": "MarketMaking"}, RunMode.DRY_RUN).get_config()
    strategy, log, planned = StrategyResolver.load_strategy(config), MemoryLog(), []

    def read(pair, *_):
        if pair.startswith("BTC"):
            raise error
        planned.append(pair)
        return PairReading(PairInputs(planner, "c"), Holding())

    monkeypatch.setattr(Trade, "get_open_trades", list)
    pairs = ["BTC/USDC:USDC", "ETH/USDC:USDC"]
    strategy.dp = SimpleNamespace(current_whitelist=lambda: pairs, runmode=RunMode.DRY_RUN)
    strategy._edge = Edge()
    journal = Journal(log, coins=PairCoins({"BTC/USDC:USDC": "BTC"}.get))
    strategy._live, strategy._desk = True, Desk(ActionBudget(30), 400, journal)
    account, observers = AccountWatch(5000), PairObservers(0.00015)
    reader = SimpleNamespace(read=read, account=account, observers=observers)
    strategy._bot = RunningBot(strategy, strategy._desk, reader)
    strategy.bot_loop_start(datetime(2026, 11, 1, tzinfo=UTC))
    assert planned == ["ETH/USDC:USDC"]
    ((coin, said, detail),) = [(each["coin"], each["reason"], each["detail"]) for each in log.of(Event.WITHHOLD)]
    assert (coin, said) == ("BTC", reason)
    assert detail.endswith(str(error))
    assert strategy._desk.opening_side("BTC/USDC:USDC") is None
    assert strategy._desk.opening_side("ETH/USDC:USDC") is not None


def test_a_loop_that_cannot_begin_leaves_no_plan_of_the_one_before(planner):
    """Freqtrade swallows the error and goes on to its orders."""
    arguments = {"config": [str(ROOT / "user_data" / "config.json")], "user_data_dir": str(ROOT / "user_data")}
    config = Configuration(arguments | {"strategy": "MarketMaking"}, RunMode.DRY_RUN).get_config()
    strategy, pair = StrategyResolver.load_strategy(config), "ETH/USDC:USDC"
    strategy._live, strategy._edge, strategy._desk = True, Edge(), Desk(ActionBudget(30), 400)
    strategy.dp = SimpleNamespace(current_whitelist=lambda: [pair], runmode=RunMode.DRY_RUN)
    strategy._desk.open(pair, PairInputs(planner, "c"), Holding())
    assert strategy._desk.plan(pair, Holding()) is not None

    def broken():
        raise TypeError("a message of the socket made no sense")

    strategy._edge.loop.on_start(broken)
    with suppress(TypeError):
        strategy.bot_loop_start(datetime.now(UTC))
    assert strategy._desk.plan(pair, Holding()) is None
