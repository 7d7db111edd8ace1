"""How two bots on two accounts, the long and the short leg, tell each other their position: one small file each."""

import logging
from pathlib import Path

import orjson

from market_making.market.durable_file import replace_file
from market_making.market.errors import DataError, MalformedMessage

logger = logging.getLogger(__name__)

# A leg writes every loop; after this it is taken for stopped.
ANSWERS_WITHIN_MS = 10_000


def publish_leg(folder: Path, coin: str, leg: str, *, coins: float, now_ms: int) -> None:
    """Replace the file of this leg's position [coins, signed]; it is old after seconds, so it is not synced."""
    replace_file(folder / f"{coin}-{leg}.json", orjson.dumps({"time_ms": now_ms, "coins": coins}))


def other_leg(folder: Path, coin: str, leg: str, *, now_ms: int) -> float:
    """Position of the other leg [coins, signed].

    Raises
    ------
    DataError
        If the other leg has not written within `ANSWERS_WITHIN_MS`, or what it wrote is torn or of the future: after a
        clock was put back a leg that has stopped would look alive.
    """
    path = folder / f"{coin}-{'short' if leg == 'long' else 'long'}.json"
    try:
        content = orjson.loads(path.read_bytes())
        time_ms, coins = int(content["time_ms"]), float(content["coins"])
    except OSError:
        raise DataError(f"there is no {path}: the other leg has never run") from None
    except (ValueError, KeyError, TypeError):
        raise MalformedMessage(f"{path} is torn") from None
    age_ms = now_ms - time_ms
    if abs(age_ms) > ANSWERS_WITHIN_MS:
        age = f"{abs(age_ms) / 1e3:.0f} s {'old' if age_ms > 0 else 'ahead of the clock'}"
        raise DataError(f"{path} is {age}, limit {ANSWERS_WITHIN_MS / 1e3:.0f} s")
    return coins


class Legs:
    """What one leg tells and hears.

    Parameters
    ----------
    folder : Path
        Of the files of both legs.
    leg : str or None
        ``long`` or ``short``; None for a bot on its own.
    """

    def __init__(self, folder: Path, leg: str | None) -> None:
        self._folder = folder
        self._leg = leg
        self._unwritten: set[str] = set()

    def exchange(self, coin: str, coins: float, now_ms: int) -> float | None:
        """Tell the other leg our position and read its own; None if either fails, 0 for a bot on its own."""
        if self._leg is None:
            return 0.0
        try:
            publish_leg(self._folder, coin, self._leg, coins=coins, now_ms=now_ms)
            self._unwritten.discard(coin)
            return other_leg(self._folder, coin, self._leg, now_ms=now_ms)
        except DataError:
            return None
        except OSError as error:
            if coin not in self._unwritten:
                logger.warning("%s only reduces: its position cannot be told to the other leg: %s", coin, error)
            self._unwritten.add(coin)
            return None
