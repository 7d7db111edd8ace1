"""A strategy with all of its levels over the tapes of a recording."""

from collections.abc import Sequence
from dataclasses import replace

from market_making.quoting.models.levels import Levelled
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.run import ReplaySetup
from market_making.replay.levels.maker import LevelsMaker, levelled
from market_making.replay.levels.name import full_name
from market_making.replay.makers.run import replay_maker
from market_making.replay.result import ReplayResult, Touch
from market_making.replay.tape.cache import SessionTape
from market_making.trading.strategy_model import StrategyModel


def has_levels(model: StrategyModel) -> bool:
    """Whether a strategy has levels, of which a bot rests one."""
    return isinstance(model.quoter, Levelled)


def replay_levels(setup: ReplaySetup, tapes: Sequence[SessionTape]) -> ReplayResult:
    """Replay a strategy that rests all of its levels on both sides, from one account.

    Parameters
    ----------
    setup : ReplaySetup
        As for the bot; two legs and a guard are not made for it.
    tapes : Sequence[SessionTape]
        The sessions.

    Raises
    ------
    ConfigurationError
        If the model has no levels.
    EngineFault
        If an engine fails, or its money is not that of its fills.
    MarketMakingError
        If nothing can be quoted at all: no calibration, an order below the exchange's smallest.
    """
    levelled(setup.model.quoter)
    is_leg = setup.model.settings.role.leg is not None
    model = setup.model.on_side("alternate") if is_leg else setup.model

    def made(known: CalibrationsAsOf, touch: Touch) -> LevelsMaker:  # noqa: ARG001 - the lot is the calibration's
        return LevelsMaker(model, setup.instrument, known)

    return replay_maker(full_name(model.name), made, replace(setup, model=model), tapes)
