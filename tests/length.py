"""How much the tests try: an everyday run a part of what ``MM_LONG_TESTS=1`` tries."""

import os
from typing import TypeVar

import pytest

LONG = bool(os.environ.get("MM_LONG_TESTS"))
Value = TypeVar("Value")

only_long = pytest.mark.skipif(not LONG, reason="takes long: MM_LONG_TESTS=1")


def often(long: Value, everyday: Value) -> Value:
    """Return the first value in a long run, the second every day."""
    return long if LONG else everyday
