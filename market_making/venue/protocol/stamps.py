"""Every stamp on the wire, moved as if the exchange's clock went ahead of this machine's or behind it."""

from typing import Any

import orjson

# A stamp is one of these fields with a Unix time in milliseconds; nothing else on this wire has both.
_FIELDS = frozenset(
    ("time", "timestamp", "statusTimestamp", "t", "T", "serverTime", "validUntil", "agentValidUntil", "startTime",
     "endTime", "nextFundingTime")
)  # fmt: skip
_EARLIEST_MS = 10**12


def shifted(value: Any, offset_ms: int, key: str = "") -> Any:
    """The same answer with its stamps moved [ms]."""
    match value:
        case dict():
            return {name: shifted(inner, offset_ms, name) for name, inner in value.items()}
        case list():
            return [shifted(inner, offset_ms, key) for inner in value]
        case int() if key in _FIELDS and value >= _EARLIEST_MS:
            return value + offset_ms
    return value


def shifted_message(text: bytes, offset_ms: int) -> bytes:
    """The same message of a websocket with its stamps moved [ms]."""
    return orjson.dumps(shifted(orjson.loads(text), offset_ms)) if offset_ms else text
