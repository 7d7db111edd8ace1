"""Oracles of markets that others have deployed: one that stands still while the book moves has been left alone.

The deployer renews it every few seconds. Without it the exchange takes the local book as the mark price: in a thin book
a few orders then liquidate positions. There is no field that says so; an unchanged price is the only sign.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from market_making.hyperliquid.contexts import parse_context
from market_making.market.errors import MalformedMessage
from market_making.market.reasons import Because, Reason

STANDS_AFTER_S = 60.0
MOVED_BPS = 5.0


class _Told(NamedTuple):
    """The oracle's price, since when it is told [s], mid then and the farthest it has been since."""

    price: float
    since_s: float
    mid: float
    farthest: float


class Oracles:
    """What the websocket tells of them.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, _Told] = {}

    def take(self, data: Any) -> None:
        """Take the body of an ``activeAssetCtx`` message.

        Raises
        ------
        MalformedMessage
            If something is missing.
        """
        try:
            context = parse_context(str(data["coin"]), data["ctx"])
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"a context lacks {error}: {data!r:.100}") from None
        if context.oracle_price is None or context.mid_price is None:
            return
        known, mid = self._told.get(context.coin), context.mid_price
        if known is None or known.price != context.oracle_price:
            self._told[context.coin] = _Told(context.oracle_price, self._clock(), mid, mid)
        elif abs(mid - known.mid) > abs(known.farthest - known.mid):
            self._told[context.coin] = known._replace(farthest=mid)

    def forget(self) -> None:
        """Messages are missed: how long an oracle has stood still is not known."""
        self._told.clear()

    def still(self, coin: str) -> Because | None:
        """Why nothing may be opened in a coin, if its oracle stands still while the book has moved."""
        told = self._told.get(coin)
        if told is None:
            return None
        stands_s, moved_bps = self._clock() - told.since_s, 1e4 * abs(told.farthest / told.mid - 1)
        if stands_s < STANDS_AFTER_S or moved_bps < MOVED_BPS:
            return None
        text = f"the oracle has said {told.price:g} for {stands_s:.0f} s while mid moved by {moved_bps:.1f} bps"
        return Because(Reason.MARKET_CLOSED, text)
