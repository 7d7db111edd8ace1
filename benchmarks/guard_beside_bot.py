"""The guard beside a stock bot in normal quoting: what it cancels, why, and whether the bot's books stay right.

Usage: ``python benchmarks/guard_beside_bot.py [MINUTES] [SEED]``. The local exchange with a simulated market,
collector, calibrator, stock Freqtrade and `mm guard` run for some minutes. A cancel by a rule for silent bots, stale
parameters or unknown orders is a false one. Every five seconds the bot's database is held against the venue.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from market_making.ops.demo.audit import unaccounted
from market_making.ops.demo.processes import Programs
from market_making.ops.demo.run import CONFIGS, Demo, DemoOptions
from market_making.ops.demo.schedule import Schedule
from market_making.safety.guard_record import NAME as GUARD
from market_making.safety.state_file import SidecarState, read_state

_EVERY_S = 5.0
_SETTLED = 3  # a difference that is seen so often in a row is one


class GuardedDemo(Demo):
    """A demo with a guard beside it."""

    def __init__(self, minutes: float, seed: int) -> None:
        options = DemoOptions(Schedule(minutes), ("ETH",), seed, root=Path("user_data/demo"))
        super().__init__(options, lambda text, share: print(f"{share:4.0%}  {text}", flush=True))
        self.differences: list[str] = []
        self.figures: dict[str, Any] = {}
        self._minutes = minutes

    def _trade(self, programs: Programs) -> None:
        command = [sys.executable, "-m", "market_making.ops", "guard"]
        programs.start(GUARD, [*command, *(f"--config={path}" for path in (*CONFIGS, self.files.config))])
        began, lasting = time.monotonic(), 0
        while time.monotonic() - began < self._minutes * 60:
            programs.check()
            self._audit()
            found = unaccounted(self.files.database, self.seen.audit["positions"], set())
            lasting = lasting + 1 if found else 0
            if lasting == _SETTLED:
                self.differences += found
            time.sleep(_EVERY_S)
        self.seen.traded_s = time.monotonic() - began
        state = read_state(self.files.state / f"{GUARD}.json")
        assert isinstance(state, SidecarState)
        self.figures = dict(state.figures)

    def events(self) -> list[dict[str, Any]]:
        """The guard's record."""
        paths = sorted(self.files.decisions.glob(f"{GUARD}-*.jsonl"))
        return [orjson.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    run = GuardedDemo(minutes, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    seen = run.run()
    events = run.events()
    reasons = Counter((event["event"], event["reason"]) for event in events if "reason" in event)
    twice = [oid for oid, n in Counter(e["order_id"] for e in events if e["event"] == "cancelled").items() if n > 1]
    print(f"\nminutes              {seen.traded_s / 60:.1f}")
    print(f"orders, fills        {seen.audit['orders_placed']}, {seen.audit['fills']}")
    print(
        f"the guard            {', '.join(f'{event} for {why} {n}' for (event, why), n in reasons.items()) or 'idle'}"
    )
    false = sum(n for (event, why), n in reasons.items() if event == "cancelled" and why != GUARD)
    print(f"false cancels        {false}")
    print(f"cancelled twice      {len(twice)}")
    print(f"books differ         {run.differences or 'never'}")
    median_ms, weight = run.figures["cancel_ms_median"] or 0.0, run.figures["weight_per_minute"]
    print(f"cancel, weight       {median_ms:.0f} ms from sending to answer (median), weight {weight:.0f} a minute")
    print(f"failures             {seen.failures or 'none'}")


if __name__ == "__main__":
    main()
