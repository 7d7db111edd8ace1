"""A whole study: prepare, estimate, and fold by fold search, judge and keep."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.replay.study.cluster import Cluster, Task
from market_making.replay.study.outcome import Outcome, Unscored
from market_making.replay.study.search import Asked, Search, Tried
from market_making.replay.study.spec import StudySpec
from market_making.replay.study.trials import Ran, Setting, TrialRunner
from market_making.replay.study.units import Fold, Unit, folds_of
from market_making.trading.search_space import Dimension

FILE = "study.sqlite"
Report = Callable[[str, float], None]
_PROBES = 2
_MOST_TOGETHER = 50  # settings; more in a pass cost no less each (benchmarks/replay_speed.py)
_COLUMNS = ("seconds", "net", "volume")


@dataclass(frozen=True)
class Judged:
    """A fold at its end: its winner, and winner and present values on the days after the search."""

    fold: Fold
    tried: tuple[Tried, ...]
    winner: Tried
    held_out: Outcome
    present: Outcome


@dataclass(frozen=True)
class Study:
    """A study that is to be run.

    Parameters
    ----------
    spec : StudySpec
        What is asked for.
    dimensions : tuple[Dimension, ...]
        What is searched.
    units : tuple[Unit, ...]
        What is recorded.
    runner : TrialRunner
        Runs the trials.
    folder : Path
        Where everything is kept.
    """

    spec: StudySpec
    dimensions: tuple[Dimension, ...]
    units: tuple[Unit, ...]
    runner: TrialRunner
    folder: Path

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Days of the search and days after them.

        Raises
        ------
        NotEnoughData
            If too few days are recorded.
        """
        days = sorted({unit.day for unit in self.units})
        return folds_of(days, self.spec.train_days, self.spec.test_days)

    def of(self, days: Sequence[str]) -> tuple[Unit, ...]:
        """Units of these days."""
        return tuple(unit for unit in self.units if unit.day in days)

    def search(self, place: int) -> Search:
        """The search of a fold, with what was tried before."""
        seed = self.spec.seed * 1_009 + place
        identity = self.spec.identity
        return Search(self.folder / FILE, f"fold-{place}", self.dimensions, seed=seed, identity=identity)

    def prepared(self, cluster: Cluster, report: Report) -> "Prepared":
        """Prepare every unit; those of which too little is recorded to quote from are left out and told of.

        Raises
        ------
        NotEnoughData
            If none is left.
        """
        spent_s, refused = 0.0, dict[Unit, str]()
        for done, (unit, readied) in enumerate(cluster.prepare(self.runner, self.units), 1):
            spent_s += readied.processor_s
            if readied.refusal:
                refused[unit] = readied.refusal
            report(f"prepared {unit.coin} {unit.day}", done / len(self.units))
        left = tuple(unit for unit in self.units if unit not in refused)
        if not left:
            raise NotEnoughData(
                f"a day must be recorded well enough to quote, got none: {next(iter(refused.values()))}"
            )
        told = tuple(
            f"{unit.coin} on {unit.day} is left out: {refused[unit]}" for unit in self.units if unit in refused
        )
        return Prepared(replace(self, units=left), spent_s / 3600, told)

    def estimate(self, cluster: Cluster) -> float:
        """What is left of the study costs, from some drawn settings on one or two units [core-hours].

        They run twice, because the first time a process compiles and reads.
        """
        drawn = random.Random(self.spec.seed)  # noqa: S311 - no secret
        together = self.together(self.of(self.folds[0].train), cluster.workers)
        settings = tuple(_drawn(drawn, self.dimensions) for _ in range(together))
        chosen = [self.units[place] for place in sorted({0, len(self.units) // _PROBES})]
        tasks = [Task((), unit, settings) for unit in chosen]
        for _ in range(2):
            ran = [(task.unit, found) for task, found in cluster.run(self.runner, tasks)]
        spent_s = sum(each.processor_s for _, found in ran for each in found)
        replayed_s = sum(unit.seconds for unit, _ in ran) * len(settings)
        return spent_s / replayed_s * self.left_s() / 3600

    def together(self, units: Sequence[Unit], workers: int) -> int:
        """How many settings of a batch a task runs: the more share a pass, the less each costs."""
        if self.spec.settings_per_task is not None:
            return min(self.spec.settings_per_task, self.spec.batch)
        passes = -(-workers // len(units))  # of each unit, so that every worker has one
        return min(-(-self.spec.batch // passes), _MOST_TOGETHER)

    def left_s(self) -> float:
        """How many seconds of market are still to be replayed, each setting counted by itself [s]."""
        left_s = 0.0
        for place, fold in enumerate(self.folds):
            search = self.search(place)
            left_s += max(self.spec.trials - len(search.tried()), 0) * _seconds(self.of(fold.train))
            left_s += 0.0 if search.kept else 2 * _seconds(self.of(fold.held_out))
        return left_s

    def spent_s(self) -> float:
        """Processor time of everything that was replayed so far [s]."""
        searches = [self.search(place) for place in range(len(self.folds))]
        spent = [float(each.notes.get("processor_s", 0.0)) for search in searches for each in search.tried()]
        spent += [float(search.kept["processor_s"]) for search in searches if search.kept]
        return sum(spent)

    def run(self, cluster: Cluster, report: Report) -> Iterator[Judged]:
        """Search and judge every fold; what was done before is not done again.

        Raises
        ------
        NotEnoughData
            If all trials of a fold fail.
        """
        for place, fold in enumerate(self.folds):
            search = self.search(place)
            for first in range(0, self.spec.trials, self.spec.batch):
                asked = search.batch(first, min(self.spec.batch, self.spec.trials - first))
                for number in self._told(cluster, search, fold, asked):
                    report(
                        f"fold {place + 1} of {len(self.folds)}, trial {number}", len(search.tried()) / self.spec.trials
                    )
            yield self._judged(cluster, search, fold)

    def _told(self, cluster: Cluster, search: Search, fold: Fold, asked: Sequence[Asked]) -> Iterator[int]:
        """Run a batch; tell each trial when its last unit is done, and yield its number."""
        units, parts = self.of(fold.train), {each.number: dict[Unit, Ran]() for each in asked}
        tasks = list(_tasks(units, asked, self.together(units, cluster.workers)))
        for task, found in cluster.run(self.runner, tasks):
            for number, ran in zip(task.trials, found, strict=True):
                parts[number][task.unit] = ran
                if len(parts[number]) == len(units):
                    search.tell(number, *scored([parts[number][unit] for unit in units], self.spec.objective))
                    yield number

    def _judged(self, cluster: Cluster, search: Search, fold: Fold) -> Judged:
        winner = search.best()
        if winner is None:
            why = {str(each.notes.get("error")) for each in search.tried()}
            raise NotEnoughData(f"a trial of {', '.join(fold.train)} must succeed, got {'; '.join(sorted(why))}")
        kept = search.kept
        if kept is None or kept["number"] != winner.number:
            kept = self._held_out(cluster, fold, winner)
            search.keep(kept)
        outcomes = [_read(kept[name]) for name in ("winner", "present")]
        return Judged(fold, tuple(search.tried()), winner, *outcomes)

    def _held_out(self, cluster: Cluster, fold: Fold, winner: Tried) -> dict[str, Any]:
        """Winner and present values on the days after the search.

        Raises
        ------
        NotEnoughData
            If one of them fails there.
        """
        units, present = self.of(fold.held_out), {each.name: each.default for each in self.dimensions}
        found: dict[Unit, list[Ran]] = {}
        for task, ran in cluster.run(self.runner, [Task((), unit, (winner.setting, present)) for unit in units]):
            found[task.unit] = ran
        outcomes = []
        for place in range(2):
            parts = [found[unit][place] for unit in units]
            if errors := [each.error for each in parts if each.outcome is None]:
                raise NotEnoughData(f"the days {', '.join(fold.held_out)} could not be judged: {errors[0]}")
            outcomes.append(Outcome.joined([each.outcome for each in parts if each.outcome is not None]))
        kept: dict[str, Any] = {
            "number": winner.number,
            "winner": _written(outcomes[0]),
            "present": _written(outcomes[1]),
        }
        return kept | {"processor_s": sum(ran.processor_s for each in found.values() for ran in each)}


class Prepared(NamedTuple):
    """A study with the units that can be replayed, what preparing took [core-hours], and what was left out."""

    study: Study
    core_hours: float
    left_out: tuple[str, ...]


def scored(parts: Sequence[Ran], objective: str) -> tuple[float | None, dict[str, Any]]:
    """Value of a trial from its units, None where one has failed or too little came of it, and what is noted."""
    notes: dict[str, Any] = {"processor_s": sum(part.processor_s for part in parts)}
    if errors := [part.error for part in parts if part.outcome is None]:
        return None, notes | {"error": errors[0]}
    outcome = Outcome.joined([part.outcome for part in parts if part.outcome is not None])
    net = outcome.net_per_hour
    notes |= {"net_per_hour": net.value, "low": net.low, "high": net.high}
    notes |= {"net_bps": outcome.net_bps, "fills": outcome.fills}
    try:
        return outcome.score(objective), notes
    except Unscored as error:
        return None, notes | {"error": str(error)}


def _tasks(units: Sequence[Unit], asked: Sequence[Asked], together: int) -> Iterator[Task]:
    """Trials first, so that the first of them are told as early as can be."""
    for start in range(0, len(asked), together):
        part = asked[start : start + together]
        for unit in units:
            yield Task(tuple(each.number for each in part), unit, tuple(each.setting for each in part))


def _drawn(source: random.Random, dimensions: Sequence[Dimension]) -> Setting:
    """A setting anywhere in the space."""
    return {
        each.name: source.choice(each.choices)
        if each.choices
        else type(each.default)(source.uniform(each.low, each.high))
        for each in dimensions
    }


def _seconds(units: Sequence[Unit]) -> float:
    return sum(unit.seconds for unit in units)


def _written(outcome: Outcome) -> dict[str, Any]:
    columns = {name: getattr(outcome, name).tolist() for name in _COLUMNS}
    return columns | {"fills": outcome.fills}


def _read(written: Mapping[str, Any]) -> Outcome:
    columns = {name: np.array(written[name], dtype=np.float64) for name in _COLUMNS}
    return Outcome(**columns, fills=written["fills"])
