"""What comes of many settings in one pass is what comes of each alone: orders, cancellations, fills, the last step."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from calibration.publication.history import RESPONSE, History
from market_making.market.errors import ConfigurationError, SafetyError
from market_making.market.instrument import Instrument
from market_making.quoting.models.avellaneda_stoikov import AvellanedaStoikovSettings
from market_making.quoting.models.avellaneda_stoikov import quoter as avellaneda_stoikov
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.depth_aware import DepthAwareQuoter, DepthAwareSettings
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.preparation import calibrations_for, prepare
from market_making.settings.settings import Settings
from market_making.trading.strategy_model import StrategyModel
from tests.replay.fast_desk.random_settings import random_lags, random_model, random_tiers, said

pytest.importorskip("hftbacktest")
from market_making.replay.fast_desk import compiled, memory, readiness, run
from market_making.replay.fast_desk.preparing import why_not
from market_making.replay.fast_desk.run import FastSetup, fast_replay

ETH = Instrument.hyperliquid("ETH", 4)
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
EVERY_DAY = 12
SETTINGS = int(os.environ.get("FAST_DESK_SETTINGS", EVERY_DAY))  # of the law, on every tape
TOGETHER = 6
pytestmark = [] if SETTINGS == EVERY_DAY else pytest.mark.timeout(0)  # hours
FUNDING_RATES = 0.0000125, 0.001, -0.0002
_FRESH = """
from market_making.replay.fast_desk import readiness, tape_pass
readiness.mark().unlink(missing_ok=True)
readiness.make_ready()
assert readiness.mark().exists(), "another process has made it"
done = [function.stats for function in (tape_pass.begin_all, tape_pass.go_on)]
print(*(sum(each.cache_misses.values()) for each in done), sum(sum(each.cache_hits.values()) for each in done))
"""


@pytest.fixture
def market_making(simulated_settings):
    """`MarketMaking`'s own model."""
    quoter = cartea_jaimungal_quoter(simulated_settings.model.cartea_jaimungal())
    return StrategyModel("MarketMaking", quoter, simulated_settings)


@pytest.fixture
def alone(simulated_history, simulated_tape):
    """What the bot itself makes of a setting."""

    def run_alone(model, lags=lambda: LagProfile(Lags()), **more):
        setup = ReplaySetup(model, ETH, simulated_history, HftbacktestEngine, lags, **more)
        return said(replay(setup, [simulated_tape]))

    return run_alone


def holds(instrument, history, tapes, seed, *, two_sided=None, random_model=random_model):
    """Compare a group of random settings with the bot; return how many orders, fills and fundings were compared."""
    random = Random(seed)
    lags, models = random_lags(random), tuple(random_model(random) for _ in range(TOGETHER))
    counts = np.zeros(3, dtype=np.int64)
    more = {
        "funding_rate": random.choice(FUNDING_RATES),
        "phase_ms": random.choice((0, 0, 130, 800)),
        "two_sided": random.random() < 0.5 if two_sided is None else two_sided,
    }
    results = fast_replay(FastSetup(models, instrument, history, lags, **more), tapes)
    for model, result in zip(models, results, strict=True):
        slow = replay(ReplaySetup(model, instrument, history, HftbacktestEngine, lags, **more), tapes)
        assert said(result) == said(slow), f"seed {seed}: {model}"
        assert result.net == pytest.approx(slow.net, abs=1e-7)
        orders, paid = (
            sum(len(columns[0]) for columns in each)
            for each in zip(*((session.orders, session.fundings) for session in slow.sessions), strict=True)
        )
        counts += [orders, len(slow.sessions[0].fills.price), paid]
    return counts


