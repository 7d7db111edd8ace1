"""A container asks whether a program works; the answer is the age of the state file it writes."""

import subprocess
import sys
import time

import pytest

from market_making.safety.health import illness, main
from market_making.safety.state_file import SidecarState, write_state

NOW_MS = 1_795_700_000_000


def write(folder, written_ms, *, stopped=False):
    """A collector's state file."""
    write_state(folder, "collector", SidecarState("collector", "collector", 1, 0, written_ms, stopped=stopped))


@pytest.mark.parametrize(
    ("age_ms", "stopped", "said"),
    [(29_000, False, ""), (31_000, False, "is 31 s old, at most 30 are healthy"), (1_000, True, "has ended")],
)
def test_a_program_works_while_it_writes(tmp_path, age_ms, stopped, said):
    """Old, or the last word of a program that has ended, is ill."""
    write(tmp_path, NOW_MS - age_ms, stopped=stopped)
    found = illness(tmp_path / "collector.json", 30, NOW_MS)
    assert (said in found) if said else found == ""


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b'{"written_ms": null}', b'{"written_ms": "x"}'])
def test_what_cannot_be_read_is_ill(tmp_path, content):
    """Missing, torn or nonsense."""
    if content is not None:
        (tmp_path / "collector.json").write_bytes(content)
    assert "cannot be read" in illness(tmp_path / "collector.json", 30, NOW_MS)


def test_the_command_tells_it_by_its_exit_status(tmp_path):
    """As a container runs it."""
    command = [sys.executable, "-m", "market_making.safety.health", str(tmp_path), "collector", "30"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    write(tmp_path, int(time.time() * 1e3))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "healthy\n")
    assert main(["health"]) == 2
