"""Programs that run beside each other end with the one that started them."""

import sys

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


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_leaving_the_context_ends_every_program(tmp_path):
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
