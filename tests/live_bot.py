"""Stock `freqtrade trade` as a process of its own, on the local venue."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests.puppet_market import VenueThread, live_config, parameters

ROOT = Path(__file__).resolve().parents[1]


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Deep merge; `over` wins."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


class LiveBot:
    """A running bot; its log, database and decisions are in `folder`."""

    def __init__(
        self,
        venue: VenueThread,
        folder: Path,
        *,
        strategy: str = "MarketMaking",
        changes: dict[str, Any] | None = None,
        base: tuple[str, ...] = ("config.json",),
        user_data: Path = ROOT / "user_data",
        started_in: Path = ROOT,
    ) -> None:
        self.folder = folder
        self._started_in = started_in
        self.venue = venue
        (folder / "private.json").write_text(json.dumps(merged(live_config(venue.url, folder), changes or {})))
        self.files = [ROOT / "user_data" / name for name in base] + [folder / "private.json"]
        self._command = [sys.executable, "-m", "freqtrade", "trade", "--strategy", strategy]
        self._command += ["--userdir", str(user_data), "--strategy-path", str(folder)]
        for file in self.files:
            self._command += ["--config", str(file)]

    def __enter__(self) -> Self:
        self._output = (self.folder / "freqtrade.log").open("wb")
        # A strategy in a test's own folder derives from one in user_data/strategies.
        places = os.pathsep.join([str(ROOT / "user_data" / "strategies"), str(ROOT)])
        # Freqtrade breaks its log at the width of a terminal; a test looks for whole sentences.
        environment = os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": places, "COLUMNS": "1000"}
        environment.pop("PYTEST_VERSION", None)  # where it is set Freqtrade leaves the configured logging out
        self._process = subprocess.Popen(
            self._command, cwd=self._started_in, stdout=self._output, stderr=subprocess.STDOUT, env=environment
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._output.close()

    def stop(self) -> None:
        """End the bot as `docker stop` does, and wait."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def processor_s(self) -> float:
        """Time of the processor that the running bot has used [s]."""
        used = psutil.Process(self._process.pid).cpu_times()
        return float(used.user + used.system)

    @property
    def log(self) -> str:
        """What the bot has said."""
        return (self.folder / "freqtrade.log").read_text(errors="replace")

    def decisions(self) -> list[dict[str, Any]]:
        """The decision log."""
        files = sorted((self.folder / "decisions").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def publish(self, folder: Path | None = None, **changes: Any) -> None:
        """Publish valid parameters, or changed ones."""
        parameters(**changes).write(folder or self.folder / "parameters")

    def wait_end(self, seconds: float) -> int:
        """Wait until the bot has ended by itself; return its exit status."""
        return self._process.wait(seconds)

    def wait(self, condition: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until something holds; return after how many seconds it did."""
        began = time.monotonic()
        while not condition():
            assert self._process.poll() is None, f"the bot has ended:\n{self.log[-3000:]}"
            assert time.monotonic() - began < seconds, f"{what} not within {seconds} s:\n{self.log[-3000:]}"
            time.sleep(0.05)
        return time.monotonic() - began
