"""A program that is told to end leaves its blocks in order, so that what it started ends with it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM, and the SIGHUP of a terminal that is closed, raise SystemExit, as Ctrl-C raises.

    A signal that is ignored, as after ``nohup``, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
