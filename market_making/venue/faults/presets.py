"""Schedules with a name, for ``mm venue --faults NAME`` and ``mm demo --faults NAME``. No address is named in them."""

from pathlib import Path
from typing import Any

import orjson

from market_making.market.errors import ConfigurationError
from market_making.venue.faults.document import Faults

Entry = dict[str, Any]

_LOST_ANSWERS: list[Entry] = [
    {"fault": "swallow", "action": "order", "probability": 0.06},
    {"fault": "swallow", "action": "order", "executed": False, "probability": 0.03},
    {"fault": "status", "code": 504, "action": ["order", "cancel"], "executed": True, "probability": 0.08},
    {"fault": "cut", "action": ["order", "cancel", "updateLeverage"], "probability": 0.08},
    {"fault": "late", "action": "order", "seconds": 6.0, "probability": 0.06},
]
_BAD_NETWORK: list[Entry] = [
    {"fault": "delay", "info": "any", "seconds": 0.8, "probability": 0.1},
    {"fault": "late", "info": "any", "seconds": 2.5, "probability": 0.03},
    {"fault": "cut", "info": "any", "probability": 0.03},
    {"fault": "half", "info": "any", "probability": 0.02},
    {"fault": "half", "action": "any", "probability": 0.03},
    {"fault": "status", "code": 502, "info": "any", "probability": 0.02},
    {"fault": "twice", "action": "any", "probability": 0.03},
    {"fault": "drop", "stream": "any", "probability": 0.02},
    {"fault": "double", "stream": "any", "probability": 0.03},
    {"fault": "reorder", "stream": "any", "probability": 0.05},
    {"fault": "late", "stream": "any", "seconds": 1.5, "probability": 0.02},
    {"fault": "disconnect", "every_s": 60.0},
]
_OUTAGE: list[Entry] = [
    {"fault": "status", "code": 502, "info": "any", "from_s": 90.0, "until_s": 120.0, "repeat_s": 300.0},
    {"fault": "status", "code": 502, "action": "any", "from_s": 90.0, "until_s": 120.0, "repeat_s": 300.0},
    {"fault": "drop", "stream": "any", "from_s": 90.0, "until_s": 120.0, "repeat_s": 300.0},
    {"fault": "disconnect", "from_s": 90.0},
]
_ZERO_BALANCES: list[Entry] = [
    {"fault": "zero", "info": ["clearinghouseState", "spotClearinghouseState"], "probability": 0.03},
    {"fault": "null", "info": ["clearinghouseState", "spotClearinghouseState"], "probability": 0.03},
    {"fault": "empty", "info": ["clearinghouseState", "openOrders", "frontendOpenOrders"], "probability": 0.03},
]
_RATE_LIMITED: list[Entry] = [
    {"fault": "status", "code": 429, "info": "any", "from_s": 60.0, "until_s": 75.0, "repeat_s": 90.0},
    {"fault": "status", "code": 429, "action": "any", "from_s": 60.0, "until_s": 75.0, "repeat_s": 90.0},
]
_UNKNOWN_ORDERS: list[Entry] = [
    {"fault": "unknown", "info": "orderStatus", "probability": 0.08, "per_order": True},
    {"fault": "refuse", "action": "cancel", "probability": 0.05,
     "text": "Order was never placed, already canceled, or filled."},
]  # fmt: skip
_EXCHANGE_CANCELS: list[Entry] = [
    {"fault": "cancel", "every_s": 25.0},
    {"fault": "cancel", "every_s": 120.0, "status": "openInterestCapCanceled", "all_orders": True},
    {"fault": "cancel", "every_s": 150.0, "status": "scheduledCancel", "all_orders": True},
    {"fault": "cancel", "every_s": 100.0, "status": "internalCancel"},
]
_OTHER_HANDS: list[Entry] = [
    {"fault": "order", "every_s": 60.0, "notional": 30.0},
    {"fault": "trade", "every_s": 120.0, "notional": 30.0},
]
_BAD_SOCKET: list[Entry] = [
    {"fault": "late", "stream": "any", "seconds": 0.3, "probability": 0.1},
    {"fault": "late", "stream": "any", "seconds": 1.5, "probability": 0.02},
    {"fault": "double", "stream": "any", "probability": 0.05},
    {"fault": "reorder", "stream": "any", "probability": 0.05},
    {"fault": "cut", "stream": "any", "probability": 0.001},
    {"fault": "disconnect", "every_s": 30.0},
]
_LYING_SOCKET: list[Entry] = [
    {"fault": "old", "stream": "any", "from_s": 30.0, "until_s": 36.0, "repeat_s": 60.0},
    {"fault": "half", "stream": "any", "from_s": 45.0, "until_s": 46.0, "repeat_s": 60.0},
    {"fault": "stranger", "stream": "any", "from_s": 55.0, "until_s": 60.0, "repeat_s": 60.0},
]
_FAR_AWAY: list[Entry] = [
    {"fault": "delay", "info": "any", "seconds": 0.05},
    {"fault": "late", "info": "any", "seconds": 0.05},
    {"fault": "delay", "action": "any", "seconds": 0.05},
    {"fault": "late", "action": "any", "seconds": 0.05},
    {"fault": "late", "stream": "any", "seconds": 0.05},
]
_CHAOS: list[Entry] = [
    *({**entry, "probability": entry.get("probability", 1.0) / 3} for entry in (*_LOST_ANSWERS, *_ZERO_BALANCES)),
    *({**entry, "probability": entry.get("probability", 1.0) / 3} for entry in (*_BAD_NETWORK, *_UNKNOWN_ORDERS)),
    *_EXCHANGE_CANCELS,
    *_OTHER_HANDS,
    *_OUTAGE,
]

PRESETS: dict[str, list[Entry]] = {
    "on-request": [],  # all is well until somebody posts a fault to /faults
    "lost-answers": _LOST_ANSWERS,
    "bad-network": _BAD_NETWORK,
    "bad-socket": _BAD_SOCKET,
    "lying-socket": _LYING_SOCKET,
    "far-away": _FAR_AWAY,
    "exchange-outage": _OUTAGE,
    "zero-balances": _ZERO_BALANCES,
    "rate-limited": _RATE_LIMITED,
    "unknown-orders": _UNKNOWN_ORDERS,
    "exchange-cancels": _EXCHANGE_CANCELS,
    "other-hands": _OTHER_HANDS,
    "liquidation": [{"fault": "liquidate", "from_s": 120.0}],
    "clock-ahead": [{"fault": "clock", "offset_ms": 45_000, "from_s": 90.0}],
    "clock-behind": [{"fault": "clock", "offset_ms": -45_000, "from_s": 90.0}],
    "closed-markets": [
        {"fault": "halt", "every_s": 180.0},
        {"fault": "cap", "every_s": 150.0},
        {"fault": "hold_oracle", "every_s": 240.0},
    ],
    "chaos": _CHAOS,
}


def read_faults(name_or_file: str) -> Faults:
    """The schedule of this name, or in this file.

    Raises
    ------
    ConfigurationError
        Naming the schedules there are, or what is wrong in the file.
    """
    if name_or_file in PRESETS:
        return Faults.parse({"faults": PRESETS[name_or_file]})
    path = Path(name_or_file)
    if not path.is_file():
        raise ConfigurationError(f"faults must be a file or one of {', '.join(PRESETS)}, got {name_or_file!r:.80}")
    try:
        return Faults.parse(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, ConfigurationError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
