"""Claim: all programs of a machine together ask the exchange for at most 1,200 of weight in any minute.

Stock `freqtrade trade` with the shipped edge quotes a market that moves several times a second, with fills, on the
local exchange, which counts what each address asks for by the true weights and refuses nothing. Three machines:
one pair, five pairs in one bot, and two legs on two accounts that share the bucket of the machine. The worst minute is
that of the whole run, the start of the bots included. Baseline: the same with the pace of requests off (`edge.pace`).

`weight_per_minute.py [MINUTES]`, three each without it.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.hyperliquid.weights import PER_MINUTE  # noqa: E402
from market_making.market.names import perpetual_names  # noqa: E402
from market_making.market.sides import Direction  # noqa: E402
from tests.live_bot import LiveBot, merged  # noqa: E402
from tests.puppet_market import ADDRESS, KEY, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread  # noqa: E402

MINUTES = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
STEP_S, MOVE_BPS, TRADE_EVERY, PUBLISH_EVERY_S = 0.25, 0.75, 20, 15.0  # 1.5 bps in the root of a second
FIVE = ("ETH", "BTC", "SOL", "HYPE", "kPEPE")
LEGS = (("long_leg", ADDRESS, KEY), ("short_leg", OTHER_ADDRESS, OTHER_KEY))
START_S = 240.0


def bots(venue: VenueThread, root: Path, coins: Sequence[str], *, legs: bool, pace: bool) -> list[LiveBot]:
    """One bot with all coins, or two legs; what they share lies in one folder."""
    shared = {name: str(root / name) for name in ("state", "legs", "parameters")}
    section: dict[str, Any] = shared | {"edge": {"socket": True, "pace": pace}}
    pairs = [perpetual_names(coin).pair for coin in coins]
    common = {"max_open_trades": len(coins), "exchange": {"pair_whitelist": pairs, "enable_ws": True}}
    made = []
    for sides, address, key in LEGS if legs else (("alternate", ADDRESS, KEY),):
        folder = root / sides
        folder.mkdir()
        own = {"bot_name": sides, "exchange": {"walletAddress": address, "privateKey": key}}
        changes = merged(merged(common, own), {"market_making": section | {"sides": sides}})
        made.append(LiveBot(venue, folder, changes=changes))
    return made


def weight(venue: VenueThread) -> tuple[float, dict[str, int]]:
    """The worst minute so far, and what was asked for in all, by type."""
    usages = requests.get(f"{venue.url}/statistics", timeout=5).json()["weight"]["addresses"].values()
    (usage,) = usages
    return usage["weight_in_worst_minute"], usage["weight"]


def measured(coins: Sequence[str], *, legs: bool, pace: bool) -> tuple[float, str]:
    """The worst minute of a machine, and its figures as text."""
    random, addresses = Random(1), [ADDRESS, OTHER_ADDRESS] if legs else [ADDRESS]
    with ExitStack() as open_now:
        root = Path(open_now.enter_context(tempfile.TemporaryDirectory()))
        venue = open_now.enter_context(VenueThread(PuppetMarket(coins=tuple(coins)), proxied=False))
        running = bots(venue, root, coins, legs=legs, pace=pace)
        published_s = publish(running[0], coins, root)
        for bot in running:
            open_now.enter_context(bot)
        for address in addresses:
            running[0].wait(lambda address=address: bool(venue.open_orders(address)), START_S, "a first quote")
        end_s, step = time.monotonic() + MINUTES * 60, 0
        while time.monotonic() < end_s:
            move(venue.market, random, coins, step)
            if time.monotonic() - published_s > PUBLISH_EVERY_S:
                published_s = publish(running[0], coins, root)
            step += 1
            time.sleep(STEP_S)
        audits = [venue.audit(address) for address in addresses]
        worst, by_type = weight(venue)
    placed, taken = (sum(audit[name] for audit in audits) for name in ("orders_placed", "fills"))
    dearest = ", ".join(f"{kind} {amount / MINUTES:.0f}" for kind, amount in list(by_type.items())[:4])
    return worst, f"{placed / MINUTES:.0f} orders and {taken / MINUTES:.1f} fills a minute; per minute {dearest}"


def publish(bot: LiveBot, coins: Sequence[str], root: Path) -> float:
    """Publish parameters of every coin; they hold for a minute."""
    for coin in coins:
        bot.publish(root / "parameters", coin=coin, pair=perpetual_names(coin).pair)
    return time.monotonic()


def move(market: PuppetMarket, random: Random, coins: Sequence[str], step: int) -> None:
    """Move every coin, and now and then let somebody trade through one."""
    market.mid = round(min(max(market.mid * (1 + random.gauss(0, MOVE_BPS / 1e4)), 2950.0), 3050.0), 1)
    if step % TRADE_EVERY == TRADE_EVERY - 1:
        up = random.random() < 0.5
        price = round(market.mid + (5 if up else -5), 1)
        market.print_trade(Direction.BUY if up else Direction.SELL, price, 0.05, random.choice(list(coins)))


def main() -> None:
    """Measure the three machines with and without the pace."""
    within = True
    machines = {"one pair": (("ETH",), False), "five pairs": (FIVE, False), "two legs": (("ETH",), True)}
    for name, (coins, legs) in machines.items():
        for pace in (True, False):
            worst, figures = measured(coins, legs=legs, pace=pace)
            print(f"{name:10s} {'shipped ' if pace else 'baseline'} worst minute {worst:5.0f}: {figures}", flush=True)
            within = within and (worst <= PER_MINUTE or not pace)
    print(f"{'within' if within else 'NOT within'} {PER_MINUTE} in every minute")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
