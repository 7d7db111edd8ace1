"""An answer that lacks what it must have is no answer.

ccxt takes a null or an empty object for an order that rests without a number, or for an account without money.
Freqtrade then ends with an error that nobody catches, or goes on with what is not so. What is refused here counts as a
failed request: Freqtrade asks again, and the bot opens nothing meanwhile.
"""

from collections.abc import Callable
from typing import Any

import ccxt

from market_making.trading.freqtrade.edge.door import Forward, ForwardLater, Request
from market_making.trading.freqtrade.edge.order_words import statuses_of

_LISTS = frozenset((
    "openOrders", "frontendOpenOrders", "historicalOrders", "userFills", "userFillsByTime", "candleSnapshot",
    "userFunding", "fundingHistory",
))  # fmt: skip


def _has(*keys: str) -> Callable[[Any], bool]:
    return lambda answer: isinstance(answer, dict) and all(answer.get(key) is not None for key in keys)


def _is_pair(answer: Any) -> bool:
    """Listings, and a context of each coin."""
    return isinstance(answer, list) and len(answer) >= 2 and isinstance(answer[0], dict) and isinstance(answer[1], list)


def _is_book(answer: Any) -> bool:
    return _has("levels", "time")(answer) and isinstance(answer["levels"], list) and len(answer["levels"]) == 2


_SHAPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_LISTS, lambda answer: isinstance(answer, list)),
    "clearinghouseState": _has("marginSummary", "assetPositions"),
    "spotClearinghouseState": _has("balances"),
    "l2Book": _is_book,
    "meta": _has("universe"),
    "spotMeta": _has("universe", "tokens"),
    "metaAndAssetCtxs": _is_pair,
    "spotMetaAndAssetCtxs": _is_pair,
}


def is_sound(request: Request, answer: Any) -> bool:
    """Whether an answer has what one to this question must have; one to an action must say how it went.

    Questions that are not listed may have any answer, as some are rightly null.
    """
    if request.is_action:
        return _has("status")(answer) and (request.kind not in ("order", "cancel") or bool(statuses_of(answer)))
    check = _SHAPES.get(request.kind)
    return check is None or check(answer)


class SoundAnswers:
    """Step of a client."""

    def step(self, request: Request, forward: Forward) -> Any:
        """Ask.

        Raises
        ------
        ccxt.ExchangeNotAvailable
            If the answer is none.
        """
        return _checked(request, forward(request))

    async def step_later(self, request: Request, forward: ForwardLater) -> Any:
        """The same for an asynchronous client."""
        return _checked(request, await forward(request))


def _checked(request: Request, answer: Any) -> Any:
    if not is_sound(request, answer):
        raise ccxt.ExchangeNotAvailable(f"the answer to {request.kind} is {answer!r:.60}")
    return answer
