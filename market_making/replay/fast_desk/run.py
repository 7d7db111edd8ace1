"""Many settings of a strategy over the same recording in one pass, and what came of each.

Own orders neither move the market nor meet in a replay, so settings do not know each other: what comes of one is what
`market_making.replay.bot.run.replay` gives for it alone on hftbacktest, decision by decision and fill by fill. Here the
market is read once for all of them, and desk and loop are compiled (numba, of the extra ``replay``).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from calibration.publication.history import History
from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import LEGS, ReplaySetup, replay
from market_making.replay.engines.engine import EngineFault
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.fast_desk.calibrating import grouped, tables_of
from market_making.replay.fast_desk.layout import (
    CROWDED,
    FULL,
    NONE,
    ORDER,
    OWN_FILLS,
    SHORT,
    UNDRAWN,
    Records,
    Run,
)
from market_making.replay.fast_desk.memory import new_run
from market_making.replay.fast_desk.outcome import sessions_of
from market_making.replay.fast_desk.preparing import require_tradable, settings_of, why_not
from market_making.replay.fast_desk.readiness import make_ready
from market_making.replay.fast_desk.tape_pass import begin_all, go_on
from market_making.replay.result import ReplayResult, Session
from market_making.replay.tape.cache import SessionTape, TapeFile
from market_making.replay.tape.events import EVENT
from market_making.trading.strategy_model import StrategyModel

_DRAWN_AT_FIRST = 1024
_SHORTEST_PERIOD_MS = 20  # what a setting remembers of ten seconds has room for no more loops


@dataclass(frozen=True)
class FastSetup:
    """What is replayed.

    Parameters
    ----------
    models : tuple[StrategyModel, ...]
        One a setting: the strategy with its parameters bound. They may differ in anything.
    instrument : Instrument
        The coin.
    history : History
        The calibrations that the bots read, each from when it was published.
    lags : Callable[[], LagProfile]
        Makes the latencies of a bot; each gets its own, so that all have the same.
    funding_rate : float
        Fraction of the value that longs pay at each full hour.
    two_sided : bool
        Each setting is two bots on two accounts, one for each side.
    phase_ms : int
        How long after the start of a session the first loop begins [ms].

    Raises
    ------
    ConfigurationError
        If there is no setting.
    """

    models: tuple[StrategyModel, ...]
    instrument: Instrument
    history: History
    lags: Callable[[], LagProfile] = lambda: LagProfile(Lags())
    funding_rate: float = 0.0
    two_sided: bool = False
    phase_ms: int = 0

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if not self.models:
            raise ConfigurationError("models must hold at least one setting, got none")


def fast_replay(setup: FastSetup, tapes: Sequence[SessionTape]) -> tuple[ReplayResult, ...]:
    """Replay the sessions for every setting; the results are in the sequence of the settings.

    A setting that the compiled desk cannot run (`why_not`) is run by the bot itself, which takes as long as it takes.

    Parameters
    ----------
    setup : FastSetup
        Settings, calibrations, latencies.
    tapes : Sequence[SessionTape]
        The sessions; each begins flat.

    Raises
    ------
    EngineFault
        If an order rests beyond all prices of the tape, or an engine fails.
    MarketMakingError
        If nothing can be quoted at all: no calibration, an order below the exchange's smallest.
    """
    together = [number for number, model in enumerate(setup.models) if _is_fast(setup, model)]
    results: dict[int, ReplayResult] = {}
    if together:
        models = [setup.models[number] for number in together]
        results.update(zip(together, _replayed(setup, models, tapes), strict=True))
    for number, model in enumerate(setup.models):
        if number not in results:
            results[number] = replay(_of_the_bot(setup, model), tapes)
    return tuple(results[number] for number in range(len(setup.models)))


def _is_fast(setup: FastSetup, model: StrategyModel) -> bool:
    return why_not(model, two_sided=setup.two_sided) is None


def _of_the_bot(setup: FastSetup, model: StrategyModel) -> ReplaySetup:
    bot = ReplaySetup(model, setup.instrument, setup.history, HftbacktestEngine, setup.lags)
    return replace(bot, funding_rate=setup.funding_rate, phase_ms=setup.phase_ms, two_sided=setup.two_sided)


def _replayed(setup: FastSetup, models: Sequence[StrategyModel], tapes: Sequence[SessionTape]) -> list[ReplayResult]:
    """Run the settings in one pass over each session."""
    make_ready()
    began = time.perf_counter()
    require_tradable(models, setup.history, setup.instrument)
    legs = [leg for model in models for leg in _of_the_bot(setup, model).models]
    groups, of_setting = grouped(legs)
    tables = tables_of(groups, setup.history, setup.instrument)
    settings = settings_of(legs, setup.instrument, of_setting)
    settings["apart_ms"] = np.where(settings["leg"] == SHORT, setup.lags().draw().period_ms // len(LEGS), 0)
    sessions = list(zip(*(_session(setup, settings, tables, tape) for tape in tapes), strict=True))
    wall_s = (time.perf_counter() - began) / len(models)
    return [
        ReplayResult(
            strategy=model.name,
            coin=setup.instrument.coin,
            engine=HftbacktestEngine.name,
            maker_fee=model.settings.model.maker_fee,
            sessions=told,
            wall_s=wall_s,
            parameters=dict(model.parameters),
        )
        for model, told in zip(models, sessions, strict=True)
    ]


def _session(
    setup: FastSetup, settings: Records, tables: tuple[Records, FloatArray], tape: SessionTape
) -> list[Session]:
    lags = _LagRows(setup.lags())
    run = new_run(settings, tables, tape, lags.first())
    begin_all(run, setup.phase_ms)
    for file in tape.files:
        run = _through(run, file, min(file.span.end_ms, tape.span.end_ms), lags)
    return sessions_of(run, tape, setup.funding_rate, legs=len(LEGS) if setup.two_sided else 1)


def _through(run: Run, file: TapeFile, until_ms: int, lags: "_LagRows") -> Run:
    """Go through a file of a tape; its rows are let go before the next ones are read."""
    rows, run.world["row"] = file.read().view(EVENT), 0
    while True:
        go_on(run, rows, until_ms)
        if run.world["fault"] == NONE:
            return run
        run = _with_room(run, lags)
        run.world["fault"] = NONE


def _with_room(run: Run, lags: "_LagRows") -> Run:
    """The same with more room for what was full.

    Raises
    ------
    EngineFault
        If something else has stopped the pass.
    """
    arrays = run.arrays
    if run.world["fault"] == FULL:
        orders = np.concatenate([arrays.orders, np.zeros(len(arrays.orders), dtype=ORDER)])
        return run._replace(arrays=arrays._replace(orders=orders))
    if run.world["fault"] == UNDRAWN:
        more = np.concatenate([arrays.lags, lags.more(len(arrays.lags))])
        return run._replace(arrays=arrays._replace(lags=more))
    if run.world["fault"] == CROWDED:
        raise EngineFault(f"a bot must have fewer than {OWN_FILLS} fills in five minutes, got more")
    raise EngineFault("an order must rest within the prices of the tape, got one far beyond them")


class _LagRows:
    """Times of each loop, drawn as a bot draws them."""

    def __init__(self, profile: LagProfile) -> None:
        self._profile = profile

    def first(self) -> IntArray:
        """One row where all loops are alike, else some."""
        return self.more(_DRAWN_AT_FIRST if self._profile.is_measured else 1)

    def more(self, count: int) -> IntArray:
        """The next rows.

        Raises
        ------
        ConfigurationError
            If loops follow each other faster than a setting can remember.
        """
        drawn = [self._profile.draw() for _ in range(count)]
        shortest_ms = min(lags.period_ms for lags in drawn)
        if shortest_ms < _SHORTEST_PERIOD_MS:
            raise ConfigurationError(f"period_ms must be at least {_SHORTEST_PERIOD_MS}, got {shortest_ms}")
        return np.array([astuple(lags) for lags in drawn], dtype=np.int64)
