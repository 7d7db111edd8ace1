"""A strategy as the commands that replay name it: by its class, or by its class with all of its levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import user_data
from market_making.replay.levels.name import ALL_LEVELS, full_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from market_making.replay.bot.run import ReplaySetup
    from market_making.replay.result import ReplayResult
    from market_making.replay.tape.cache import SessionTape
    from market_making.settings.settings import Settings
    from market_making.trading.strategy_model import StrategyModel


@dataclass(frozen=True)
class Variant:
    """A strategy to replay.

    Parameters
    ----------
    model : StrategyModel
        The strategy.
    all_levels : bool
        Whether all of its levels rest, and not one of them.
    """

    model: StrategyModel
    all_levels: bool = False

    @property
    def name(self) -> str:
        """As it is named on the command line."""
        return full_name(self.model.name) if self.all_levels else self.model.name

    def replay(self, setup: ReplaySetup, tapes: Sequence[SessionTape]) -> ReplayResult:
        """Replay it, with what the setup says beside the model."""
        from market_making.replay.bot.run import replay
        from market_making.replay.levels.run import replay_levels

        own = replace(setup, model=self.model)
        if self.all_levels:
            return replay_levels(replace(own, two_sided=False), tapes)
        return replay(own, tapes)


def strategies() -> list[str]:
    """Names of all strategies in Freqtrade's folder."""
    return sorted(path.stem for path in (user_data() / "strategies").glob("[!_]*.py"))


def variant_of(
    text: str, settings: Settings, parameters: Mapping[str, str] | None = None, *, all_levels: bool = False
) -> Variant:
    """A variant by NAME or NAME:all-levels, for which `all_levels` stands too, with these values of its parameters.

    Raises
    ------
    ConfigurationError
        If there is no such strategy or parameter, or it has no levels.
    """
    from market_making.trading.freqtrade.strategy_model import load_model

    name, colon, suffix = text.partition(":")
    if colon and suffix != ALL_LEVELS:
        raise ConfigurationError(f"a strategy must be NAME or NAME:{ALL_LEVELS}, got {text}")
    model = load_model(name, settings, parameters or {}, user_data())
    all_levels = all_levels or bool(colon)
    if all_levels:
        _require_levels(model, settings)
    return Variant(model, all_levels)


def _require_levels(model: StrategyModel, settings: Settings) -> None:
    from market_making.replay.levels.run import has_levels
    from market_making.trading.freqtrade.strategy_model import load_model

    if has_levels(model):
        return
    others = [name for name in strategies() if has_levels(load_model(name, settings, {}, user_data()))]
    raise ConfigurationError(
        f"{model.name} rests one order a side, it has no levels; those that do are {', '.join(others)}"
    )
