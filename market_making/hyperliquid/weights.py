"""What a request to Hyperliquid weighs against the 1,200 a minute that the exchange allows one IP address.

Source: the exchange's documentation, "Rate limits and user limits" (August 2026). ccxt's own costs are lower for most
questions (10 instead of 20, nothing for the rows of an answer), so a client that trusts them can break the limit.
"""

from collections.abc import Mapping
from typing import Any

PER_MINUTE = 1_200
_LIGHT, _USUAL, _ROLE = 2, 20, 60
_LIGHT_KINDS = frozenset(
    ("l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus")
)
_ITEMS_PER_ACTION = 40
_ROWS = {
    "candleSnapshot": 60,
    "fundingHistory": 20,
    "historicalOrders": 20,
    "nonUserFundingUpdates": 20,
    "recentTrades": 20,
    "twapHistory": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "userFunding": 20,
    "userNonFundingLedgerUpdates": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
}


def question_weight(kind: str) -> int:
    """Weight of a question to ``/info``, without the rows of its answer; `kind` is its ``type``."""
    if kind in _LIGHT_KINDS:
        return _LIGHT
    return _ROLE if kind == "userRole" else _USUAL


def answer_weight(kind: str, answer: Any) -> int:
    """Weight that the rows of an answer add to its question's."""
    per = _ROWS.get(kind)
    return len(answer) // per if per is not None and isinstance(answer, list) else 0


def action_weight(action: Mapping[str, Any]) -> int:
    """Weight of a signed action: 1, and 1 more for every 40 items of a batch."""
    return 1 + action_count(action) // _ITEMS_PER_ACTION


def action_count(action: Mapping[str, Any]) -> int:
    """How many actions of its address a signed action is: a batch of n counts n."""
    for key in ("orders", "cancels", "modifies"):
        items = action.get(key)
        if isinstance(items, list):
            return max(len(items), 1)
    return 1
