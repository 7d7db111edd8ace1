"""A study is the same whoever runs it and however often it is interrupted, and no finished trial is lost."""

import os
import pickle
import signal
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.quoting.models.avellaneda_stoikov import AvellanedaStoikovSettings, quoter
from market_making.quoting.models.depth_aware import DepthAwareQuoter, DepthAwareSettings
from market_making.replay.study.cluster import connected
from market_making.replay.study.outcome import Outcome, Unscored
from market_making.replay.study.report import document, write_tables
from market_making.replay.study.search import Search
from market_making.replay.study.spec import StudySpec
from market_making.replay.study.study import scored
from market_making.replay.study.trials import Ran
from market_making.replay.study.units import Fold, folds_of
from market_making.settings.settings import Settings
from market_making.trading.search_space import Dimension, narrowed
from market_making.trading.strategy_model import StrategyModel
from tests.replay.study.conftest import DIMENSIONS, Telling


class Here:
    """Runs tasks in this process, in the order in which they are given."""

    workers = 1

    def prepare(self, runner, units):
        yield from ((unit, runner.prepare(unit)) for unit in units)

    def run(self, runner, tasks):
        yield from ((task, runner.run(task.unit, task.settings)) for task in tasks)


@dataclass(frozen=True)
class Dying(Telling):
    """Ends its process as the system would for want of memory, once, in the second batch."""

    def run(self, unit, settings):
        if self.told.exists() and self.told.read_text().count("\n") >= 2:
            with suppress(FileExistsError):
                self.told.with_suffix(".died").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().run(unit, settings)


def quiet(text, share):
    """Nobody watches."""


def found(judged):
    """Everything a study says but how long it took."""
    return [
        (
            each.fold,
            [(t.number, t.setting, t.value, t.notes.get("fills")) for t in each.tried],
            each.winner.number,
            each.held_out.net.tolist(),
            each.present.net.tolist(),
        )
        for each in judged
    ]


@pytest.fixture(scope="module")
def undisturbed(study_of):
    """A study that ran through in one process, with its folds."""
    study = study_of("undisturbed")
    return study, list(study.run(Here(), quiet))


def lines_of(study):
    """What was run, each setting by itself."""
    return study.runner.told.read_text().splitlines()


@pytest.mark.slow
def test_a_killed_worker_costs_no_finished_trial_and_changes_nothing(study_of, undisturbed):
    distributed = pytest.importorskip("distributed")
    usual, judged = undisturbed
    study = study_of("killed", Dying, settings_per_task=1)
    with connected(None, 2) as cluster:
        kept = distributed.default_client().run(lambda dask_worker: sorted(dask_worker.periodic_callbacks))
        assert len(kept) == 2
        assert not any("profile" in name for names in kept.values() for name in names), "that grows with time"
        assert len(list(cluster.prepare(study.runner, study.units))) == 2
        told = found(study.run(cluster, quiet))
    assert study.runner.told.with_suffix(".died").exists()
    assert told == found(judged)
    assert sorted(lines_of(study)) == sorted(lines_of(usual)), "what was finished is not run again"


def test_an_interrupted_study_goes_on_as_if_it_had_not_been(study_of, undisturbed):
    usual, judged = undisturbed
    study = study_of("interrupted")
    with pytest.raises(KeyboardInterrupt):
        list(study.run(Here(), interrupt_after(2)))
    assert len(lines_of(study)) == 2
    assert found(study.run(Here(), quiet)) == found(judged)
    assert lines_of(study) == lines_of(usual), "what was finished is not run again"
    assert found(study.run(Here(), quiet)) == found(judged)
    assert lines_of(study) == lines_of(usual), "a study that is done runs nothing"


def interrupt_after(trials):
    """Interrupt when so many trials have been told."""
    told = iter(range(1, trials))

    def report(text, share):
        if next(told, None) is None:
            raise KeyboardInterrupt

    return report


