"""Programs that run beside each other: started with a log file each, watched, and ended in reverse order."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from market_making.market.errors import MarketMakingError

# Everything runs on this machine; a proxy in the environment must not be asked for 127.0.0.1.
_LOCAL_ONLY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
_LINES_SHOWN = 15
_LEASH = (sys.executable, "-m", "market_making.ops.demo.leash")


class ProcessFailed(MarketMakingError):
    """A program ended that should still be running."""


class Programs:
    """A set of running programs; leaving the context ends those that still run, the last started first.

    Who cannot wait interrupts a second time: then they are killed.
    """

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Programs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in reversed(list(self._running)):
                self.stop(name)
        finally:
            for process in self._running.values():
                process.kill()
                process.wait()

    def start(self, name: str, command: Sequence[str], *, output: Path | None = None) -> None:
        """Start a program; standard error goes to its log, standard output to `output` or the log as well."""
        log = (self._logs / f"{name}.log").open("ab")
        out = output.open("wb") if output else log
        try:
            self._running[name] = subprocess.Popen(  # noqa: S603 - the commands are our own, without a shell
                [*_LEASH, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=os.environ | _LOCAL_ONLY,
                start_new_session=True,  # Ctrl-C reaches this program only, which then ends them in order
            )
        finally:
            log.close()
            if output:
                out.close()

    def check(self) -> None:
        """Make sure that everything still runs.

        Raises
        ------
        ProcessFailed
            Naming the program, its exit status and the end of its log.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessFailed(
                    f"{name} ended with status {process.returncode}; the end of {self.log(name)}:\n{self.tail(name)}"
                )

    def stop(self, name: str, *, patience_s: float = 30.0) -> int:
        """End one program with SIGTERM, after `patience_s` with SIGKILL; return its exit status."""
        process = self._running[name]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        del self._running[name]
        return status

    def log(self, name: str) -> Path:
        """Where a program's log is."""
        return self._logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last lines of a program's log."""
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LINES_SHOWN:])


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
