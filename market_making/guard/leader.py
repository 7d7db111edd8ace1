"""Where a coin's mid is about to be, by another venue that moves first.

The two venues differ by a basis: contracts, currencies and fees are not the same. So the leader's price counts relative
to what it used to be beside ours: the logarithm of the ratio of the mids, averaged over the last minute, and how far it
strays from that average. A leader that has gone quiet, or was not seen for long enough, says nothing.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple, Protocol

from market_making.market.events import BestQuote

BASIS_S = 60.0
WARM_S, WARM_QUOTES = 30.0, 30
FRESH_S = 1.0


class LeaderFeed(Protocol):
    """Best quotes of another venue, until cancelled; `name` is the venue's."""

    name: str

    async def run(self, coins: Callable[[], Set[str]], tell: Callable[[BestQuote], None]) -> None:
        """Tell every best quote of the coins that are wanted, by our names of them."""
        ...


class LedMid(NamedTuple):
    """Mid that another venue announces [price], and how far its announcements stray [price]."""

    mid: float
    noise: float


@dataclass
class _Basis:
    """Average and variance of log(our mid / the leader's), since when and from how many of our quotes."""

    since_s: float
    average: float
    variance: float = 0.0
    updated_s: float = 0.0
    quotes: int = 0


class Leader:
    """The other venue's mids, translated into ours.

    Parameters
    ----------
    name : str
        The venue.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._mids: dict[str, tuple[float, float]] = {}
        self._bases: dict[str, _Basis] = {}

    def led(self, quote: BestQuote, now_s: float) -> None:
        """Take a best quote of the leader, at a time of a clock that only goes forward [s]."""
        if quote.bid is None or quote.ask is None or quote.bid.price >= quote.ask.price:
            self._mids.pop(quote.coin, None)
            return
        self._mids[quote.coin] = ((quote.bid.price + quote.ask.price) / 2, now_s)

    def followed(self, coin: str, mid: float, now_s: float) -> None:
        """Take our own mid [price] and learn the basis from it."""
        leading = self._fresh(coin, now_s)
        if leading is None:
            self._bases.pop(coin, None)  # what was true before a silence need not be true after it
            return
        ratio = log(mid / leading)
        basis = self._bases.get(coin)
        if basis is None:
            self._bases[coin] = _Basis(now_s, ratio, updated_s=now_s)
            return
        # A plain mean at first, then one over the last minute.
        share = 1 - exp(-(now_s - basis.updated_s) / min(BASIS_S, max(now_s - basis.since_s, 1e-3)))
        change = ratio - basis.average
        basis.average += share * change
        basis.variance = (1 - share) * (basis.variance + share * change**2)
        basis.updated_s = now_s
        basis.quotes += 1

    def mid(self, coin: str, now_s: float) -> LedMid | None:
        """Our mid as the leader announces it; None while it is not known."""
        leading, basis = self._fresh(coin, now_s), self._bases.get(coin)
        if leading is None or basis is None:
            return None
        if now_s - basis.since_s < WARM_S or basis.quotes < WARM_QUOTES:
            return None
        mid = leading * exp(basis.average)
        return LedMid(mid, mid * sqrt(basis.variance))

    def forget(self) -> None:
        """Know nothing: our own mids are lost."""
        self._bases.clear()

    def _fresh(self, coin: str, now_s: float) -> float | None:
        mid, heard_s = self._mids.get(coin, (0.0, float("-inf")))
        return mid if now_s - heard_s <= FRESH_S else None
