"""What a bot may hold, and which of two legs it is."""

from enum import StrEnum

from market_making.market.sides import Side


class Role(StrEnum):
    """What a bot may hold. Two legs, on two accounts, together quote both sides; each holds either direction."""

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
        only = {Role.LONG_ONLY: Side.BID, Role.SHORT_ONLY: Side.ASK}.get(self)
        return only is None or side is only
