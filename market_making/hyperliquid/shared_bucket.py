"""A token bucket of request weight that all programs of a machine draw from, since the exchange counts by IP address.

The bucket is one small file: the tokens, when they were counted, what was asked for in the last minute, and until when
the exchange has asked for less. It is read and written under a file lock. A program that is stopped while it holds the
lock must not stop the others, so after a moment they go on without it; what two of them then take at the same time is a
few tokens counted once.
"""

import fcntl
import logging
import math
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

# In any minute at most BURST + 60 · REFILL are taken: 1,180. The 20 that are left cover a second of jitter on the way,
# which moves requests from one of the exchange's minutes into the next.
BURST = 340.0
REFILL = 14.0
SLOW_REFILL = 5.0
# What nobody is in a hurry for leaves so much to the bots, which may have begun just now.
LEFT_TO_BOTS = 80.0
_FIRST_SLOW_S, _LONGEST_SLOW_S = 10.0, 80.0
_LOCK_TRIES, _LOCK_PAUSE_S = 20, 0.002
# What may owe tokens does, as long as what was asked for in the last 70 s, in slices of 10, is below this.
OWED_LIMIT = 1_100.0
_SLICE_S, _SLICES = 10.0, 8
_PAUSE_AFTER_REFUSAL_S = 1.0
_FORM = struct.Struct(f"<{5 + _SLICES}d")


class Level(NamedTuple):
    """State of a bucket [weight; s, monotonic].

    Attributes
    ----------
    tokens : float
        There are so many, below 0 is a debt, at `time_s`.
    slow_until_s, slow_s : float
        The exchange has asked for less until then, for so long.
    refused_s : float
        When it last did.
    asked : tuple of float
        What was asked for in this slice of time and in those before it.
    """

    tokens: float
    time_s: float
    slow_until_s: float = 0.0
    slow_s: float = 0.0
    refused_s: float = -math.inf
    asked: tuple[float, ...] = (0.0,) * _SLICES

    def less(self, weight: float) -> Self:
        """The level after `weight` was asked for."""
        now, *before = self.asked
        return self._replace(tokens=min(self.tokens - weight, BURST), asked=(now + weight, *before))

    def owed_in_s(self, weight: float, debt: float) -> float:
        """In how long `weight` may be asked for although tokens are missing, which makes at most this `debt` [s]."""
        is_little = self.tokens - weight >= -debt and sum(self.asked) + weight <= OWED_LIMIT
        return max(self.refused_s + _PAUSE_AFTER_REFUSAL_S - self.time_s, 0.0) if debt and is_little else math.inf


class SharedBucket:
    """Weight that may be asked of one exchange from this machine.

    Parameters
    ----------
    path : Path
        The file; programs that name the same file share the bucket.
    clock : Callable[[], float]
        Seconds that all programs of the machine count alike and that never go back.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._mutex = threading.Lock()
        self._file: int | None = None
        self._known: Level | None = None
        self._has_told = False

    def take(self, weight: float, *, floor: float = 0.0, debt: float = 0.0) -> float:
        """Take `weight` if that leaves `floor` tokens; return 0, or how long it takes until they are there [s].

        What may make a `debt` does not wait for tokens, but for a second after each refusal: others wait the longer.
        """
        with self._level() as (level, write):
            needed = min(weight + floor, BURST)
            wait_s = min((needed - level.tokens) / _rate(level), level.owed_in_s(weight, debt))
            if wait_s > 0:
                return wait_s
            write(level.less(weight))
            return 0.0

    def charge(self, weight: float) -> None:
        """Take `weight` that was asked for already, even from an empty bucket.

        While the exchange asks for less, this makes no debt: the refusal has emptied the bucket already.
        """
        with self._level() as (level, write):
            lowest = min(level.tokens, 0.0) if level.time_s < level.slow_until_s else -math.inf
            after = level.less(weight)
            write(after._replace(tokens=max(after.tokens, lowest)))

    def refused(self) -> None:
        """Ask for less: the exchange has refused a request for the number of them.

        The bucket is empty, and for 10 s it fills at a third of its rate; for twice as long at the next refusal that
        comes before the same time has passed without one.
        """
        with self._level() as (level, write):
            if level.time_s < level.slow_until_s:  # a request that was on its way at the first refusal
                write(level._replace(tokens=min(level.tokens, 0.0), refused_s=level.time_s))
                return
            repeated = level.time_s < level.slow_until_s + level.slow_s
            slow_s = min(2 * level.slow_s, _LONGEST_SLOW_S) if repeated else _FIRST_SLOW_S
            emptied, now_s = min(level.tokens, 0.0), level.time_s
            write(level._replace(tokens=emptied, slow_until_s=now_s + slow_s, slow_s=slow_s, refused_s=now_s))

    @property
    def is_slow(self) -> bool:
        """Whether the exchange has refused a request not long ago."""
        with self._level() as (level, _):
            return level.time_s < level.slow_until_s

    @property
    def tokens(self) -> float:
        """Tokens there are."""
        with self._level() as (level, _):
            return level.tokens

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    @contextmanager
    def _level(self) -> Iterator[tuple[Level, Callable[[Level], None]]]:
        with self._mutex:
            file = self._opened()
            locked = file is not None and _lock(file)
            try:
                yield self._filled(self._known if file is None else _read(file)), self._write
            finally:
                if file is not None and locked:
                    fcntl.flock(file, fcntl.LOCK_UN)

    def _opened(self) -> int | None:
        """The file; None where there can be none, so that this program has a bucket of its own."""
        if self._file is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                if not self._has_told:
                    log.warning("the pace is not shared with other bots: %s", error)
                self._has_told = True
        return self._file

    def _write(self, level: Level) -> None:
        self._known = level
        if self._file is not None:
            with suppress(OSError):  # as on a full disk; the others then count less than there is for a moment
                os.pwrite(self._file, _FORM.pack(*level[:-1], *level.asked), 0)

    def _filled(self, level: Level | None) -> Level:
        now_s = self._clock()
        if level is None:
            return Level(BURST, now_s)
        if level.time_s > now_s:  # the machine has been started anew since
            return Level(min(level.tokens, 0.0), now_s)
        slow_s = max(min(level.slow_until_s, now_s) - level.time_s, 0.0)
        gained = slow_s * SLOW_REFILL + (now_s - level.time_s - slow_s) * REFILL
        passed = min(int(now_s // _SLICE_S) - int(level.time_s // _SLICE_S), _SLICES)
        asked = ((0.0,) * passed + level.asked)[:_SLICES]
        return level._replace(tokens=min(level.tokens + gained, BURST), time_s=now_s, asked=asked)


def bucket_path(folder: Path, url: str) -> Path:
    """The file of the bucket of the exchange at `url`: each host has a limit of its own."""
    host = urlsplit(url).netloc
    return folder / f"pace-{''.join(letter if letter.isalnum() or letter in '.-' else '_' for letter in host)}"


def _rate(level: Level) -> float:
    return SLOW_REFILL if level.time_s < level.slow_until_s else REFILL


def _lock(file: int) -> bool:
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return True
    return False


def _read(file: int) -> Level | None:
    content = os.pread(file, _FORM.size, 0)
    if len(content) != _FORM.size:
        return None
    tokens, time_s, slow_until_s, slow_s, refused_s, *asked = _FORM.unpack(content)
    is_sound = all(map(math.isfinite, (tokens, time_s, slow_until_s, slow_s, *asked))) and not math.isnan(refused_s)
    return Level(tokens, time_s, slow_until_s, slow_s, refused_s, tuple(asked)) if is_sound else None
