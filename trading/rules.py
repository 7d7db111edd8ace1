"""The rules between a model's quotes and an order: what may be opened, how close, how large, how often moved."""

from dataclasses import dataclass
from enum import StrEnum

from market.sides import Side


class Role(StrEnum):
    """What a bot may hold. The legs are two bots on two accounts that together quote both sides."""

    LONG_ONLY = "long_only"
    SHORT_ONLY = "short_only"
    ALTERNATE = "alternate"
    LONG_LEG = "long_leg"
    SHORT_LEG = "short_leg"

    @property
    def leg(self) -> str | None:
        """``long`` or ``short`` for one of two legs, None for a bot on its own."""
        return {Role.LONG_LEG: "long", Role.SHORT_LEG: "short"}.get(self)

    @property
    def alone(self) -> "Role":
        """The role of a leg whose other leg does not exist, as in a backtest."""
        return {Role.LONG_LEG: Role.LONG_ONLY, Role.SHORT_LEG: Role.SHORT_ONLY}.get(self, self)

    def opens_with(self, side: Side) -> bool:
        """Whether a position may be opened on this side of the quote."""
        if self is Role.ALTERNATE:
            return True
        return (side is Side.BID) == (self in (Role.LONG_ONLY, Role.LONG_LEG))


@dataclass(frozen=True)
class QuotingRules:
    """What holds for every quote of one bot.

    Parameters
    ----------
    role : Role
        What may be held.
    maximum_inventory : float
        Bound of the inventory on both sides [lots].
    minimum_half_spread_bps, maximum_half_spread_bps : float
        Bounds of the depth [bps of mid]; a model's depth outside is moved to the bound.
    tolerance_bps : float
        How far a resting price may be off before it is moved [bps of mid].
    minimum_life_ms : float
        How long an order rests before it may be moved for a better price only [ms].
    smallest_notional : float
        Value under which no order is opened and no remainder of a position is left [quote currency].
    depth_factor : float
        Multiplies the depths of the model.
    """

    role: Role
    maximum_inventory: float
    minimum_half_spread_bps: float
    maximum_half_spread_bps: float
    tolerance_bps: float
    minimum_life_ms: float
    smallest_notional: float
    depth_factor: float = 1.0


@dataclass(frozen=True)
class Restraints:
    """What holds for the moment.

    `no_opening` is the reason why the position may not grow, empty if it may; `leaving`, that it must be closed at the
    touch; `saving`, that no action may be spent on a better price; `depth_factor` multiplies the model's depths.
    """

    no_opening: str = ""
    leaving: bool = False
    saving: bool = False
    depth_factor: float = 1.0
