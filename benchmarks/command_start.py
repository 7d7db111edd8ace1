"""Claim: `mm --help` and every error of wrong use take less than 0.3 s of processor time.

Baseline: the same command after everything that `mm` can load was loaded, as it was when one module imported all
commands. Both are new processes, by turns, in an empty folder; the figure is the median of user and system time.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile

REPETITIONS = 7
COMMANDS = (
    "--help",
    "collect",
    "venue --coin ETH",
    "quotes ETH",
    "quotes ETH -c absent.json",
    "scan",
    "calibrate --once --coin ETH --data absent",
)
RUN = "from market_making.ops.command_line import main; main({words!r})"
EVERYTHING = (
    "import calibration.service, calibration.backfill, calibration.scanning.scan, calibration.fee_tier, "
    "calibration.candles.history, calibration.volatility.training, market_making.venue.server, "
    "market_making.venue.markets.recording, market_making.simulation.simulation, market_making.recording.importers, "
    "market_making.recording.collection.collector, market_making.recording.candles.files, market_making.ops.demo.run, "
    "market_making.ops.demo.summary, market_making.ops.commands.scan_tables, rich.progress; "
)


def processor_s(code: str, folder: str) -> float:
    """User and system time of one new process [s]."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    print(f"{'command':45s} {'now [s]':>8s} {'all [s]':>8s} {'ratio':>6s}   load {os.getloadavg()[0]:.1f}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            run = RUN.format(words=command.split())
            pairs = [(processor_s(run, folder), processor_s(EVERYTHING + run, folder)) for _ in range(REPETITIONS)]
            now, everything = (statistics.median(times) for times in zip(*pairs, strict=True))
            worst = max(worst, now)
            print(f"{'mm ' + command:45s} {now:8.3f} {everything:8.3f} {everything / now:6.1f}")
    print(f"slowest {worst:.3f} s")


if __name__ == "__main__":
    main()
