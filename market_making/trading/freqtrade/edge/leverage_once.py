"""The leverage of a pair is sent once, verified, and sent again after a restart.

Freqtrade sends it before every order that is no exit: one third of the actions of a re-quote, against the address's
budget. It is left out only while the exchange itself has said what holds, and no longer when a position says otherwise.
"""

import logging
from typing import Any

import ccxt

from market_making.trading.freqtrade.edge.door import Forward, Request

log = logging.getLogger(__name__)

_MOST_DOUBTS = 3  # a pair of which the exchange does not say it is handled as stock Freqtrade does


class LeverageOnce:
    """Stands in the place of the exchange's ``_lev_prep``.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        Whose method is replaced.
    """

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._stock = exchange._lev_prep
        self._verified: dict[str, tuple[str, int]] = {}
        self._doubts: dict[str, int] = {}
        exchange._lev_prep = self.prepare

    def prepare(self, pair: str, leverage: float, side: str, accept_fail: bool = False) -> None:
        """Send the leverage of `pair` unless the exchange has said that it holds; errors are Freqtrade's."""
        wanted = (str(self._exchange.margin_mode.value), int(leverage))
        if not wanted[0]:  # in spot there is none
            self._stock(pair, leverage, side, accept_fail)
            return
        if self._verified.get(pair) == wanted:
            return
        self._verified.pop(pair, None)
        self._stock(pair, leverage, side, accept_fail)
        if self._doubts.get(pair, 0) < _MOST_DOUBTS:
            self._verify(pair, wanted)

    def step(self, request: Request, forward: Forward) -> Any:
        """Step of the client that reads the leverage of positions as they pass."""
        if request.kind == "activeAssetData":
            request = request._replace(may_wait=False)  # an entry does not wait for it: the next one asks again
        answer = forward(request)
        if request.kind == "clearinghouseState" and self._verified:
            for coin, seen in _leverages(answer):
                self._compare(coin, seen)
        return answer

    def _verify(self, pair: str, wanted: tuple[str, int]) -> None:
        try:
            seen = self._asked(pair)
        except ccxt.RateLimitExceeded as error:  # says nothing of the pair: as when two bots start at once
            log.info("the leverage of %s is asked for with the next order: %s", pair, error)
            return
        if seen == wanted:
            self._verified[pair] = wanted
            return
        self._doubts[pair] = self._doubts.get(pair, 0) + 1
        log.warning("sent leverage %s of %s, the exchange says %s: it is sent with every order", wanted, pair, seen)

    def _asked(self, pair: str) -> tuple[str, int] | None:
        """What the exchange says of a pair; None if it says nothing.

        Raises
        ------
        ccxt.RateLimitExceeded
            If it was not asked, because too much has been.
        """
        client = self._exchange._api
        address, _ = client.handle_public_address("fetchLeverage", {})
        question = {"type": "activeAssetData", "user": address, "coin": client.market(pair)["baseName"]}
        try:
            answer = client.publicPostInfo(question)
        except ccxt.RateLimitExceeded:
            raise
        except ccxt.BaseError as error:
            log.info("the leverage of %s cannot be asked for: %s", pair, error)
            return None
        return _leverage(answer)

    def _compare(self, coin: str, seen: tuple[str, int]) -> None:
        for pair, wanted in list(self._verified.items()):
            market = self._exchange._api.markets.get(pair) or {}
            if coin == market.get("baseName") and seen != wanted:
                del self._verified[pair]
                log.warning("the leverage of %s is %s, wanted is %s: it is sent again", pair, seen, wanted)


def _leverages(answer: Any) -> list[tuple[str, tuple[str, int]]]:
    """Coin, margin mode and leverage of every position of an account's state."""
    positions = answer.get("assetPositions") if isinstance(answer, dict) else None
    items = [item["position"] for item in positions or () if isinstance(item, dict) and "position" in item]
    return [(str(item.get("coin")), seen) for item in items if (seen := _leverage(item)) is not None]


def _leverage(answer: Any) -> tuple[str, int] | None:
    """Margin mode and leverage as the exchange writes them; None where they are missing."""
    leverage = answer.get("leverage") if isinstance(answer, dict) else None
    if not isinstance(leverage, dict) or not str(leverage.get("value", "")).isdigit():
        return None
    return str(leverage.get("type")), int(leverage["value"])
