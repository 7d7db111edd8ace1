"""A file is the old one or the new one, whatever fails, and no temporary file stays."""

import ast
import os
import threading
from itertools import count
from pathlib import Path

import pytest

from market_making.market import durable_file
from market_making.market.durable_file import remove_durably, replace_file, write_durably
from tests.live_bot import ROOT

STEPS = ("open", "write", "fsync", "replace")
OLD, NEW = b"old " * 1000, b"new " * 3000


class System:
    """The operating system's calls, noted in order; the one with number `failing` fails."""

    def __init__(self, failing: int | None = None) -> None:
        self.calls: list[tuple[str, str]] = []
        self._failing = failing
        self._names: dict[int, str] = {}

    def __getattr__(self, name):
        real = getattr(os, name)
        return real if name not in STEPS else lambda *given: self._call(name, real, given)

    def _call(self, name, real, given):
        self.calls.append((name, self._names.get(given[0]) or str(given[0])))
        if len(self.calls) - 1 == self._failing:
            raise OSError(28, "No space left on device")
        if name == "write":  # a disk may take a part only
            given = (given[0], given[1][:5000])
        done = real(*given)
        if name == "open":
            self._names[done] = given[0]
        return done


@pytest.fixture
def system(monkeypatch):
    """Put calls that fail in place of the real ones."""

    def put(failing: int | None = None) -> System:
        made = System(failing)
        monkeypatch.setattr(durable_file, "os", made)
        return made

    return put


@pytest.mark.parametrize("write", [write_durably, replace_file])
@pytest.mark.parametrize("folder", ["there", "not/yet/there"])
def test_whatever_step_fails_the_file_is_old_or_new(write, folder, tmp_path, system):
    """Each call of the system fails once; the error is raised, and a later attempt succeeds."""
    (tmp_path / "there").mkdir()
    for failing in count():
        path = tmp_path / folder / f"{failing}.json"
        if folder == "there":
            path.write_bytes(OLD)
        before = path.read_bytes() if path.exists() else None
        calls = system(failing)
        try:
            write(path, NEW)
        except OSError:
            seen = path.read_bytes() if path.exists() else None
            assert seen in (before, NEW)
        assert not list(tmp_path.rglob("*.tmp"))
        system()
        write(path, NEW)
        assert path.read_bytes() == NEW
        if len(calls.calls) <= failing:
            break
    assert failing >= (8 if write is write_durably else 5)


def test_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, system):
    """The order that a power cut cannot break: sync the content, rename, sync the folder, and that of each new one."""
    path = tmp_path / "a" / "b" / "x.json"
    calls = system()
    write_durably(path, "text")
    steps = [(name, Path(where).name) for name, where in calls.calls if name in ("fsync", "replace")]
    temporary = next(name for step, name in steps if step == "replace")
    assert temporary.startswith(".x.json.")
    assert steps == [
        ("fsync", "a"),
        ("fsync", tmp_path.name),
        ("fsync", temporary),
        ("replace", temporary),
        ("fsync", "b"),
    ]


def test_what_is_written_again_within_seconds_does_not_wait_for_the_disk(tmp_path, system):
    """A state file is replaced atomically and not synced."""
    calls = system()
    replace_file(tmp_path / "x.json", "text")
    assert [name for name, _ in calls.calls] == ["open", "write", "replace"]


def test_what_is_removed_does_not_come_back(tmp_path, system):
    """The folder is synced after the removal; where there is no file, nothing has to be."""
    path = tmp_path / "x.json"
    path.write_text("text")
    calls = system()
    assert remove_durably(path)
    assert not path.exists()
    assert [(name, Path(where).name) for name, where in calls.calls] == [
        ("open", tmp_path.name),
        ("fsync", tmp_path.name),
    ]
    assert not remove_durably(path)
    assert len(calls.calls) == 2


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path):
    """Nothing is removed that somebody made, and nothing temporary stays."""
    (tmp_path / "x.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_durably(tmp_path / "x.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_name_alone_is_a_file_of_the_present_folder(tmp_path, monkeypatch):
    """As for every other program; a text is UTF-8."""
    monkeypatch.chdir(tmp_path)
    write_durably("x.txt", "κ")
    assert Path("x.txt").read_bytes() == "κ".encode()


@pytest.mark.parametrize("write", [write_durably, replace_file])
def test_writers_of_one_file_never_mix(write, tmp_path):
    """Four threads write one file, two read it: each content that is seen is one that somebody wrote."""
    path, contents = tmp_path / "x", [bytes([65 + n]) * (20_000 + n) for n in range(4)]
    write(path, contents[0])
    done, torn = threading.Event(), []

    def read():
        while not done.is_set():
            seen = path.read_bytes()
            if seen not in contents:
                torn.append(len(seen))

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=lambda n=n: [write(path, contents[n]) for _ in range(50)]) for n in range(4)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert torn == []
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def moves_or_syncs(node: ast.AST, *, has_paths: bool) -> bool:
    """Whether this is a call that renames, replaces or syncs a file; text is replaced by two arguments."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    is_of_os = isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
    is_of_a_path = node.func.attr == "rename" or (node.func.attr == "replace" and len(node.args) == 1)
    if is_of_os:
        return node.func.attr in ("replace", "rename", "renames", "fsync", "fdatasync", "sync")
    return has_paths and is_of_a_path


def test_the_durable_write_is_spelled_once():
    """No other module renames, replaces or syncs a file: whoever does it by hand forgets the folder."""
    found = {}
    for package in ("market_making", "calibration", "user_data/strategies"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            calls = [node for node in ast.walk(ast.parse(text)) if moves_or_syncs(node, has_paths="Path" in text)]
            if calls:
                found[str(path.relative_to(ROOT))] = [node.lineno for node in calls]
    assert list(found) == ["market_making/market/durable_file.py"], found
