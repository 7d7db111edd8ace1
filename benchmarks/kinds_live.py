"""Let stock Freqtrade quote every kind of market on the local exchange, and hold each fee and all books against it.

    python benchmarks/kinds_live.py [--minutes 10]

Two bots run at once as `mm demo` runs them: one on a growth-mode perpetual, on another perpetual of that dex and on
BTC, one on two spot pairs, of which one has a base token that ccxt calls otherwise. Prints for each market how many
fills there were, the fee of the exchange's formula and the one of every line of the venue's audit, and the token; then
what the bots' books, the decision logs and the audits say differently. Status 1 if anything does.
"""

import argparse
import threading
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from market_making.hyperliquid.fees import BASE_TIER
from market_making.ops.demo.run import Demo, DemoOptions
from market_making.ops.demo.schedule import Schedule
from market_making.ops.demo.summary import summarise
from market_making.simulation.known_markets import market_called

BOTS = {"futures": ("xyz:NVDA", "xyz:GOLD", "BTC"), "spot": ("BTC/USDC", "HYPE/USDC")}
CLOSE = 0.01  # of a rate: fees are rounded to a millionth of USDC, to a hundred-millionth of a token


def _quietly(_: str, __: float) -> None:
    """Report nothing."""


def run(name: str, minutes: float, root: Path, found: dict[str, Any]) -> None:
    """Run one bot and keep what was seen."""
    demo = Demo(DemoOptions(Schedule(minutes), BOTS[name], seed=11, root=root / name), _quietly)
    seen = demo.run()
    found[name] = seen, summarise(demo, seen)


def differences(seen: Any) -> list[str]:
    """Fills whose fee is not that of the market, or not in its token; prints a line a market."""
    by_coin, wrong = defaultdict(list), []
    for fill in seen.fills:
        by_coin[fill["coin"]].append(fill)
    for coin, fills in by_coin.items():
        market = market_called(coin)
        maker, taker = BASE_TIER.on(market)
        rates = []
        for fill in fills:
            in_tokens = market.tokens is not None and fill["side"] == "buy"
            token = market.tokens.base if in_tokens and market.tokens is not None else "USDC"
            paid = fill["fee"] / (fill["size"] if in_tokens else fill["size"] * fill["price"])
            rates.append(1e4 * paid)
            if fill["fee_token"] != token or abs(paid / (taker if fill["is_taker"] else maker) - 1) > CLOSE:
                wrong.append(f"{coin}: {fill['fee']} {fill['fee_token']} on {fill['size']} at {fill['price']}")
        tokens = sorted({fill["fee_token"] for fill in fills})
        print(f"{market.key:12s} {len(fills):4d} fills, {1e4 * maker:.2f} bps by the formula, "
              f"{min(rates):.3f} … {max(rates):.3f} in the audit, paid in {', '.join(tokens)}")  # fmt: skip
    return wrong


def main() -> int:
    """Run both bots at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    found: dict[str, Any] = {}
    with TemporaryDirectory() as root:
        threads = [threading.Thread(target=run, args=(name, minutes, Path(root), found)) for name in BOTS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    failures = []
    for name, (seen, summary) in found.items():
        left = f"{summary['open_orders_left']} orders and {summary['position_left']:g} coins left"
        figures = f"{summary['quotes_placed']} quotes, {summary['fills']} fills, net {summary['net_pnl']:+.4f} USDC"
        print(f"\n{name}: {figures}, {left}")
        failures += [*differences(seen), *summary["failures"]]
    print("\n" + ("\n".join(failures) or "every fee is right, nothing is left, and the books agree"))
    return int(bool(failures) or len(found) < len(BOTS))


if __name__ == "__main__":
    raise SystemExit(main())
