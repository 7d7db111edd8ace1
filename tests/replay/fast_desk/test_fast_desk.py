"""What comes of many settings in one pass is what comes of each alone."""

from dataclasses import replace

import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.fast_desk.run import FastSetup, fast_replay
from market_making.trading.strategy_model import StrategyModel

pytest.importorskip("hftbacktest")
from market_making.replay.engines.hftbacktest import HftbacktestEngine

ETH = Instrument.hyperliquid("ETH", 4)


def said(result):
    """Everything a result says but how long it took."""
    return [
        (
            session._replace(fills=(), orders=(), touch=(), fundings=()),
            [column.tolist() for column in (*session.fills, *session.orders, *session.touch)],
        )
        for session in result.sessions
    ]


def test_each_setting_is_as_it_is_alone(simulated_settings, simulated_history, simulated_tape):
    quoter = cartea_jaimungal_quoter(simulated_settings.model.cartea_jaimungal())
    usual = StrategyModel("MarketMaking", quoter, simulated_settings)
    models = (usual, replace(usual, depth_factor=1.4))
    together = fast_replay(FastSetup(models, ETH, simulated_history), [simulated_tape])
    for model, result in zip(models, together, strict=True):
        alone = replay(ReplaySetup(model, ETH, simulated_history, HftbacktestEngine), [simulated_tape])
        assert said(result) == said(alone)
        assert len(alone.sessions[0].fills.price) > 0
    assert said(together[0]) != said(together[1])


def test_without_a_setting_nothing_is_replayed(simulated_history):
    with pytest.raises(ConfigurationError, match="at least one setting"):
        FastSetup((), ETH, simulated_history)
