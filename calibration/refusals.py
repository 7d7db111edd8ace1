"""Why coins are not calibrated: said when it begins, again ever more seldom, and when it is over."""

import logging

from market_making.market.errors import MarketMakingError, UnknownCoin

_AGAIN_MS = 60_000
_SELDOM_MS = 3_600_000

log = logging.getLogger(__name__)


class Refusals:
    """What is wrong with each coin now, and when it is to be said again.

    A coin that the store does not hold is said once: nothing changes until somebody records it.
    """

    def __init__(self) -> None:
        self._now: dict[str, MarketMakingError] = {}
        self._next: dict[str, tuple[int, int]] = {}

    def refused(self, coin: str, error: MarketMakingError, now_ms: int) -> None:
        """Note that a coin was not calibrated at `now_ms`, and say why if that is news."""
        is_news = type(self._now.get(coin)) is not type(error)
        self._now[coin] = error
        due_ms, pause_ms = (now_ms, _AGAIN_MS) if is_news else self._next[coin]
        if now_ms < due_ms <= now_ms + _SELDOM_MS:
            return
        if is_news or not isinstance(error, UnknownCoin):
            log.warning("%s is not calibrated: %s", coin, error)
        self._next[coin] = now_ms + pause_ms, min(2 * pause_ms, _SELDOM_MS)

    def calibrated(self, coin: str) -> None:
        """Note that a coin was calibrated."""
        if self._now.pop(coin, None) is not None:
            log.info("%s is calibrated now", coin)

    def of(self, coin: str) -> str:
        """Why a coin is not calibrated; empty if it is, or was not tried yet."""
        return str(self._now.get(coin, ""))
