"""Compilation of the desk, in a process of its own: the memory of the compiler, some 300 MB, ends with it.

What it has made is kept on disk (`compiled`), and read by every process that replays.
"""

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np

from market_making.replay.fast_desk import tape_pass
from market_making.replay.fast_desk.compiled import FOLDER, made_for
from market_making.replay.fast_desk.layout import (
    LEVEL,
    MID,
    MODEL,
    NONE,
    ORDER,
    OWN,
    SETTING,
    STATE,
    WORLD,
    Arrays,
    Run,
)
from market_making.replay.tape.events import EVENT


@cache
def make_ready() -> None:
    """Read the machine code of the desk, once a process; where there is none yet, another process compiles it first."""
    if not mark().exists():
        _compile_elsewhere()
    enter()


def mark() -> Path:
    """The file that says that the machine code is there."""
    return FOLDER / f"complete-{made_for(Path(tape_pass.__file__))}"


def enter() -> None:
    """Call what is compiled with a session of no length, which has no loop: its machine code is read, or made."""
    arrays = Arrays(
        models=np.zeros((1, 1), dtype=MODEL),
        cells=np.zeros(0),
        mids=np.zeros(0, dtype=MID),
        lags=np.zeros((1, 6), dtype=np.int64),
        orders=np.zeros(1, dtype=ORDER),
        levels=np.zeros(1, dtype=LEVEL),
    )
    settings, states, owns, world = (np.zeros(1, dtype=kind) for kind in (SETTING, STATE, OWN, WORLD))
    run = Run(settings, states, owns, world, arrays)
    run.world["fault"] = NONE
    tape_pass.begin_all(run, 0)
    tape_pass.go_on(run, np.zeros(0, dtype=EVENT), 0)


def _compile_elsewhere() -> None:
    """Let one process compile; others of this machine wait for it. If it fails, each compiles for itself."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark().exists():
            return
        found_by = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        ended = subprocess.run([sys.executable, "-m", __name__], env=found_by, check=False)  # noqa: S603 - this module
        if ended.returncode == 0:
            mark().touch()


if __name__ == "__main__":
    enter()
