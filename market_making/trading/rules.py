"""The rules between a model's quotes and an order: what may be opened, how close, how large, how often moved."""

from dataclasses import dataclass

from market_making.market.reasons import Because
from market_making.market.sides import Side, Sides
from market_making.quoting.pricing import DepthBounds
from market_making.settings.role import Role
from market_making.settings.settings import Settings
from market_making.trading.actions.budget import Patience
from market_making.trading.holding import Holding

NOTHING_CLOSED: Sides[Because | None] = Sides(None, None)


@dataclass(frozen=True)
class QuotingRules:
    """What holds for every quote of one bot.

    Parameters
    ----------
    role : Role
        What may be held.
    maximum_inventory : float
        Bound of the inventory on both sides [lots].
    bounds : DepthBounds
        Of the depth; a model's depth outside is moved to the bound.
    tolerance_bps : float
        How far a resting price may be off before it is moved [bps of mid].
    minimum_life_ms : float
        How long an order rests before it may be moved for a better price only [ms].
    smallest_notional : float
        Value under which no order is opened and no remainder of a position is left [quote currency].
    depth_factor : float
        Multiplies the depths of the model.
    anchors : bool
        Quotes may be anchored where the best sizes say that mid goes.
    """

    role: Role
    maximum_inventory: float
    bounds: DepthBounds
    tolerance_bps: float
    minimum_life_ms: float
    smallest_notional: float
    depth_factor: float = 1.0
    anchors: bool = True


@dataclass(frozen=True)
class Restraints:
    """What holds for the moment.

    Parameters
    ----------
    closed : Sides[Because | None]
        Why no order may rest on a side; None where one may.
    leaving : bool
        The position must be closed at the touch.
    saving : bool
        No action may be spent on a better price.
    depth_factor : float
        Multiplies the model's depths.
    patience : Patience
        How much longer than usual an order is left alone.
    """

    closed: Sides[Because | None] = NOTHING_CLOSED
    leaving: bool = False
    saving: bool = False
    depth_factor: float = 1.0
    patience: Patience = Patience()  # noqa: RUF009 - immutable


def closed_sides(holding: Holding, growing: Because | None, reducing: Because | None = None) -> Sides[Because | None]:
    """Which sides are closed, from why what is held may not grow, and why it may not be reduced."""
    return Sides(
        bid=growing if holding.grows_with(Side.BID) else reducing,
        ask=growing if holding.grows_with(Side.ASK) else reducing,
    )


def rules_of(
    settings: Settings, smallest_notional: float, *, depth_factor: float = 1.0, inventory_share: float = 1.0
) -> QuotingRules:
    """Rules of a bot's quotes, from its configuration.

    Parameters
    ----------
    settings : Settings
        The bot's own.
    smallest_notional : float
        Value of the smallest order the bot should place [quote currency].
    depth_factor : float
        Multiplies the depths of the model.
    inventory_share : float
        Of the configured bound of the inventory.
    """
    return QuotingRules(
        role=settings.role,
        maximum_inventory=settings.model.maximum_inventory * inventory_share,
        bounds=settings.quote.bounds,
        tolerance_bps=settings.quote.tolerance_bps,
        minimum_life_ms=settings.quote.minimum_life_s * 1e3,
        smallest_notional=smallest_notional,
        depth_factor=depth_factor,
        anchors=settings.quote.anchor,
    )
