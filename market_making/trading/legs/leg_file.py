"""The file by which a leg tells the other what it holds, what rests, and which sides its rules let it quote."""

from pathlib import Path
from typing import Any, NamedTuple

import orjson

from market_making.market.durable_file import replace_file
from market_making.market.errors import DataError, MalformedMessage
from market_making.market.sides import Side
from market_making.trading.legs.sides import OtherLeg

# A leg writes every loop; after this it is taken for stopped.
ANSWERS_WITHIN_MS = 10_000
_OTHER = {"long": "short", "short": "long"}


class LegState(NamedTuple):
    """What one leg tells of one coin.

    Its position [coins, signed], the side its order rests on, the sides its rules let it quote, and what its account
    is worth [quote currency; None where it does not know].
    """

    coins: float = 0.0
    order: Side | None = None
    sides: tuple[Side, ...] = ()
    equity: float | None = None

    @property
    def beside(self) -> OtherLeg:
        """What a plan of the other leg needs beside the position."""
        return OtherLeg(self.order, self.sides)


def leg_path(folder: Path, coin: str, leg: str) -> Path:
    """Where a leg tells of a coin."""
    return folder / f"{coin}-{leg}.json"


def other_leg_path(folder: Path, coin: str, leg: str) -> Path:
    """Where the other leg tells of a coin."""
    return leg_path(folder, coin, _OTHER[leg])


def publish_leg(path: Path, state: LegState, *, now_ms: int) -> None:
    """Replace the file of a leg; it is old after seconds, so it is not synced.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    replace_file(path, orjson.dumps({"time_ms": now_ms, **state._asdict()}))


def read_leg(path: Path, *, now_ms: int) -> LegState:
    """Read what a leg tells.

    Raises
    ------
    DataError
        If it has not written within `ANSWERS_WITHIN_MS`, or what it wrote is torn or of the future: after a clock was
        put back a leg that has stopped would look alive.
    """
    content = _content(path)
    try:
        state = LegState(
            float(content["coins"]),
            None if content["order"] is None else Side(content["order"]),
            tuple(Side(side) for side in content["sides"]),
            None if content["equity"] is None else float(content["equity"]),
        )
        age_ms = now_ms - int(content["time_ms"])
    except (ValueError, KeyError, TypeError):
        raise MalformedMessage(f"{path} is torn") from None
    if abs(age_ms) > ANSWERS_WITHIN_MS:
        age = f"{abs(age_ms) / 1e3:.0f} s {'old' if age_ms > 0 else 'ahead of the clock'}"
        raise DataError(f"{path} is {age}, limit {ANSWERS_WITHIN_MS / 1e3:.0f} s")
    return state


def told(path: Path) -> Any:
    """What stands in a file without its time, to see whether it has changed; None while there is none."""
    try:
        return {name: value for name, value in _content(path).items() if name not in ("time_ms", "equity")}
    except DataError:
        return None


def _content(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError:
        raise DataError(f"there is no {path}: the other leg does not run") from None
    except ValueError:
        raise MalformedMessage(f"{path} is torn") from None
    if not isinstance(content, dict):
        raise MalformedMessage(f"{path} is torn")
    return content