def test_random_settings_do_what_the_bot_does(simulated_history, simulated_tape):
    counts = sum(
        holds(ETH, simulated_history, [simulated_tape], seed, two_sided=False) for seed in range(SETTINGS // TOGETHER)
    )
    assert counts[0] > 20 * SETTINGS
    assert counts[1] > 2 * SETTINGS
    assert counts[2] > 0, "some hold a position at the full hour"


def test_random_settings_of_depth_aware_do_what_the_bot_does(simulated_history, simulated_tape):
    """One bot, and two legs."""
    regimes, counts = with_regimes(simulated_history), np.zeros(3, dtype=np.int64)
    for seed in range(SETTINGS // TOGETHER):
        history = (simulated_history, regimes)[seed // 2 % 2]
        counts += holds(ETH, history, [simulated_tape], seed, two_sided=seed % 2 == 1, random_model=random_tiers)
    assert counts[0] > 10 * SETTINGS
    assert counts[1] > 2 * SETTINGS


def with_response(history, response):
    """The history with quotes anchored at the imbalance, off in every fifth row."""
    return with_column(history, RESPONSE, np.where(np.arange(len(history)) % 5 == 4, 0.0, response).tolist())


def with_regimes(history):
    """The history with every judgement of the flow in turn, mostly that it may be quoted, in some rows none."""
    turns = "quote", "quote", "widen", "quote", "pause", "quote", None
    return with_column(history, "regime", [turns[number % len(turns)] for number in range(len(history))])


def with_column(history, name, values):
    """The history with one column replaced."""
    table, column = history.table, history.table.schema.get_field_index(name)
    field = table.schema.field(column)
    return History(table.set_column(column, field, pa.array(values, type=field.type)))


@pytest.mark.parametrize("response", [0.05, 0.5, -0.3])
def test_they_do_where_quotes_are_anchored_at_the_imbalance(simulated_history, simulated_tape, response):
    """Little, so much that it is bounded, and against the sizes; the anchor changes what is done."""
    anchored = with_response(simulated_history, response)
    for two_sided in (False, True):
        holds(ETH, anchored, [simulated_tape], 11, two_sided=two_sided)
    model = random_model(Random(3))
    runs = (
        fast_replay(FastSetup((model,), ETH, anchored), [simulated_tape]),
        fast_replay(FastSetup((model,), ETH, simulated_history), [simulated_tape]),
    )
    assert said(runs[0][0]) != said(runs[1][0])


@pytest.mark.skipif(SETTINGS == EVERY_DAY, reason="set FAST_DESK_SETTINGS to a number of settings for a long run")
@pytest.mark.skipif(not DATA.exists(), reason=f"there are no recordings in {DATA}")
@pytest.mark.parametrize("coin", ["ETH", "BTC", "SOL", "WLFI"])
def test_they_do_on_recorded_markets(coin, tmp_path):
    harmless = {"widen_toxicity": 1000.0, "pause_toxicity": 1000.0}  # else nothing is ever opened there
    section = {"market_data": str(DATA), "calibration": {"minimum_exposure_s": 120.0}, "model": harmless}
    settings = Settings.from_section(section)
    prepared = prepare(settings, coin, tmp_path, start_ms=1_757_015_000_000)
    history = calibrations_for(settings, prepared, tmp_path)
    histories = history, with_regimes(history), with_response(history, 1e-5 * history.column("mid")[0])
    for made in (random_model, random_tiers):
        orders = 0
        for seed in range(SETTINGS // TOGETHER):
            known = histories[seed % len(histories)]
            orders += holds(prepared.instrument, known, prepared.tapes, seed, random_model=made)[0]
        assert orders > SETTINGS


def test_two_legs_do_what_two_bots_do(simulated_history, simulated_tape):
    seeds = 103, *range(105, 105 + SETTINGS // TOGETHER)  # found: a book read within a block, the bound of a table
    counts = sum(holds(ETH, simulated_history, [simulated_tape], seed, two_sided=True) for seed in seeds)
    assert counts[0] > 40 * SETTINGS
    assert counts[1] > 2 * SETTINGS


def test_what_is_made_ready_is_what_a_replay_needs(market_making, simulated_history, simulated_tape):
    readiness.make_ready()
    known = len(run.go_on.signatures), len(run.begin_all.signatures)
    fast_replay(FastSetup((market_making,), ETH, simulated_history), [simulated_tape])
    assert (len(run.go_on.signatures), len(run.begin_all.signatures)) == known == (1, 1)


def test_no_process_that_replays_compiles_and_keeps_the_compilers_memory():
    """Not even the first one, whose machine code is not there yet."""
    told = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["0", "0", "2"], "nothing is compiled here, both are read"


def test_a_setting_does_not_depend_on_the_others(market_making, simulated_history, simulated_tape, alone):
    models = tuple(replace(market_making, depth_factor=factor) for factor in (0.8, 1.4, 0.8))
    first, second, third = map(said, fast_replay(FastSetup(models, ETH, simulated_history), [simulated_tape]))
    assert first == third == alone(models[0])
    assert second == alone(models[1]) != first


def test_room_grows_with_what_is_needed(market_making, simulated_history, simulated_tape, alone, monkeypatch):
    monkeypatch.setattr(memory, "_ORDERS", 3)
    monkeypatch.setattr(run, "_DRAWN_AT_FIRST", 5)

    def lags():
        return LagProfile(Lags(), {"entry_ms": np.array([20.0, 80.0])})

    setup = FastSetup((market_making,), ETH, simulated_history, lags)
    assert said(fast_replay(setup, [simulated_tape])[0]) == alone(market_making, lags)


def test_a_setting_of_another_model_is_run_by_the_bot(market_making, simulated_history, simulated_tape, alone):
    other = replace(market_making, name="AvellanedaStoikov", quoter=avellaneda_stoikov(AvellanedaStoikovSettings()))
    assert "quotes neither from a table" in why_not(other)
    many = replace(market_making, name="DepthAware", quoter=DepthAwareQuoter(DepthAwareSettings(tiers=33)))
    assert why_not(many) == "DepthAware has 33 tiers, at most 32 are compiled"
    assert "two legs" in why_not(market_making.on_side("long_leg"))
    assert why_not(market_making.on_side("long_leg"), two_sided=True) is None
    assert why_not(market_making) is None
    setup = FastSetup((other, market_making), ETH, simulated_history, funding_rate=0.001)
    results = fast_replay(setup, [simulated_tape])
    assert [said(result) for result in results] == [alone(model, funding_rate=0.001) for model in setup.models]


def test_what_cannot_be_replayed_is_refused(market_making, simulated_history, simulated_tape):
    with pytest.raises(ConfigurationError, match="at least one setting"):
        FastSetup((), ETH, simulated_history)
    quick = FastSetup((market_making,), ETH, simulated_history, lambda: LagProfile(Lags(period_ms=5)))
    with pytest.raises(ConfigurationError, match="period_ms must be at least 20"):
        fast_replay(quick, [simulated_tape])
    tiny = market_making.settings.model_copy(
        update={"model": market_making.settings.model.model_copy(update={"order_notional": 0.01})}
    )
    with pytest.raises(SafetyError, match="order_notional must be at least one lot"):
        fast_replay(FastSetup((replace(market_making, settings=tiny),), ETH, simulated_history), [simulated_tape])


def test_without_numba_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ConfigurationError, match=r"pip install"):
        importlib.reload(compiled)
