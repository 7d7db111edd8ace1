"""The search of one fold: Optuna, asked for settings in batches and told what came of them, kept in a file.

Each setting is drawn by a sampler of its own seed from what was told before its batch. So a study that was interrupted
goes on as if it had not been, whatever the number of workers.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.replay.study.cluster import missing
from market_making.replay.study.trials import Setting
from market_making.trading.search_space import Dimension

_IDENTITY, _KEPT, _NOTES = "identity", "kept", "notes"
_SEEDS_APART = 1_000_003


class Asked(NamedTuple):
    """A setting that is to be tried, and its number in the fold."""

    number: int
    setting: Setting


class Tried(NamedTuple):
    """A trial that has ended: setting, value (None where it failed), and what was noted of it."""

    number: int
    setting: Setting
    value: float | None
    notes: Mapping[str, Any]


class Search:
    """The search of one fold.

    Parameters
    ----------
    file : Path
        Where it is kept.
    name : str
        Of the fold.
    dimensions : Sequence[Dimension]
        What is searched; the first trial has the present values.
    seed : int
        Of the draws.
    identity : str
        What the results depend on: a file of another study is refused.

    Raises
    ------
    ConfigurationError
        If Optuna is not installed, or the file holds another study.
    """

    def __init__(self, file: Path, name: str, dimensions: Sequence[Dimension], *, seed: int, identity: str) -> None:
        self._optuna = _library()
        self._dimensions, self._seed = tuple(dimensions), seed
        file.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study = self._optuna.create_study(
                storage=f"sqlite:///{file}", study_name=name, direction="maximize", load_if_exists=True
            )
        known = self._study.user_attrs.setdefault(_IDENTITY, identity)
        if known != identity:
            raise ConfigurationError(f"{file} must hold the same study, got one that asked for {known}; choose --out")
        self._study.set_user_attr(_IDENTITY, identity)

    def batch(self, first: int, count: int) -> list[Asked]:
        """Those of the trials from `first` to `first + count` that have not ended, asked for if need be."""
        present = {each.name: each.default for each in self._dimensions}
        trials = self._trials()
        if not trials:
            self._study.enqueue_trial(present)
        asked = sum(trial.state is not self._optuna.trial.TrialState.WAITING for trial in trials)
        for number in range(asked, first + count):
            self._study.sampler = self._sampler(number)
            self._setting(self._study.ask())
        running = self._optuna.trial.TrialState.RUNNING
        found = [trial for trial in self._trials()[first : first + count] if trial.state is running]
        return [Asked(trial.number, self._known(trial) or self._setting(self._open(trial))) for trial in found]

    def tell(self, number: int, value: float | None, notes: Mapping[str, Any]) -> None:
        """A trial has ended; without a value it has failed. It is on disk when this returns."""
        trial = self._trials()[number]
        self._open(trial).set_user_attr(_NOTES, dict(notes))
        states = self._optuna.trial.TrialState
        if value is None:
            self._study.tell(number, state=states.FAIL)
        else:
            self._study.tell(number, value)

    def tried(self) -> list[Tried]:
        """All trials that have ended."""
        states = self._optuna.trial.TrialState
        ended = [trial for trial in self._trials() if trial.state in (states.COMPLETE, states.FAIL)]
        return [
            Tried(trial.number, self._rounded(trial.params), trial.value, trial.user_attrs[_NOTES]) for trial in ended
        ]

    def best(self) -> Tried | None:
        """The trial with the largest value, of equal ones the first; None if all have failed."""
        scored = [each for each in self.tried() if each.value is not None]
        return max(scored, key=lambda each: (each.value, -each.number), default=None)

    def keep(self, note: Mapping[str, Any]) -> None:
        """Keep what came after the search."""
        self._study.set_user_attr(_KEPT, dict(note))

    @property
    def kept(self) -> Mapping[str, Any] | None:
        """What was kept."""
        note: Mapping[str, Any] | None = self._study.user_attrs.get(_KEPT)
        return note

    def _trials(self) -> list[Any]:
        found: list[Any] = self._study.get_trials(deepcopy=False)
        return found

    def _open(self, trial: Any) -> Any:
        self._study.sampler = self._sampler(trial.number)
        return self._optuna.trial.Trial(self._study, trial._trial_id)

    def _sampler(self, number: int) -> Any:
        return self._optuna.samplers.TPESampler(seed=self._seed * _SEEDS_APART + number)

    def _known(self, trial: Any) -> Setting | None:
        """The values of a trial, if it has them all: who asked for it may have been ended between two."""
        names = {each.name for each in self._dimensions}
        return self._rounded(trial.params) if trial.params.keys() == names else None

    def _setting(self, trial: Any) -> Setting:
        """The values of a trial; those that it does not have yet are drawn."""
        return self._rounded({each.name: self._drawn(trial, each) for each in self._dimensions})

    def _drawn(self, trial: Any, dimension: Dimension) -> Any:
        if dimension.choices:
            return trial.suggest_categorical(dimension.name, dimension.choices)
        if dimension.is_whole:
            return trial.suggest_int(dimension.name, int(dimension.low), int(dimension.high))
        return trial.suggest_float(dimension.name, dimension.low, dimension.high, step=dimension.step)

    def _rounded(self, values: Mapping[str, Any]) -> Setting:
        """Values as a person would write them: steps of 0.01 add up to 0.07, not to 0.07000000000000001."""
        return {name: round(value, 9) if isinstance(value, float) else value for name, value in values.items()}


def _library() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing(error) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
