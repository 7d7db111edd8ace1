"""Fixtures every test may use."""

import errno
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from market_making.market import durable_file
from market_making.trading.deferred_stop import SIGNALS
from tests.length import often

# The same examples at every run, and no failure because a machine is slow.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=often(200, 40))
settings.load_profile("repeatable")

# Below nohup, and in the background of a script, signals are ignored: also by every program that a test starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
HANDLERS = {number: signal.getsignal(number) for number in SIGNALS}
NOBODY = 65534
# Folders whose tests start programs and mostly wait for them.
WAITING = ("end_to_end", "freqtrade_contract", "guard", "preflight", "dashboard", "venue", "strategies")
TESTS = Path(__file__).parent
RECORDINGS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that wait, and with the files of most tests in each; within a file nothing changes.

    Four such files at a time leave two processors half idle, so that no program is late. What computes comes last: it
    is late for nobody, and its many short files end together.
    """
    folders, tests = {name: k for k, name in enumerate(WAITING)}, Counter(item.path for item in items)

    def place(item: pytest.Item) -> tuple[int, int, Path]:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        return folders.get(folder, len(WAITING)), -tests[item.path], item.path

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """A bot in the test's own process holds a stop back, and sends it again later: to another test, if it stayed."""
    yield
    for number, handler in HANDLERS.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Root of a tick store with real recordings; tests that need one skip where there is none."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded market data at {RECORDINGS}")
    return RECORDINGS


class Disk:
    """A disk that can be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def fill(self) -> None:
        """Let every file written from now on fail."""
        self._monkeypatch.setattr(durable_file, "_write", self._fail)

    def free(self) -> None:
        """Let files be written again."""
        self._monkeypatch.undo()

    @staticmethod
    def _fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk under all files that are replaced as a whole; `fill` it and nothing can be written."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Disk(monkeypatch)


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """A folder of root and an own one, for a test that is not root for its length, whoever runs it."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name)
        outer.chmod(0o777)
        if not is_root:
            yield Path("/usr"), outer
            return
        foreign, own = outer / "foreign", outer / "own"
        foreign.mkdir(mode=0o755)
        os.seteuid(NOBODY)
        try:
            own.mkdir()
            yield foreign, own
        finally:
            os.seteuid(0)
