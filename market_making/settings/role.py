"""What a bot may hold, and which of two legs it is."""

from enum import StrEnum

from market_making.market.sides import Side


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