def test_the_winner_is_judged_on_later_days_beside_the_present_values(undisturbed, tmp_path):
    study, judged = undisturbed
    first, second = (unit.day for unit in study.units)
    assert [each.fold for each in judged] == [Fold((first,), (second,))]
    (each,) = judged
    assert each.tried[0].setting == {"depth_factor": 1.0, "inventory_share": 1.0}, "the first has present values"
    assert each.winner.value == max(tried.value for tried in each.tried)
    (ran,) = study.runner.run(study.units[1], [each.winner.setting])
    assert ran.outcome.net.tolist() == each.held_out.net.tolist()
    write_tables(judged, tmp_path)
    trials = pq.read_table(tmp_path / "trials.parquet")
    assert trials.num_rows == 4
    assert {"fold", "trial", "value", "net_per_hour", "parameter_depth_factor"} <= set(trials.column_names)
    assert pq.read_table(tmp_path / "held_out.parquet").num_rows == 1
    said = document(study, judged, 1.0, study.spent_s() / 3600)
    assert said["parameters"] == each.winner.setting
    assert (said["failed"], said["errors"]) == (0, [])
    held = said["held_out"]
    assert held["difference"] == pytest.approx(held["net_per_hour"] - held["present_per_hour"])


def test_what_the_fast_desk_runs_is_sent_as_a_model_and_all_else_as_its_setting(study_of, undisturbed):
    """A worker that is sent a model needs no Freqtrade; a strategy of the user's folder is loaded where it runs."""
    study, _ = undisturbed
    unit, setting, strange = study.units[0], {"depth_factor": 0.9, "inventory_share": 0.5}, {"depth_factor": -1.0}
    (model,) = sent = study.runner.carried(unit, [setting])
    assert (type(model), model.parameters) == (StrategyModel, setting)
    assert unhurried(study.runner.run(unit, pickle.loads(pickle.dumps(sent)))) == unhurried(
        study.runner.run(unit, [setting])
    )
    (tiers,) = replace(study.runner, model_of=depth_aware_of).carried(unit, [setting])
    assert pickle.loads(pickle.dumps(tiers)) == tiers, "a model too"
    assert tiers.name == "DepthAware"
    other = replace(study.runner, model_of=avellaneda_stoikov_of)
    assert other.carried(unit, [setting, strange]) == [setting, strange]


def avellaneda_stoikov_of(settings, setting):
    """A model without a table; it refuses a depth factor that is none."""
    if setting["depth_factor"] < 0:
        raise ConfigurationError("depth_factor must be positive")
    return StrategyModel("AvellanedaStoikov", quoter(AvellanedaStoikovSettings()), settings)


def depth_aware_of(settings, setting):
    """A model whose tiers the fast desk knows."""
    return StrategyModel("DepthAware", DepthAwareQuoter(DepthAwareSettings()), settings, parameters=setting)


def unhurried(ran):
    """What came of settings, whatever time it took."""
    return [(each.outcome.net.tolist(), each.outcome.fills, each.error) for each in ran]


def test_a_day_without_a_calibration_is_left_out_and_told_of(study_of):
    study = study_of("short")
    settings = study.runner.settings
    longer = settings.calibration.model_copy(update={"minimum_exposure_s": 65.0})
    runner = replace(study.runner, settings=settings.model_copy(update={"calibration": longer}))
    prepared = replace(study, runner=runner).prepared(Here(), quiet)
    assert [unit.day for unit in prepared.study.units] == [study.units[1].day]
    (told,) = prepared.left_out
    assert told.startswith(f"ETH on {study.units[0].day} is left out: ETH: ")
    with pytest.raises(NotEnoughData, match="must have 2 recorded days, got 1"):
        _ = prepared.study.folds


@pytest.mark.parametrize(
    ("workers", "asked", "together"),
    [
        (1, {"batch": 30}, 30),
        (2, {"batch": 30}, 15),
        (4, {"batch": 30}, 8),
        (64, {"batch": 30}, 1),
        (1, {"batch": 200}, 50),
        (4, {"batch": 30, "settings_per_task": 7}, 7),
        (1, {"batch": 3, "settings_per_task": 7}, 3),
    ],
)
def test_a_task_takes_as_many_settings_as_leave_each_worker_one(study_of, workers, asked, together):
    study = study_of("together", **asked)
    assert study.together(study.units[:1], workers) == together
    assert study.together(study.units * 32, workers) == min(asked.get("settings_per_task", 50), asked["batch"], 50)


