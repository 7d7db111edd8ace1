"""Which trades of a coin were recorded, so that a back-log repeats none of them."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

REMEMBERED_TRADES = 10_000


class RememberedTrades:
    """The last `REMEMBERED_TRADES` trades in 80 kB: of each a number of 64 bits, made of its time and its id.

    Two different trades have the same number once in 10^15 trades.

    Parameters
    ----------
    known : iterable of (int, str)
        Times [ms] and ids of the last recorded trades, oldest first.
    """

    def __init__(self, known: Iterable[tuple[int, str]] = ()) -> None:
        self._numbers = np.zeros(REMEMBERED_TRADES, dtype=np.uint64)  # 0 is no trade
        self._next = 0
        for time_ms, trade_id in known:
            self.is_new(time_ms, trade_id)

    def is_new(self, time_ms: int, trade_id: str) -> bool:
        """Whether the trade is not among those remembered; it is from now on, and the oldest is not."""
        number = _number(time_ms, trade_id)
        if (self._numbers == number).any():
            return False
        self._numbers[self._next] = number
        self._next = (self._next + 1) % REMEMBERED_TRADES
        return True


def _number(time_ms: int, trade_id: str) -> np.uint64:
    digest = blake2b(f"{time_ms} {trade_id}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest) or 1)
