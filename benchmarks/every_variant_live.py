"""Claim: every variant makes a market: stock `freqtrade trade` rests post-only quotes and gets fills with each.

Each variant runs with everything of its own, on the local venue over a simulated market: account, collector,
calibrator, bot. Three run at a time.
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.ops.demo.run import Demo, DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.ops.demo.summary import venue_figures  # noqa: E402

AT_ONCE = 3
COLUMNS = ("quotes_placed", "quotes_cancelled", "fills", "taker_fills", "round_trips", "post_only_share", "rejected")
COLUMNS += ("fees", "net_pnl", "fill_to_quote_ms_median", "open_orders_left", "position_left")


def main() -> None:
    """Run all variants, print a table; status 1 if one of them fell short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("variants", nargs="*", default=sorted(path.stem for path in STRATEGIES.glob("*.py")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        runs = pool.map(lambda variant: _run(variant, arguments.minutes, Path(folder)), arguments.variants)
        print("| strategy |", " | ".join(name.replace("_", " ") for name in COLUMNS), "|", flush=True)
        print("|---|" + "---|" * len(COLUMNS))
        good = [_show(variant, figures) for variant, figures in zip(arguments.variants, runs, strict=True)]
    raise SystemExit(not all(good))


STRATEGIES = ROOT / "user_data" / "strategies"


def _run(variant: str, minutes: float, folder: Path) -> dict[str, Any]:
    """Figures of one variant by the venue's own account, and what went wrong."""
    options = DemoOptions(Schedule(minutes), ("ETH",), root=folder / variant, strategy=variant)
    seen = Demo(options, lambda *_: None).run()
    figures = venue_figures(seen.audit) if seen.audit else {}
    return figures | {"failures": seen.failures}


def _show(variant: str, figures: dict[str, Any]) -> bool:
    cells = (figures.get(name) for name in COLUMNS)
    text = (f"{cell:.4g}" if isinstance(cell, float) else "–" if cell is None else str(cell) for cell in cells)
    print(f"| {variant} |", " | ".join(text), "|", "; ".join(figures["failures"]), flush=True)
    return not figures["failures"] and figures["fills"] > 0 and figures["post_only_share"] == 1


if __name__ == "__main__":
    main()
