"""The budget of actions of one address: some are free, every dollar traded earns one more.

Source: the exchange's documentation, "Rate limits and user limits" (August 2026): 10 000 actions and 1 per USDC traded;
an address over its limit gets one action every 10 s; cancels have a limit of min(limit + 100 000, 2 · limit).
"""

from dataclasses import dataclass
from decimal import Decimal

THROTTLE_MS = 10_000
CANCEL_ALLOWANCE = 100_000


@dataclass(slots=True)
class ActionBudget:
    """Actions of one address; a batch of n orders counts n. `reserved` ones were bought."""

    free: int
    used: int = 0
    reserved: int = 0
    volume: Decimal = Decimal(0)
    next_allowed_ms: int = 0

    @property
    def cap(self) -> int:
        """How many actions the address has earned by now."""
        return self.free + int(self.volume)

    @property
    def limit(self) -> int:
        """How many actions the address may have used by now, bought ones included."""
        return self.cap + self.reserved

    def admit(self, count: int, now_ms: int, *, is_cancel: bool) -> str | None:
        """Count actions; return the exchange's words where they are refused."""
        limit = min(self.limit + CANCEL_ALLOWANCE, 2 * self.limit) if is_cancel else self.limit
        if self.used + count > limit:
            if now_ms < self.next_allowed_ms:
                return (
                    f"Too many cumulative requests sent ({self.used + count} > {limit}) for cumulative volume traded "
                    f"${self.volume:.2f}. Place taker orders to free up 1 request per USDC traded."
                )
            self.next_allowed_ms = now_ms + THROTTLE_MS
        self.used += count
        return None
