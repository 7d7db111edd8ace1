"""A strategy loaded by name is the live one: its model with its parameters, and no trace of either is left behind."""

from pathlib import Path

import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_model

USER_DATA = Path(__file__).resolve().parents[3] / "user_data"
SETTINGS = Settings.from_section({"model": {"order_notional": 50.0}, "quote": {"tolerance_bps": 0.7}})


def test_the_model_has_the_parameters_that_were_asked_for():
    model = load_model("AvellanedaStoikov", SETTINGS, {"risk_aversion": "0.05", "depth_factor": 1.5}, USER_DATA)
    assert model.parameters["risk_aversion"] == 0.05
    assert model.depth_factor == 1.5
    assert model.settings is SETTINGS
    assert model.rules(Instrument.hyperliquid("ETH", 4)).tolerance_bps == 0.7
    assert model.smallest_orders == pytest.approx(1.05 / 0.9 * 1.01)
    usual = load_model("AvellanedaStoikov", SETTINGS, {}, USER_DATA)
    assert usual.parameters["risk_aversion"] == 0.1, "a parameter belongs to the class, and is put back"
    assert usual.depth_factor == 1.0


def test_a_model_that_looks_deep_says_so():
    assert load_model("DepthAware", SETTINGS, {}, USER_DATA).needs_deep_book
    assert not load_model("MarketMaking", SETTINGS, {}, USER_DATA).needs_deep_book


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("NoSuchStrategy", {}, "NoSuchStrategy cannot be loaded"),
        ("MarketMaking", {"risk_aversion": 1.0}, "must be one of depth_factor, inventory_share, got risk_aversion"),
        ("AvellanedaStoikov", {"horizon_seconds": "soon"}, "horizon_seconds must be of type int, got 'soon'"),
        ("AvellanedaStoikov", {"until_midnight": "perhaps"}, "until_midnight must be of type bool"),
    ],
)
def test_what_there_is_not_is_refused(name, parameters, said):
    with pytest.raises(ConfigurationError, match=said):
        load_model(name, SETTINGS, parameters, USER_DATA)
