"""How the account keeps its collateral, as Freqtrade's client has found out at the start."""

from typing import Any


def is_unified(exchange: Any) -> bool:
    """Whether spot and futures share one balance, of which it is told in contradictory ways what it contains."""
    return bool(exchange._api.options.get("enableUnifiedMargin"))
