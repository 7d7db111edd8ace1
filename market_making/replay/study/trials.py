"""Runs settings of a strategy on one unit: the one thing of a study that is sent to another process or machine."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from calibration.fee_tier import FeeTier
from calibration.publication.history import History
from market_making.market.errors import MarketMakingError, NotEnoughData
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.exchange import ExchangeEngine
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.fast_desk.preparing import why_not
from market_making.replay.fast_desk.readiness import make_ready
from market_making.replay.fast_desk.run import FastSetup, fast_replay
from market_making.replay.preparation import Prepared, calibrations_for, prepare
from market_making.replay.result import ReplayResult
from market_making.replay.study.memory import give_back
from market_making.replay.study.outcome import Outcome
from market_making.replay.study.units import Unit
from market_making.settings.settings import Settings
from market_making.trading.strategy_model import StrategyModel

Setting = Mapping[str, Any]
Carried = Setting | StrategyModel  # a setting, or the model that has been made of it
WORTH_COMPILING_S = 2 * 86_400.0  # of market, each setting counted by itself: what the bot replays in about 15 s


class Ran(NamedTuple):
    """What came of one setting on one unit: an outcome, or why there is none; and processor time [s]."""

    outcome: Outcome | None
    error: str
    processor_s: float


class Readied(NamedTuple):
    """Processor time that a unit took to prepare [s], and why it cannot be replayed; empty if it can."""

    processor_s: float
    refusal: str = ""


class TrialRunner(Protocol):
    """What a study asks of whatever runs its trials; it is pickled."""

    def prepare(self, unit: Unit) -> Readied:
        """Make what all trials of a unit share."""
        ...

    def carried(self, unit: Unit, settings: Sequence[Setting]) -> list[Carried]:
        """What is sent to a worker in place of settings; called where the study is."""
        ...

    def run(self, unit: Unit, settings: Sequence[Carried]) -> list[Ran]:
        """Run settings on a unit, in their sequence; a setting that fails is no exception."""
        ...


@dataclass(frozen=True)
class ReplayRunner:
    """Trials as replays.

    With hftbacktest all settings of a call go through one pass of the fast desk, where there is enough to replay: each
    process compiles it first. The local exchange and short recordings are replayed setting by setting.

    Parameters
    ----------
    settings : Settings
        The section of the configuration; says where the recording is.
    model_of : Callable
        Makes the strategy from the settings of a market and a setting; it must be importable by a worker.
    cache : Path
        Folder of tapes and calibrations, which every worker sees.
    lags : Lags
        Constant latencies.
    engine : str
        ``exchange`` or ``hftbacktest``.
    two_sided : bool
        Two legs.
    """

    settings: Settings
    model_of: Callable[[Settings, Setting], StrategyModel]
    cache: Path
    lags: Lags = Lags()  # noqa: RUF009 - it is frozen
    engine: str = "hftbacktest"
    two_sided: bool = False

    def prepare(self, unit: Unit) -> Readied:
        """Make tapes and calibrations of a unit, or find those that were made before."""
        began, refusal = time.process_time(), ""
        try:
            _unit_of(self._at(unit).model_dump_json(), self.cache, unit)
        except NotEnoughData as error:
            refusal = str(error)
        give_back()
        return Readied(time.process_time() - began, refusal)

    def carried(self, unit: Unit, settings: Sequence[Setting]) -> list[Carried]:
        """Models that the fast desk can run: a worker that is sent them does without Freqtrade and its 200 MB.

        Other strategies are code of the user's folder, and loaded where they run; so is what cannot be made at all,
        whose error then is the trial's.
        """
        own = self._at(unit).model_dump_json()
        return [_carried(self.model_of, own, tuple(setting.items()), self.two_sided) for setting in settings]

    def run(self, unit: Unit, settings: Sequence[Carried]) -> list[Ran]:
        """Run settings on a unit."""
        if self.engine == "hftbacktest":
            make_ready()
        began = time.process_time()
        own = self._at(unit)
        prepared, history = _unit_of(own.model_dump_json(), self.cache, unit)
        models, told = [], []
        for setting in settings:
            try:
                models.append(setting if isinstance(setting, StrategyModel) else self.model_of(own, setting))
                told.append("")
            except MarketMakingError as error:
                told.append(f"{type(error).__name__}: {error}")
        is_worth = unit.seconds * len(models) >= WORTH_COMPILING_S
        found = iter(self._replayed(models, prepared, history, together=is_worth))
        outcomes = [(None, why) if why else next(found) for why in told]
        give_back()
        each_s = (time.process_time() - began) / max(len(settings), 1)
        return [Ran(outcome, why, each_s) for outcome, why in outcomes]

    def _replayed(
        self, models: Sequence[StrategyModel], prepared: Prepared, history: History, *, together: bool
    ) -> list[tuple[Outcome | None, str]]:
        """All at once where that works, and one by one where it fails, so that one costs no other its result."""
        if together and self.engine == "hftbacktest":
            try:
                return [(outcome, "") for outcome in self._together(models, prepared, history)]
            except MarketMakingError:
                return [self._alone(model, prepared, history) for model in models]
        return [self._alone(model, prepared, history) for model in models]

    def _together(self, models: Sequence[StrategyModel], prepared: Prepared, history: History) -> list[Outcome]:
        setup = FastSetup(tuple(models), prepared.instrument, history, self._profile, two_sided=self.two_sided)
        return [Outcome.of(result) for result in fast_replay(setup, prepared.tapes)]

    def _alone(self, model: StrategyModel, prepared: Prepared, history: History) -> tuple[Outcome | None, str]:
        try:
            return Outcome.of(self._one(model, prepared, history)), ""
        except MarketMakingError as error:
            return None, f"{type(error).__name__}: {error}"

    def _one(self, model: StrategyModel, prepared: Prepared, history: History) -> ReplayResult:
        kind = ExchangeEngine if self.engine == "exchange" else HftbacktestEngine
        return replay(
            ReplaySetup(model, prepared.instrument, history, kind, self._profile, two_sided=self.two_sided),
            prepared.tapes,
        )

    def _at(self, unit: Unit) -> Settings:
        """The settings with the fee on the market of a unit."""
        return FeeTier(self.settings).settings_of(unit.coin)

    def _profile(self) -> LagProfile:
        return LagProfile(self.lags)


@lru_cache(maxsize=1024)
def _carried(
    model_of: Callable[[Settings, Setting], StrategyModel],
    settings: str,
    setting: tuple[tuple[str, Any], ...],
    two_sided: bool,
) -> Carried:
    """The model of a setting where it may be sent, or else the setting; the units of a coin share it."""
    try:
        model = model_of(Settings.model_validate_json(settings), dict(setting))
    except MarketMakingError:
        return dict(setting)
    return model if why_not(model, two_sided=two_sided) is None else dict(setting)


@lru_cache(maxsize=8)
def _unit_of(settings: str, cache: Path, unit: Unit) -> tuple[Prepared, History]:
    """Tapes and calibrations of a unit; a process keeps those of a few units."""
    made = Settings.model_validate_json(settings)
    prepared = prepare(made, unit.coin, cache, start_ms=unit.start_ms, end_ms=unit.end_ms)
    return prepared, calibrations_for(made, prepared, cache)
