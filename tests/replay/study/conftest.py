"""Two short days of a simulated market, and a study over them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.recording.store.segments import DAY_MS
from market_making.recording.store.tick_store import TickStore
from market_making.replay.study.spec import StudySpec
from market_making.replay.study.study import Study
from market_making.replay.study.trials import ReplayRunner
from market_making.replay.study.units import units_of
from market_making.settings.settings import Settings
from market_making.trading.search_space import Dimension
from market_making.trading.strategy_model import StrategyModel
from tests.replay.markets import START_MS, record, simulated_events

DIMENSIONS = (
    Dimension("depth_factor", "quote", 1.0, low=0.4, high=1.6, step=0.1),
    Dimension("inventory_share", "risk", 1.0, choices=(0.5, 1.0)),
)


def model_of(settings, setting):
    """`MarketMaking`'s model; a worker imports it."""
    quoter = cartea_jaimungal_quoter(settings.model.cartea_jaimungal())
    return StrategyModel("MarketMaking", quoter, settings, **setting, parameters=setting)


@dataclass(frozen=True)
class Telling(ReplayRunner):
    """Writes down what it runs."""

    told: Path = Path()

    def run(self, unit, settings):
        with self.told.open("a") as file:
            shown = [getattr(each, "parameters", each) for each in settings]
            file.writelines(f"{unit.day} {sorted(setting.items())}\n" for setting in shown)
        return super().run(unit, settings)


@pytest.fixture(scope="session")
def days(tmp_path_factory) -> Path:
    """A store with 70 s of ETH on one day, and 90 s on the next."""
    root = tmp_path_factory.mktemp("days")
    for day in range(2):
        start_ms = START_MS + day * DAY_MS
        record(root, "ETH", simulated_events("ETH", 70 + 20 * day, seed=day, start_ms=start_ms))
    return root


@pytest.fixture(scope="session")
def study_of(days, tmp_path_factory):
    """A study of four trials, two at once, with the folder of its name; `runner` may be another kind."""
    pytest.importorskip("optuna")
    pytest.importorskip("hftbacktest")
    section = {
        "market_data": str(days),
        "sides": "alternate",
        "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": 3.0},
        "calibration": {"minimum_exposure_s": 20.0},
    }
    settings = Settings.from_section(section)
    root = tmp_path_factory.mktemp("studies")

    def made(name, kind=Telling, **asked):
        spec = StudySpec(coins=("ETH",), **{"trials": 4, "batch": 2} | asked)
        units = units_of(TickStore(days), spec.coins)
        folder = root / name
        runner = kind(settings, model_of, root / "cache", told=root / f"{name}.txt")
        return Study(spec, DIMENSIONS, units, runner, folder)

    return made
