"""Tokens of one account: what was bought, what it cost, and what open orders hold.

USDC lies in a purse of its own, or in that of the perpetuals where the account is unified. With ``total`` tokens of a
price, the identity of a purse holds with ``Σ (total · price − basis)`` as a further unrealised profit.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from market_making.market.identity import SpotTokens
from market_making.market.names import USDC
from market_making.market.sides import Side
from market_making.venue.accounts.position import BASIS_STEP, ZERO, Booking
from market_making.venue.accounts.purse import Purse
from market_making.venue.order_book.order import Order

TOKEN_STEP = Decimal("1e-8")


class SpotFill(NamedTuple):
    """What a fill took: the fee and the token it was paid in, the fee's value, and the realised profit [USDC]."""

    fee: Decimal
    token: str
    fee_value: Decimal
    realised: Decimal


class SpotWallet:
    """Tokens of one account.

    Parameters
    ----------
    purse : Purse
        Where its USDC lies.
    """

    def __init__(self, purse: Purse) -> None:
        self.purse = purse
        self._total: dict[str, Decimal] = {}
        self._basis: dict[str, Decimal] = {}

    def total(self, token: str) -> Decimal:
        """How much of a token it holds, whether or not an order holds it."""
        return self.purse.cash if token == USDC else self._total.get(token, ZERO)

    def entry(self, token: str) -> Decimal:
        """What the tokens have cost [USDC]."""
        return self._basis.get(token, ZERO)

    @property
    def tokens(self) -> list[str]:
        """Tokens it holds, beside USDC."""
        return [token for token, total in self._total.items() if total]

    def trade(self, tokens: SpotTokens, side: Side, size: Decimal, price: Decimal, rate: Decimal) -> SpotFill:
        """Book a fill; who buys pays the fee in the token bought, who sells in the quote token."""
        value = size * price
        if side is Side.BID:
            fee = (size * rate).quantize(TOKEN_STEP)
            self._add(tokens.base, size - fee, (size - fee) * price)
            self._pay(tokens.quote, -value, ZERO, fee * price)
            return SpotFill(fee, tokens.base, fee * price, ZERO)
        fee = (value * rate).quantize(TOKEN_STEP)
        released = self._release(tokens.base, size)
        self._pay(tokens.quote, value, value - released, fee)
        if tokens.quote == USDC:
            self.purse.cash -= fee
        else:
            self._add(tokens.quote, -fee, ZERO)
        return SpotFill(fee, tokens.quote, fee, value - released)

    def worth(self, prices: dict[str, Decimal]) -> Decimal:
        """Profit that is not realised, at prices by token [USDC]; a token without a price is worth what it cost."""
        return sum(
            (self._total[token] * prices[token] - self.entry(token) for token in self.tokens if token in prices), ZERO
        )

    def _pay(self, quote: str, value: Decimal, realised: Decimal, fee_value: Decimal) -> None:
        if quote == USDC:
            self.purse.book(Booking(realised, value), ZERO)
        else:
            self.purse.book(Booking(realised, ZERO), ZERO)
            self._add(quote, value, value)
        self.purse.fees += fee_value

    def _add(self, token: str, size: Decimal, cost: Decimal) -> None:
        self._total[token] = self._total.get(token, ZERO) + size
        self._basis[token] = self._basis.get(token, ZERO) + cost

    def _release(self, token: str, size: Decimal) -> Decimal:
        """Take tokens out; return what they have cost [USDC]."""
        total, basis = self._total[token], self.entry(token)
        released = basis if size == total else (basis * size / total).quantize(BASIS_STEP)
        self._total[token], self._basis[token] = total - size, basis - released
        return released


def held_by_orders(orders: Iterable[tuple[SpotTokens, Order]], token: str) -> Decimal:
    """How much of a token open orders hold: bids hold what they would pay, asks what they would deliver."""
    held = ZERO
    for tokens, order in orders:
        size = order.size(order.lots)
        if order.side is Side.BID and tokens.quote == token:
            held += size * Decimal(repr(order.price))
        elif order.side is Side.ASK and tokens.base == token:
            held += size
    return held
