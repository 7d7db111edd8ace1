"""The kill switch holds over restarts, is never weakened, and any doubt about it stops quoting but sells nothing."""

import resource
import subprocess
import sys
from functools import partial

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.clock import now_ms
from market_making.ops.command_line import main
from market_making.safety.kill_switch import FILE, Kill, read_kill, remove_kill, write_kill
from market_making.safety.state_file import BotState, SidecarState, write_state

kills = st.builds(Kill, st.integers(0, 2**50), st.booleans(), st.text(max_size=20))


@given(kills)
def test_a_switch_comes_back_as_it_was_written(tmp_path_factory, kill):
    folder = tmp_path_factory.mktemp("state") / "made_on_demand"
    assert read_kill(folder) is None
    write_kill(folder, kill)
    assert read_kill(folder) == kill
    assert remove_kill(folder)
    assert read_kill(folder) is None
    assert not remove_kill(folder)


@given(st.binary(max_size=60))
def test_a_file_nobody_can_read_kills_and_does_not_flatten(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("state")
    (folder / FILE).write_bytes(content)
    kill = read_kill(folder)
    assert kill is not None
    assert not kill.flatten


def test_a_file_that_may_not_be_read_kills(tmp_path):
    (tmp_path / FILE).mkdir()
    assert read_kill(tmp_path) is not None


@pytest.mark.parametrize("flatten", [False, True])
def test_a_full_disk_keeps_nobody_from_stopping(tmp_path, flatten):
    """An empty file has room, and stops; that positions cannot be closed is an error that says what holds."""
    program = "from market_making.ops.command_line import main; main()"
    command = [sys.executable, "-c", program, "stop", "--state", str(tmp_path), *(["--flatten"] if flatten else [])]
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (0, 0))
    done = subprocess.run(command, check=False, preexec_fn=full, capture_output=True, text=True, timeout=60)
    assert read_kill(tmp_path) is not None
    assert done.returncode == (1 if flatten else 0)
    assert "kill switch" in done.stdout + done.stderr
    assert ("no position is closed" in done.stderr) is flatten


def stopped(folder, *options):
    return CliRunner().invoke(main, ["stop", "--state", str(folder), *options])


@pytest.mark.parametrize("first", [[], ["--flatten"]])
def test_a_second_command_only_strengthens_and_only_resume_ends_it(tmp_path, first):
    """`mm stop` after `mm stop --flatten` still flattens; its time is that of the first."""
    assert stopped(tmp_path, *first).exit_code == 0
    since_ms = read_kill(tmp_path).since_ms
    assert stopped(tmp_path, "--flatten").exit_code == 0
    assert stopped(tmp_path).exit_code == 0
    assert (read_kill(tmp_path).flatten, read_kill(tmp_path).since_ms) == (True, since_ms)
    assert stopped(tmp_path, "--flatten", "--resume").exit_code == 2
    assert read_kill(tmp_path) is not None
    assert stopped(tmp_path, "--resume").exit_code == 0
    assert read_kill(tmp_path) is None


@pytest.mark.parametrize(
    ("age_ms", "ended", "obeys"), [(1_000, False, True), (60_000, False, False), (1_000, True, False)]
)
@pytest.mark.parametrize("kind", ["bot", "guard"])
def test_it_says_whether_anybody_obeys(tmp_path, kind, age_ms, ended, obeys):
    """A switch that no bot and no guard reads cancels nothing: somebody who stops in a hurry must hear of it."""
    written_ms = now_ms() - age_ms
    if kind == "bot":
        state = BotState("maker", "r", 7, "live", "MarketMaking", written_ms, written_ms, 60, 40.0, stopped=ended)
    else:
        state = SidecarState("guard", "guard", 7, written_ms, written_ms, stopped=ended)
    write_state(tmp_path, "one", state)
    write_state(tmp_path, "other", SidecarState("collector", "collector", 8, now_ms(), now_ms()))
    result = stopped(tmp_path, "--flatten")
    assert ("nothing is cancelled or exited until one does: mm guard" in result.output) is not obeys
    told = orjson.loads(stopped(tmp_path, "--json").stdout)
    assert told["obeyed_by"] == ([] if not obeys else ["maker" if kind == "bot" else "guard"])
    assert "mm guard" not in stopped(tmp_path, "--resume").output
