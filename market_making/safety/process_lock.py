"""A file that one process holds until it ends, however it ends; it says which process that is and since when."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import orjson

from market_making.market.clock import now_ms


class LockedByAnother(Exception):
    """Another process holds the lock; the message names it and when it started."""


def hold(path: Path) -> int:
    """Take the lock of a file; closing the handle that is returned gives it back.

    Raises
    ------
    LockedByAnother
        If another process holds it.
    OSError
        If the file cannot be written.
    """
    # Opened without truncation: a second program must not erase what the first one wrote about itself.
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise LockedByAnother(_holder(path)) from None
    os.ftruncate(handle, 0)
    os.write(handle, orjson.dumps({"pid": os.getpid(), "since_ms": now_ms()}))
    return handle


def holder_of(path: Path) -> str | None:
    """Which process holds the lock of a file, and since when; None if none does."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(path)
    finally:
        os.close(handle)
    return None


def _holder(path: Path) -> str:
    try:
        note = orjson.loads(path.read_bytes())
        since = datetime.fromtimestamp(note["since_ms"] / 1e3, UTC)
        return f"process {note['pid']}, started {since:%Y-%m-%d %H:%M:%S} UTC"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just started"
