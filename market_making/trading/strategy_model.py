"""What a strategy decides with, without Freqtrade: its model, its settings, and its parameters by value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from market_making.market.instrument import Instrument
from market_making.quoting.quote import Quoter
from market_making.settings.settings import Settings
from market_making.trading.rules import QuotingRules, rules_of


@dataclass(frozen=True)
class StrategyModel:
    """A strategy as a replay runs it.

    Parameters
    ----------
    name : str
        Of its class.
    quoter : Quoter
        The model with its settings bound.
    settings : Settings
        The section `market_making`.
    depth_factor, inventory_share : float
        Its parameters of every model: on the depths, and of the configured bound of the inventory.
    smallest_orders : float
        Value of the smallest order that Freqtrade places, in orders of the exchange's smallest value.
    orders_before_flat : int
        Orders after which a position is closed.
    needs_deep_book : bool
        Whether the model looks beyond the five best levels.
    parameters : Mapping[str, Any]
        All of its parameters by name.
    """

    name: str
    quoter: Quoter
    settings: Settings
    depth_factor: float = 1.0
    inventory_share: float = 1.0
    smallest_orders: float = 1.18
    orders_before_flat: int = 400
    needs_deep_book: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def rules(self, instrument: Instrument) -> QuotingRules:
        """Rules of its quotes on an instrument."""
        least = instrument.minimum_notional * self.smallest_orders
        return rules_of(self.settings, least, depth_factor=self.depth_factor, inventory_share=self.inventory_share)

    def on_side(self, sides: str) -> "StrategyModel":
        """The same as a bot that may hold something else; see `Settings.sides`."""
        return replace(self, settings=self.settings.model_copy(update={"sides": sides}))
