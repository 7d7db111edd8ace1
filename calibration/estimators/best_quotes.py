"""What the best quotes say of where mid goes: mid, and the imbalance of their sizes."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from market_making.market.tape import FloatArray, IntArray, QuoteTape

STEP_MS = 100  # of what is kept of a window


@dataclass(frozen=True, slots=True)
class BestQuotes:
    """Best quotes, ascending in time.

    A busy coin has tens of thousands in a window, therefore the small numbers are small.

    Parameters
    ----------
    time_ms : IntArray, shape (n,)
        The exchange's clock.
    mid : FloatArray, shape (n,)
        Middle of best bid and best ask [price].
    imbalance : NDArray[float32], shape (n,)
        (bid size − ask size) / (bid size + ask size); 0 where a size is not known, or there is none [1].
    """

    time_ms: IntArray
    mid: FloatArray
    imbalance: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.time_ms)

    @classmethod
    def of(cls, quotes: QuoteTape) -> Self:
        """Take over every quote."""
        bid, ask = quotes.bid_size, quotes.ask_size
        known = (bid > 0) & (ask > 0) & np.isfinite(bid) & np.isfinite(ask)
        with np.errstate(invalid="ignore"):
            imbalance = np.divide(bid - ask, bid + ask, out=np.zeros(len(bid)), where=known)
        return cls(quotes.time_ms, quotes.mid, imbalance.astype(np.float32))

    def every_step(self) -> Self:
        """Keep the last quote of each `STEP_MS` only."""
        step = -(-self.time_ms // STEP_MS)
        return self._part(np.flatnonzero(np.r_[step[1:] != step[:-1], True]) if len(self) else slice(0))

    def between(self, start_ms: int, end_ms: int) -> Self:
        """Return the quotes of the whole steps between two times: of a step that is cut, the last one is not known."""
        ends = [-(-start_ms // STEP_MS) * STEP_MS, end_ms // STEP_MS * STEP_MS]
        first, last = np.searchsorted(self.time_ms, ends, side="right")
        return self._part(slice(int(first), max(int(first), int(last))))

    def followed_by(self, later: Self) -> Self:
        """Return these quotes and later ones."""
        return type(self)(*map(np.concatenate, zip(self._columns, later._columns, strict=True)))

    def _part(self, chosen: IntArray | slice) -> Self:
        return type(self)(*(column[chosen] for column in self._columns))

    @property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.time_ms, self.mid, self.imbalance
