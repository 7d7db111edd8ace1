"""Let stock Freqtrade quote every kind of market on the local exchange, and hold each fee and all books against it.

    python benchmarks/kinds_live.py [--minutes 10]

Two bots run at once as `mm demo` runs them: one on a growth-mode perpetual, on another perpetual of that dex and on
BTC, one on two spot pairs, of which one has a base token that ccxt calls otherwise. Prints for each market how many
fills there were, the fee of the exchange's formula and the one of every line of the venue's audit, the token, and the
words of Freqtrade's own books for it; then what the bots' books, the decision logs and the audits say differently.
Status 1 if anything does, or if a market had no buy or no sell: then nothing was seen of its fees.
"""

import argparse
import contextlib
import sqlite3
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from market_making.hyperliquid.fees import BASE_TIER
from market_making.market.identity import Market
from market_making.ops.demo.run import Demo, DemoOptions
from market_making.ops.demo.schedule import Schedule
from market_making.ops.demo.summary import summarise
from market_making.simulation.known_markets import market_called

BOTS = {"futures": ("xyz:NVDA", "xyz:GOLD", "BTC"), "spot": ("BTC/USDC", "HYPE/USDC")}
STEPS = {"USDC": 1e-6}  # to which fees are rounded; those in tokens to a hundred-millionth
TOKEN_STEP = 1e-8


def _quietly(_: str, __: float) -> None:
    """Report nothing."""


def run(name: str, minutes: float, root: Path, found: dict[str, Any]) -> None:
    """Run one bot and keep what was seen."""
    demo = Demo(DemoOptions(Schedule(minutes), BOTS[name], seed=11, root=root / name), _quietly)
    seen = demo.run()
    found[name] = seen, summarise(demo, seen), demo.files.database


def differences(name: str, seen: Any, database: Path) -> list[str]:
    """What is wrong with the fees of a bot's markets, or was not seen of them; prints a line per market."""
    wrong = []
    for market in map(market_called, BOTS[name]):
        fills = [fill for fill in seen.fills if fill["coin"] == market.wire]
        maker, taker = BASE_TIER.on(market)
        rates = []
        for fill in fills:
            amount, token = charged(market, fill)
            due, step = amount * (taker if fill["is_taker"] else maker), STEPS.get(token, TOKEN_STEP)
            rates.append(1e4 * fill["fee"] / amount)
            if fill["fee_token"] != token or abs(fill["fee"] - due) > 1.01 * step:
                wrong.append(f"{market.key}: {fill['fee']} {fill['fee_token']} on {fill['size']} at {fill['price']}")
        missing = {"buy", "sell"} - {fill["side"] for fill in fills}
        wrong += [f"{market.key}: no {side} was filled, its fee was not seen" for side in sorted(missing)]
        tokens, words = sorted({fill["fee_token"] for fill in fills}), fee_words(database, market.pair)
        if words - {"USDC", market.pair.split("/")[0]}:
            wrong.append(f"{market.key}: Freqtrade's books call fees {', '.join(sorted(words))}")
        shown = f"{min(rates):.3f} … {max(rates):.3f} in the audit" if rates else "none in the audit"
        print(f"{market.key:12s} {len(fills):4d} fills, {1e4 * maker:.2f} bps by the formula, {shown}, "
              f"paid in {', '.join(tokens)}; in Freqtrade's books {', '.join(sorted(words))}")  # fmt: skip
    return wrong


def charged(market: Market, fill: dict[str, Any]) -> tuple[float, str]:
    """Of what amount of which token a fill's fee is a share: who buys tokens pays in them."""
    if market.tokens is not None and fill["side"] == "buy":
        return fill["size"], market.tokens.base
    return fill["size"] * fill["price"], "USDC"


def fee_words(database: Path, pair: str) -> set[str]:
    """What Freqtrade's own books call the tokens in which the fees of a pair were paid."""
    columns = "select fee_open_currency, fee_close_currency from trades where pair = ?"
    with contextlib.closing(sqlite3.connect(database)) as books:
        return {word for row in books.execute(columns, (pair,)) for word in row if word is not None}


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
        for name, (seen, summary, database) in found.items():
            left = f"{summary['open_orders_left']} orders and {summary['position_left']:g} coins left"
            figures = f"{summary['quotes_placed']} quotes, {summary['fills']} fills, net {summary['net_pnl']:+.4f} USDC"
            print(f"\n{name}: {figures}, {left}")
            failures += [*differences(name, seen, database), *summary["failures"]]
    print("\n" + ("\n".join(failures) or "every fee is right, nothing is left, and the books agree"))
    return int(bool(failures) or len(found) < len(BOTS))


if __name__ == "__main__":
    raise SystemExit(main())
