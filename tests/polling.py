"""Waiting for something with a deadline."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask again until something holds; return it.

    Raises
    ------
    AssertionError
        If it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} not within {seconds:g} s")
