"""Money of one position. Every amount is an exact decimal, so that nothing is lost however often a position changes."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

ZERO = Decimal(0)
MICRO = Decimal("0.000001")
BASIS_STEP = Decimal("1e-12")


class Booking(NamedTuple):
    """What a fill does to the account: realised profit, and cash that moves into the account's cross balance [USDC]."""

    realised: Decimal
    cash: Decimal


@dataclass(slots=True)
class Position:
    """A position of one account in one coin.

    `lots` is signed; `basis` is the signed notional at which it was entered, so the unrealised profit is
    ``value − basis``. An isolated position has cash of its own, `isolated_cash`; a cross position has none.
    """

    lot: Decimal
    maximum_leverage: int
    leverage: int
    is_cross: bool = True
    lots: int = 0
    basis: Decimal = ZERO
    isolated_cash: Decimal = ZERO
    funding_all_time: Decimal = ZERO
    funding_since_open: Decimal = ZERO
    funding_since_change: Decimal = ZERO

    @property
    def size(self) -> Decimal:
        """Signed size [coins]."""
        return self.lots * self.lot

    @property
    def entry_price(self) -> Decimal:
        """Mean price of entry; only of an open position."""
        return self.basis / self.size

    def value(self, price: Decimal) -> Decimal:
        """Signed notional at a price [USDC]."""
        return self.size * price

    def unrealised(self, price: Decimal) -> Decimal:
        """Profit at a price that is not realised yet [USDC]."""
        return self.value(price) - self.basis

    def closing_lots(self, lots: int) -> int:
        """How much of a signed trade reduces this position [lots, not signed]."""
        return min(abs(self.lots), abs(lots)) if self.lots * lots < 0 else 0

    def trade(self, lots: int, price: Decimal) -> Booking:
        """Book a fill of signed `lots` at a price: first what closes, then what opens."""
        sign = 1 if lots > 0 else -1
        closing = self.closing_lots(lots)
        booking = self._close(sign * closing, price) if closing else Booking(ZERO, ZERO)
        opening = abs(lots) - closing
        if opening:
            booking = booking._replace(cash=booking.cash + self._open(sign * opening, price))
        self.funding_since_change = ZERO
        return booking

    def pay_funding(self, amount: Decimal) -> Decimal:
        """Book a funding payment, positive when received; return what the cross balance receives."""
        self.funding_all_time += amount
        self.funding_since_open += amount
        self.funding_since_change += amount
        if self.is_cross:
            return amount
        self.isolated_cash += amount
        return ZERO

    def _close(self, lots: int, price: Decimal) -> Booking:
        proceeds = -lots * self.lot * price
        everything = lots == -self.lots
        share = Decimal(-lots) / Decimal(self.lots)
        released_basis = self.basis if everything else (self.basis * share).quantize(BASIS_STEP)
        released_cash = self.isolated_cash if everything else (self.isolated_cash * share).quantize(MICRO)
        self.lots += lots
        self.basis -= released_basis
        self.isolated_cash -= released_cash
        return Booking(proceeds - released_basis, proceeds + released_cash)

    def _open(self, lots: int, price: Decimal) -> Decimal:
        cost = lots * self.lot * price
        if self.lots == 0:
            self.funding_since_open = ZERO
        self.lots += lots
        self.basis += cost
        if self.is_cross:
            return -cost
        margin = (abs(cost) / self.leverage).quantize(MICRO, ROUND_CEILING)
        self.isolated_cash += margin - cost
        return -margin
