"""Money of one account on one dex, with the positions it stands behind.

At any price the two sides of this identity are booked separately and agree to the last digit::

    cash + Σ isolated cash + Σ size · price  =  deposits + realised − fees + funding − seized + Σ unrealised
"""

from dataclasses import dataclass, field
from decimal import Decimal

from market_making.market.instrument import Instrument
from market_making.venue.accounts.position import ZERO, Booking, Position

DEFAULT_LEVERAGE = 20


@dataclass(slots=True, eq=False)
class Purse:
    """Cash [USDC] and positions."""

    deposits: Decimal
    cash: Decimal = field(init=False)
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    seized: Decimal = ZERO
    positions: dict[str, Position] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cash = self.deposits

    def position(self, instrument: Instrument, maximum_leverage: int, *, is_cross: bool = True) -> Position:
        """The position in a coin, which may be flat."""
        if instrument.coin not in self.positions:
            leverage = min(DEFAULT_LEVERAGE, maximum_leverage)
            self.positions[instrument.coin] = Position(instrument.lot, maximum_leverage, leverage, is_cross)
        return self.positions[instrument.coin]

    def held(self) -> dict[str, Position]:
        """Positions that are not flat."""
        return {coin: position for coin, position in self.positions.items() if position.lots}

    def book(self, booking: Booking, fee: Decimal) -> None:
        """Book what a fill brings and costs."""
        self.cash += booking.cash - fee
        self.realised += booking.realised
        self.fees += fee

    def charge(self, amount: Decimal) -> None:
        """Take a fee that no fill caused."""
        self.cash -= amount
        self.fees += amount

    def seize(self, amount: Decimal) -> None:
        """Give what a liquidation left to the liquidator; a debt (negative) is his, too."""
        self.cash -= amount
        self.seized += amount
