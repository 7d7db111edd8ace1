"""Many settings of a strategy over the same recording, and what came of each.

Own orders neither move the market nor meet in a replay, so settings do not know each other: what comes of one is what
`market_making.replay.bot.run.replay` gives for it alone on hftbacktest, decision by decision and fill by fill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calibration.publication.history import History
from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.result import ReplayResult
from market_making.replay.tape.cache import SessionTape
from market_making.trading.strategy_model import StrategyModel


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
    phase_ms: int = 0

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if not self.models:
            raise ConfigurationError("models must hold at least one setting, got none")


def fast_replay(setup: FastSetup, tapes: Sequence[SessionTape]) -> tuple[ReplayResult, ...]:
    """Replay the sessions for every setting; the results are in the sequence of the settings.

    Parameters
    ----------
    setup : FastSetup
        Settings, calibrations, latencies.
    tapes : Sequence[SessionTape]
        The sessions; each begins flat.

    Raises
    ------
    EngineFault
        If an engine fails, or its money is not that of its fills.
    MarketMakingError
        If nothing can be quoted at all: no calibration, an order below the exchange's smallest.
    """
    return tuple(
        replay(
            ReplaySetup(model, setup.instrument, setup.history, HftbacktestEngine, setup.lags, phase_ms=setup.phase_ms),
            tapes,
        )
        for model in setup.models
    )