def test_an_estimate_counts_what_is_left(study_of, undisturbed):
    """How near it comes to what a study then takes, `benchmarks/study_cost.py` measures."""
    usual, _ = undisturbed
    fresh = study_of("estimated")
    assert usual.left_s() == 0
    assert fresh.left_s() == pytest.approx(4 * 70 + 2 * 90, abs=10), "four trials, two settings on the later day"
    assert fresh.estimate(Here()) > 0
    assert list(fresh.run(Here(), quiet))
    assert fresh.left_s() == 0
    assert fresh.estimate(Here()) == 0
    assert fresh.spent_s() > 0


def test_a_picture_shows_trials_later_days_and_every_parameter(undisturbed):
    pytest.importorskip("matplotlib")
    from market_making.replay.study.study_plot import study_picture

    figure = study_picture(*undisturbed)
    assert [axes.get_title() for axes in figure.axes][2:] == [each.name for each in DIMENSIONS]
    assert len(figure.axes[1].get_xticks()) == 1


def test_a_trial_that_fails_is_told_of_and_stops_no_other(study_of):
    study = study_of("failing", objective="net_bps", trials=1, batch=1)
    with pytest.raises(NotEnoughData, match="net_bps needs 30 fills in 12 blocks"):
        list(study.run(Here(), quiet))
    assert len(study.search(0).tried()) == 1
    broken = replace(study.runner, model_of=partial(refusing, study.runner.model_of))
    ran = broken.run(study.units[0], [{"depth_factor": 0.4}, {"depth_factor": 1.0, "inventory_share": 1.0}])
    assert ran[0].error == "ConfigurationError: no"
    assert ran[1].outcome is not None


def test_a_trial_pays_the_fee_of_its_market(study_of):
    study, paid = study_of("fees", trials=1, batch=1), []
    section = study.runner.settings.model_dump(mode="json", exclude_unset=True)
    section["model"]["maker_fees"] = {"BTC": 0.0001, "ETH": 0.00025}

    def seen(settings, setting):
        paid.append(settings.model.maker_fee)
        return study.runner.model_of(settings, setting)

    runner = replace(study.runner, settings=Settings.from_section(section), model_of=seen)
    runner.run(study.units[0], [{"depth_factor": 1.0, "inventory_share": 1.0}])
    assert paid == [0.00025]


def refusing(model_of, settings, setting):
    """A model that some values do not make."""
    if setting["depth_factor"] == 0.4:
        raise ConfigurationError("no")
    return model_of(settings, setting)


def test_a_file_of_another_study_is_refused(study_of, undisturbed):
    assert study_of("undisturbed").search(0).best() is not None
    with pytest.raises(ConfigurationError, match="same study"):
        study_of("undisturbed", seed=2).search(0)


def test_settings_follow_from_seed_and_answers_alone(tmp_path):
    pytest.importorskip("optuna")

    def settings(name, *, interrupted):
        search = Search(tmp_path / name, "fold", DIMENSIONS, seed=5, identity="i")
        for first in (0, 8):
            asked = search.batch(first, 8)
            for each in reversed(asked[4:] if interrupted else asked):
                search.tell(each.number, -((each.setting["depth_factor"] - 0.7) ** 2), {})
            if interrupted:
                search = Search(tmp_path / name, "fold", DIMENSIONS, seed=5, identity="i")
                for each in search.batch(first, 8):
                    search.tell(each.number, -((each.setting["depth_factor"] - 0.7) ** 2), {})
        return [each.setting for each in search.tried()], search.best()

    whole, best = settings("a", interrupted=False)
    assert (whole, best) == settings("b", interrupted=True)
    assert whole[0] == {"depth_factor": 1.0, "inventory_share": 1.0}
    assert len({each["depth_factor"] for each in whole}) > 5
    assert best.setting["depth_factor"] == pytest.approx(0.7, abs=0.11)


