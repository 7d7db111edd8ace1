"""A process that has loaded Freqtrade and the guard, and forks each program that is asked for.

A program that is killed needs a new process; loading Freqtrade costs seconds of a processor each time. What is forked
here has loaded the code and started nothing: it reads its configuration and runs `main` as the command line does.

Run as a program it reads one request per line from standard input and answers with the process id.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from threading import Lock
from typing import IO, Any, NoReturn

import psutil

ROOT = Path(__file__).resolve().parents[2]
FREQTRADE, OPS = "freqtrade", "ops"
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Forge:
    """The process, as its user sees it."""

    def __init__(self) -> None:
        # A strategy of a test's own derives from one in user_data/strategies.
        places = os.pathsep.join([str(ROOT / "user_data" / "strategies"), str(ROOT)])
        environment = os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": places, "COLUMNS": "1000"}
        environment.pop("PYTEST_VERSION", None)  # where it is set Freqtrade leaves the configured logging out
        command = [sys.executable, "-m", "tests.schedules.forge"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._ask, self._answers = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._mutex = Lock()
        assert self._answers.readline().strip() == "ready"

    def start(self, program: str, arguments: list[str], log: Path) -> psutil.Process:
        """Start a program, its output appended to `log`.

        What is returned knows when it began: its number may be another's once it has ended, even a thread's of a test.
        """
        with self._mutex:
            self._ask.write(json.dumps({"program": program, "arguments": arguments, "log": str(log)}) + "\n")
            self._ask.flush()
            return psutil.Process(int(self._answers.readline()))

    def close(self) -> None:
        """End the process, and with it what it has forked."""
        self._ask.close()
        self._process.wait(10)
        self._answers.close()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _load() -> None:
    import ccxt.async_support
    import ccxt.pro
    import freqtrade.commands
    import freqtrade.main
    import freqtrade.worker
    import pandas
    from freqtrade.resolvers import StrategyResolver

    import market_making.ops.commands.guard
    import market_making.trading.freqtrade.live

    assert all((ccxt.pro, pandas, StrategyResolver, market_making, freqtrade))


def _main(program: str, arguments: list[str]) -> None:
    if program == FREQTRADE:
        from freqtrade.main import main

        main(arguments)
    else:
        from market_making.ops.command_line import main as mm

        sys.argv = ["mm", *arguments]
        mm()


def _become(request: dict[str, Any]) -> NoReturn:
    os.setsid()
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(request["log"], _FLAGS, 0o644)
    for number, file in enumerate((nothing, log, log)):
        os.dup2(file, number)
    code = 1
    try:
        _main(request["program"], request["arguments"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        if sys.exception() is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is gone
    _say("ready")
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        _say(str(pid))
    os._exit(0)


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
