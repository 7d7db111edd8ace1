"""How many actions an address may still send: ``userRateLimit`` of the exchange.

Source: the exchange's documentation, "Query user rate limits" (August 2026): used is max(0, all used − reserved),
the cap is 10,000 plus the volume in USDC, the surplus is max(0, reserved − cumulative used).
"""

from typing import Any, NamedTuple

from market_making.hyperliquid.numbers import from_wire
from market_making.market.errors import MalformedMessage

FREE_ACTIONS = 10_000  # of a new address
ACTION_PRICE = 0.0005  # USDC, of a bought one
RELIEF_S = 10.0  # an address beyond its limit may send one action in this time [s]


class AddressLimit(NamedTuple):
    """Actions used, those earned by volume, bought ones that are left, and the volume traded [USDC]."""

    used: int
    cap: int
    surplus: int = 0
    volume: float = 0.0

    @property
    def left(self) -> int:
        """Actions left; negative beyond the limit."""
        return self.cap - self.used + self.surplus


def read_address_limit(answer: Any) -> AddressLimit:
    """Read an answer to ``userRateLimit``.

    Raises
    ------
    MalformedMessage
        If a number is missing or none; without the volume none is known.
    """
    if isinstance(answer, dict):
        used, cap = answer.get("nRequestsUsed"), answer.get("nRequestsCap")
        surplus = answer.get("nRequestsSurplus", 0)
        if type(used) is int and type(cap) is int and type(surplus) is int and min(used, cap, surplus) >= 0:
            return AddressLimit(used, cap, surplus, from_wire(answer.get("cumVlm", "0")))
    raise MalformedMessage(f"userRateLimit must have nRequestsUsed and nRequestsCap, got {answer!r:.200}")
