"""Programs that run beside each other end with the one that started them."""

import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from market_making.ops.demo.processes import ProcessFailed, Programs

WAIT = "import sys, time; print('up', file=sys.stderr, flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(r'{}', 'w').close(); time.sleep(60)"
)


def watch_until_something_ends(programs: Programs) -> None:
    while True:
        programs.check()


@pytest.fixture
def children():
    """Processes below this one that were not there before: a test of elsewhere may have left a helper of its own."""
    others = set(psutil.Process().children(recursive=True))
    return lambda: [child for child in psutil.Process().children(recursive=True) if child not in others]


def test_leaving_the_context_ends_every_program(tmp_path, children):
    """Nothing that was started outlives the block, even when it ends by an error."""

    def two_programs_and_an_error():
        with Programs(tmp_path) as programs:
            programs.start("a", [sys.executable, "-c", WAIT])
            programs.start("b", [sys.executable, "-c", WAIT])
            assert len(children()) == 2
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        two_programs_and_an_error()
    assert not [child for child in children() if child.status() != psutil.STATUS_ZOMBIE]


def test_a_program_that_died_is_named_with_the_end_of_its_log(tmp_path):
    """The message holds the exit status and what the program last said."""
    with Programs(tmp_path) as programs:
        programs.start("lame", [sys.executable, "-c", "import sys; sys.exit('no such coin')"])
        with pytest.raises(ProcessFailed, match=r"lame ended with status 1[\s\S]*no such coin"):
            watch_until_something_ends(programs)


def test_a_program_that_ignores_sigterm_is_killed(tmp_path):
    """Patience ends."""
    flag = tmp_path / "ready"
    with Programs(tmp_path) as programs:
        programs.start("stubborn", [sys.executable, "-c", STUBBORN.format(flag)])
        while not flag.exists():
            programs.check()
        assert programs.stop("stubborn", patience_s=0.1) == -9


PARENT = f"""
import sys, time
from pathlib import Path
from market_making.ops.demo.processes import Programs
from market_making.ops.demo.signals import ended_by_signals

with ended_by_signals(), Programs(Path(sys.argv[1])) as programs:
    for name in ("venue", "bot"):
        programs.start(name, [sys.executable, "-c", {WAIT!r}])
    while not all(programs.tail(name) for name in ("venue", "bot")):
        time.sleep(0.01)
    print("started", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def parent(tmp_path):
    """A program with two others below it, all of which are up; and the two."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, text=True) as process:
        assert process.stdout.readline() == "started\n"
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) == 2
        yield process, below
        for one in [process, *below]:
            with suppress(psutil.NoSuchProcess):
                one.kill()


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        pytest.param(signal.SIGKILL, marks=pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")),
    ],
)
def test_however_the_parent_ends_its_programs_end_with_it(parent, number):
    """Ctrl-C, `kill`, a terminal that is closed, and even `kill -9`."""
    process, below = parent
    process.send_signal(number)
    process.wait(20)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert alive == []


def test_a_parent_that_ignores_sighup_goes_on():
    """As after nohup: the signal stays ignored."""
    code = "import os, signal; from market_making.ops.demo.signals import ended_by_signals\n"
    code += "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code += "with ended_by_signals(): os.kill(os.getpid(), signal.SIGHUP); print('still here')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "still here\n"


def test_a_second_interruption_kills_what_does_not_want_to_end(tmp_path, children):
    """Nobody waits half a minute for a program that ignores SIGTERM."""
    flag = tmp_path / "ready"

    def interrupted_twice():
        with Programs(tmp_path) as programs:
            programs.start("stubborn", [sys.executable, "-c", STUBBORN.format(flag)])
            while not flag.exists():
                programs.check()
            programs.stop = lambda *_, **__: signal.raise_signal(signal.SIGINT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert not [child for child in children() if child.status() != psutil.STATUS_ZOMBIE]
