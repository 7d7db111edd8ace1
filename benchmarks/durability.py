"""What a collector loses when connections fail and when it is killed, at many more random moments than the tests take.

Usage: ``python benchmarks/durability.py [SCHEDULES] [KILLS]``. Runs the laws of
`tests/recording/collection/test_collector_faults.py` under schedules of random faults and with ``kill -9`` at random
moments, and those of `tests/recording/store/test_compaction.py` with ``kill -9`` before every single write of a writer
and of a compaction.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests" / "recording"
KILLS_A_SEED = 3
LAWS = {
    "schedules of random faults": ("collection/test_collector_faults.py", "missing_lies_in_a_recorded_gap"),
    "runs killed three times at random moments": ("collection/test_collector_faults.py", "killed_at_any_moment"),
    "kinds of work killed before each of its writes": ("store/test_compaction.py", "killed_at_any_step"),
}


def main(schedules: int, kills: int) -> None:
    """Print how many runs of each law held."""
    environment = {**os.environ, "FAULT_SEEDS": str(schedules), "KILL_SEEDS": str(-(-kills // KILLS_A_SEED))}
    for what, (file, law) in LAWS.items():
        start = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "", "-k", law, str(TESTS / file)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        held = re.search(r"(\d+) passed", result.stdout)
        failed = re.search(r"(\d+) failed", result.stdout)
        print(
            f"{what}: {held[1] if held else 0} held the law, {failed[1] if failed else 0} did not "
            f"({time.monotonic() - start:.0f} s)",
            flush=True,
        )
        if result.returncode:
            sys.exit(result.stdout[-4000:])


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [200, 500][len(given) :]))
