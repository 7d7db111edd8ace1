"""How two bots on two accounts, the long and the short leg, tell each other their position: one small file each."""

import os
from pathlib import Path

import orjson

from market.errors import DataError, MalformedMessage

# A leg writes every loop; after this it is taken for stopped.
ANSWERS_WITHIN_MS = 10_000


def publish_leg(folder: Path, coin: str, leg: str, *, coins: float, now_ms: int) -> None:
    """Write this leg's position [coins, signed] whole and atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{coin}-{leg}.{os.getpid()}.tmp"
    temporary.write_bytes(orjson.dumps({"time_ms": now_ms, "coins": coins}))
    temporary.replace(folder / f"{coin}-{leg}.json")


def other_leg(folder: Path, coin: str, leg: str, *, now_ms: int) -> float:
    """Position of the other leg [coins, signed].

    Raises
    ------
    DataError
        If the other leg has not written within `ANSWERS_WITHIN_MS`, or what it wrote is torn.
    """
    path = folder / f"{coin}-{'short' if leg == 'long' else 'long'}.json"
    try:
        content = orjson.loads(path.read_bytes())
        time_ms, coins = int(content["time_ms"]), float(content["coins"])
    except OSError:
        raise DataError(f"there is no {path}: the other leg has never run") from None
    except (ValueError, KeyError, TypeError):
        raise MalformedMessage(f"{path} is torn") from None
    if now_ms - time_ms > ANSWERS_WITHIN_MS:
        raise DataError(f"{path} is {(now_ms - time_ms) / 1e3:.0f} s old, limit {ANSWERS_WITHIN_MS / 1e3:.0f} s")
    return coins


def exchange_positions(folder: Path, coin: str, leg: str | None, *, coins: float, now_ms: int) -> float | None:
    """Tell the other leg our position and read its own; None if it does not answer, 0 for a bot on its own."""
    if leg is None:
        return 0.0
    publish_leg(folder, coin, leg, coins=coins, now_ms=now_ms)
    try:
        return other_leg(folder, coin, leg, now_ms=now_ms)
    except DataError:
        return None
