"""`python -m market_making.safety.health FOLDER NAME SECONDS` asks by the age of a state file if its program works.

Exit status 0: it has written within so many seconds; 1: it has not, or has ended; one line says why. It loads nothing
but this, because a container asks twice a minute.
"""

import json
import sys
import time
from pathlib import Path

_ARGUMENTS = 4


def illness(path: Path, seconds: float, now_ms: float) -> str:
    """Return what is wrong with the program that writes a state file; empty if it works.

    Parameters
    ----------
    path : Path
        The state file.
    seconds : float
        How old it may be [s].
    now_ms : float
        Now [ms].
    """
    try:
        state = json.loads(path.read_bytes())
        age_s = (now_ms - float(state["written_ms"])) / 1e3
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{path} cannot be read: {error}"
    if state.get("stopped"):
        return f"{path} was written {age_s:.0f} s ago by a program that has ended"
    return f"{path} is {age_s:.0f} s old, at most {seconds:g} are healthy" if age_s > seconds else ""


def main(arguments: list[str]) -> int:
    """Ask once."""
    if len(arguments) != _ARGUMENTS:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    _, folder, name, seconds = arguments
    found = illness(Path(folder) / f"{name}.json", float(seconds), time.time() * 1e3)
    sys.stdout.write(f"{found or 'healthy'}\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
