"""Coins in a spot wallet that are not the bot's, told from fills that its own books do not know yet."""

from typing import NamedTuple

from market_making.trading.holding import Holding

# Own orders are looked at every loop; that this fails for so long while the wallet can be read is not expected.
_BELIEVED_AFTER_MS = 30_000
# A venue takes its fee from the coins that were bought, sometimes without the books knowing: no venue takes more.
_LARGEST_FEE = 0.002


class _Reading(NamedTuple):
    """Own coins, what the wallet holds beyond them [coins], and since when both have been so [ms]."""

    own: float
    beyond: float
    since_ms: int


class ForeignCoins:
    """What a wallet holds beyond own coins, by pair.

    A fill between the last look at an order and a reading of the wallet changes that too, until the next look. So it is
    believed only where no fill can be under way: at first while no order rests, later after it and the own coins have
    stood still for a while. What Freqtrade truncates to lots adds to it.
    """

    def __init__(self) -> None:
        self._known: dict[str, float] = {}
        self._read: dict[str, _Reading] = {}
        self._largest: dict[str, float] = {}

    def read(self, pair: str, held: float, holding: Holding, lot: float, now_ms: int) -> None:
        """Take note of a reading of the wallet [coins]."""
        own, beyond = holding.coins, held - holding.coins
        self._largest[pair] = max(self._largest.get(pair, 0.0), abs(own))
        if pair not in self._known and abs(beyond) <= lot:  # nothing there that could be a fill
            self._known[pair] = beyond
        before = self._read.get(pair)
        if before is None or (before.own, before.beyond) != (own, beyond):
            before = _Reading(own, beyond, now_ms)
        self._read[pair] = before
        is_first = pair not in self._known and holding.resting is None
        stands_still = now_ms - before.since_ms >= _BELIEVED_AFTER_MS
        if is_first or stands_still or self.agrees(pair, held, own, lot):
            self._known[pair] = beyond

    def agrees(self, pair: str, held: float, own: float, lot: float) -> bool:
        """Whether what the wallet holds is own coins and what is foreign, but for a lot or a fee [coins]."""
        tolerance = max(lot, _LARGEST_FEE * max(self._largest.get(pair, 0.0), abs(own)))
        return pair in self._known and abs(held - own - self._known[pair]) <= tolerance
