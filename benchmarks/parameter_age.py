"""How old the parameters are that a strategy sees: local venue, collector, calibrator and reader, each its own process.

Usage: ``python benchmarks/parameter_age.py [--minutes 60] [--coins 50]``. Every second all parameter files are read as
a strategy does. Age: now less the time of publication. Lag: now less the end of the window, which is the newest event
the calibration knows. The cadence alone makes ages of up to 10 s; what is beyond it is the cost of the programs.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from calibration.publication.parameter_cache import ParameterCache
from market_making.market.errors import ParameterError
from market_making.ops.demo.processes import Programs, free_port

STARTUP_S = 600.0


class Watcher:
    """Reads all parameter files and notes how old they are."""

    def __init__(self, folder: Path, coins: list[str]) -> None:
        self._cache = ParameterCache(folder, "hyperliquid")
        self._coins = coins
        self.ages: list[float] = []
        self.lags: list[float] = []
        self.refusals: dict[str, int] = {}
        self.reading_s: list[float] = []

    def look(self) -> int:
        """Read once; return how many files could be quoted from."""
        began, seen = time.perf_counter(), 0
        for coin in self._coins:
            now = time.time() * 1e3
            try:
                parameters = self._cache.read(coin, round(now))
            except ParameterError as error:
                self.refusals[type(error).__name__] = self.refusals.get(type(error).__name__, 0) + 1
                continue
            seen += 1
            self.ages.append((now - parameters.created_ms) / 1e3)
            self.lags.append((now - parameters.window.end_ms) / 1e3)
        self.reading_s.append(time.perf_counter() - began)
        return seen

    def forget(self) -> None:
        """Start the record anew."""
        for record in (self.ages, self.lags, self.refusals, self.reading_s):
            record.clear()


def start(programs: Programs, folder: Path, coins: list[str]) -> None:
    """Start venue, collector and calibrator; return when the venue answers."""
    mm = [sys.executable, "-m", "market_making.ops"]
    chosen = [f"--coin={coin}" for coin in coins]
    data, announcement = folder / "market_data", folder / "venue.json"
    began = time.monotonic()
    command = [*mm, "venue", "--json", "--simulate", f"--port={free_port()}", f"--prehistory={data}", *chosen]
    programs.start("venue", command, output=announcement)
    while not announcement.exists() or not announcement.read_text(encoding="utf-8").endswith("}\n"):
        pause(programs, began)
    url = json.loads(announcement.read_text(encoding="utf-8"))["url"]
    print(f"the venue was ready after {time.monotonic() - began:.0f} s (half an hour of market before now)", flush=True)
    programs.start("collector", [*mm, "collect", f"--url={url}", f"--data={data}", *chosen])
    programs.start("calibrator", [*mm, "calibrate", f"--data={data}", f"--out={folder / 'parameters'}", *chosen])


def pause(programs: Programs, began: float) -> None:
    """Wait a moment for something to be ready."""
    programs.check()
    if time.monotonic() - began > STARTUP_S:
        raise SystemExit(f"not ready after {STARTUP_S:.0f} s")
    time.sleep(0.5)


def processor_s() -> dict[str, float]:
    """Time on the processor so far of each program [s]."""
    used = {}
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split():
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii").split("\0")
        used[command[3]] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def quantiles(values: list[float]) -> str:
    """Median, 99th percentile and largest of seconds."""
    median, worst = np.quantile(values, [0.5, 0.99])
    return f"median {median:5.1f} s   99 % {worst:5.1f} s   largest {max(values):5.1f} s"


def report(watcher: Watcher, used: dict[str, float], elapsed_s: float) -> None:
    """What was seen so far."""
    refused = ", ".join(f"{count} {name}" for name, count in watcher.refusals.items()) or "none"
    print(f"{elapsed_s / 60:.1f} minutes, {len(watcher.ages)} reads; refused: {refused}")
    print(f"  age of the parameters   {quantiles(watcher.ages)}")
    print(f"  lag of the data         {quantiles(watcher.lags)}")
    print(f"  reading all files       {np.median(watcher.reading_s) * 1e3:.1f} ms a second")
    print("  processor: " + ", ".join(f"{name} {share / elapsed_s:.0%}" for name, share in used.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--coins", type=int, default=50)
    options = parser.parse_args()
    coins = [f"C{number:02d}" for number in range(options.coins)]
    with tempfile.TemporaryDirectory() as name, Programs(Path(name) / "logs") as programs:
        folder = Path(name)
        start(programs, folder, coins)
        watcher, began = Watcher(folder / "parameters", coins), time.monotonic()
        while watcher.look() < len(coins):
            pause(programs, began)
        print(f"all {len(coins)} coins were published after {time.monotonic() - began:.0f} s", flush=True)
        watcher.forget()
        began, used_before, told = time.monotonic(), processor_s(), 0
        while (elapsed := time.monotonic() - began) < options.minutes * 60:
            programs.check()
            watcher.look()
            if elapsed // 60 > told:
                told = elapsed // 60
                used = {name: value - used_before[name] for name, value in processor_s().items()}
                report(watcher, used, elapsed)
            time.sleep(max(0.0, began + len(watcher.reading_s) - time.monotonic()))
        report(watcher, {name: value - used_before[name] for name, value in processor_s().items()}, elapsed)
        for program in ("venue", "collector", "calibrator"):
            lines = programs.log(program).read_text(encoding="utf-8").splitlines()
            warnings = [line for line in lines if "WARNING" in line or "ERROR" in line]
            print(f"{program}: {len(warnings)} warnings", *warnings[:3], sep="\n  ")


if __name__ == "__main__":
    main()
