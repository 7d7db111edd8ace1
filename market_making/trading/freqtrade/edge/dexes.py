"""The dexes on which a bot may have orders: the exchange tells the open orders of one dex at a time."""

from typing import Any


def dexes_of(exchange: Any) -> tuple[str, ...]:
    """Names of the dexes that Freqtrade trades on; the main one, which lists spot as well, has an empty one."""
    return ("", *map(str, exchange._config.get("exchange", {}).get("hip3_dexes") or ()))


def on_dex(dex: str) -> dict[str, str]:
    """What a question says to be about a dex; nothing for the main one."""
    return {"dex": dex} if dex else {}
