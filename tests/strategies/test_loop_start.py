"""The start of a loop: what goes wrong with one pair is no other pair's affair."""

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
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.account import AccountWatch
from tests.live_bot import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), Reason.UNEXPECTED),
        (DataError("torn"), Reason.NUMBERS_UNUSABLE),
        (TemporaryError("busy"), Reason.EXCHANGE_ERROR),
    ],
)
def test_an_error_of_one_pair_withholds_that_pair_only(monkeypatch, error, reason):
    """Of the disk, of what is read and of the exchange: the pairs after it are planned, and its reason is logged."""
    arguments = {"config": [str(ROOT / "user_data" / "config.json")], "user_data_dir": str(ROOT / "user_data")}
    config = Configuration(arguments | {"strategy": "MarketMaking"}, RunMode.DRY_RUN).get_config()
    strategy, log, planned = StrategyResolver.load_strategy(config), [], []

    def open_desk(pair, *_):
        if pair.startswith("BTC"):
            raise error
        planned.append(pair)

    monkeypatch.setattr(Trade, "get_open_trades", list)
    strategy.dp = SimpleNamespace(current_whitelist=lambda: ["BTC/USDC:USDC", "ETH/USDC:USDC"])
    strategy._live, strategy._model, strategy._open_desk = True, object(), open_desk
    strategy._desk, strategy._account = Desk(ActionBudget(30), 400, log.append), AccountWatch(5000, spot=False)
    strategy.bot_loop_start(datetime(2026, 11, 1, tzinfo=UTC))
    assert planned == ["ETH/USDC:USDC"]
    assert [(each.coin, each.reason, each.detail) for each in log] == [("BTC", reason, str(error))]