def outcome(net, fills=40, volume=100.0):
    net = np.array(net, dtype=float)
    return Outcome(np.full(len(net), 300.0), net, np.full(len(net), volume), fills)


def test_scores():
    run = outcome([1.0, 3.0] * 6)
    assert run.score("net_per_hour") == pytest.approx(24.0)
    assert run.score("net_per_hour_low") < 24.0
    assert run.score("net_bps") == pytest.approx(200.0)
    assert run.score("sharpe") == pytest.approx(2.0 / np.std(run.net, ddof=1) * np.sqrt(365 * 288))
    with pytest.raises(Unscored, match="sharpe needs 30 fills in 12 blocks, got 3 fills"):
        outcome([1.0, 3.0] * 6, fills=3).score("sharpe")
    value, notes = scored([Ran(run, "", 1.0), Ran(None, "EngineFault: x", 2.0)], "net_per_hour")
    assert (value, notes) == (None, {"processor_s": 3.0, "error": "EngineFault: x"})
    joined = Outcome.joined([run, outcome([5.0])])
    assert (len(joined.net), joined.fills) == (13, 80)
    assert joined.less(joined).value == 0.0


def test_folds_walk_forward():
    days = [f"2026-01-0{n}" for n in range(1, 7)]
    folds = folds_of(days, 3, 1)
    assert [fold.held_out for fold in folds] == [("2026-01-04",), ("2026-01-05",), ("2026-01-06",)]
    assert all(max(fold.train) < min(fold.held_out) for fold in folds)
    assert len(folds_of(days, 2, 2)) == 2
    with pytest.raises(NotEnoughData, match="must have 7 recorded days, got 6"):
        folds_of(days, 6, 1)


def test_the_days_that_can_be_replayed_are_units(study_of):
    units = study_of("units").units
    assert len(units) == 2
    assert [unit.day for unit in units] == sorted(unit.day for unit in units)
    assert all(65 < unit.seconds <= 90 for unit in units)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("coins: [ETH]\ntrails: 3", "trails"),
        ("coins: []", "coins"),
        ("coins: [ETH]\nobjective: best", "objective"),
        ("coins: [ETH]\ntrials: 0", "trials"),
        ("[1, 2]", "must hold keys and values"),
        ("coins: [", "readable YAML"),
        ("coins: [ETH]\nfirst_day: 2026-01-02\nlast_day: 2026-01-01", "must not be after"),
    ],
)
def test_a_study_that_cannot_be_is_refused(tmp_path, said, message):
    path = tmp_path / "study.yaml"
    path.write_text(said)
    with pytest.raises(ConfigurationError, match=message):
        StudySpec.read(path)


def test_every_key_of_a_study_is_explained():
    page = (Path(__file__).resolve().parents[3] / "docs" / "study.md").read_text()
    assert [name for name in StudySpec.model_fields if f"`{name}`" not in page] == []


def test_a_search_is_narrowed_within_what_the_strategy_accepts():
    whole = Dimension("tiers", "quote", 12, low=5, high=15, step=1.0)
    dimensions = (*DIMENSIONS, whole)
    assert narrowed(dimensions, {}) == dimensions
    chosen = narrowed(dimensions, {"depth_factor": {"low": 0.5}, "tiers": [5, 7], "inventory_share": None})
    assert (chosen[0].low, chosen[0].high, chosen[1].choices, chosen[2].choices) == (0.5, 1.6, (5, 7), (0.5, 1.0))
    for wrong in ({"tiers": 16}, {"tiers": 5.5}, {"depth_factor": {"low": 2}}, {"inventory_share": 0.7},
                  {"inventory_share": {"low": 0.5}}, {"depth_factor": []}, {"depth": 1.0}):  # fmt: skip
        with pytest.raises(ConfigurationError, match="must"):
            narrowed(dimensions, wrong)


def test_dask_is_asked_for_in_words(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r'pip install -e "\.\[study\]"'), connected(None, 1):
        pass
