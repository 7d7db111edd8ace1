"""Claim: positions of an earlier hour do not slow the loop: funding is asked for once an hour, not before every order.

Stock `freqtrade trade` holds four positions whose last fill was two hours ago, and moves the orders that leave them as
mid falls by a basis point a second. Counted are loops, the longest one, and the share of time in which a pair has no
order. Baseline: the same with Freqtrade's own questions (`edge.funding` off).

`old_positions.py [SECONDS]`, sixty each without it.
"""

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.names import perpetual_names  # noqa: E402
from market_making.market.sides import Direction  # noqa: E402
from market_making.safety.state_file import BotState, read_state  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import PuppetMarket, VenueThread  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
COINS = ("ETH", "BTC", "SOL", "HYPE")
PAIRS = [perpetual_names(coin).pair for coin in COINS]
AGE, START_S, STEP_S, MID, DRIFT_BPS = timedelta(hours=2), 120.0, 0.1, 3000.0, -1.0
DATES = {"orders": ("order_filled_date", "order_date"), "trades": ("open_date",)}


class Figures(NamedTuple):
    """What a run has shown: loops, the longest [s], and the share of pair-time without an order."""

    loops: int
    longest_s: float
    unquoted: float

    def __str__(self) -> str:
        return f"{self.loops:4d} loops, the longest {self.longest_s:5.1f} s, without an order {self.unquoted:4.0%}"


def state(bot: LiveBot) -> BotState | None:
    """The newest state of the bot."""
    path = bot.folder / "state" / "market-making.json"
    found = read_state(path) if path.exists() else None
    return found if isinstance(found, BotState) else None


def leaves_all(bot: LiveBot) -> bool:
    """Whether every pair holds something and rests the order that leaves it."""
    now = state(bot)
    return now is not None and len(now.pairs) == len(COINS) and all(pair.coins and pair.resting for pair in now.pairs)


def fill_all(bot: LiveBot) -> None:
    """Let somebody fill the bid of every pair."""
    bot.wait(lambda: len(bot.venue.open_orders()) == len(COINS), START_S, "a bid of every pair")
    for coin in COINS:
        bot.venue.market.print_trade(Direction.SELL, MID - 50, 5.0, coin)
    bot.wait(lambda: leaves_all(bot), START_S, "a position in every pair")


def make_older(database: Path) -> None:
    """Move everything that has happened two hours back."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in DATES.items():
            for column in columns:
                rows = connection.execute(f"select id, {column} from {table} where {column} is not null").fetchall()
                older = [((datetime.fromisoformat(at) - AGE).isoformat(sep=" "), row) for row, at in rows]
                connection.executemany(f"update {table} set {column} = ? where id = ?", older)


def watched(bot: LiveBot) -> Figures:
    """Move mid for the time of a run, and count."""
    bot.wait(lambda: leaves_all(bot), START_S, "an order of every pair")
    began_s, first, longest_ms, empty, looks = time.monotonic(), state(bot), 0.0, 0, 0
    while (passed_s := time.monotonic() - began_s) < SECONDS:
        bot.venue.market.mid = round(MID * (1 + DRIFT_BPS * 1e-4 * passed_s), 1)
        now = state(bot)
        is_of_the_run = now is not None and first is not None and now.loop > first.loop  # the first one starts the bot
        longest_ms = max(longest_ms, now.loop_ms) if now is not None and is_of_the_run else longest_ms
        empty, looks = empty + len(COINS) - len(bot.venue.open_orders()), looks + 1
        time.sleep(STEP_S)
    last = state(bot)
    assert first is not None
    assert last is not None
    return Figures(last.loop - first.loop, longest_ms / 1e3, empty / looks / len(COINS))


def measured(*, funding: bool) -> Figures:
    """One run, with the override or without it."""
    edge = {"socket": True, "funding": funding}
    exchange = {"pair_whitelist": PAIRS, "enable_ws": True}
    section = {"edge": edge, "sides": "long_only"}
    changes = {"max_open_trades": len(COINS), "exchange": exchange, "market_making": section}
    with tempfile.TemporaryDirectory() as folder, VenueThread(PuppetMarket(coins=COINS), proxied=False) as venue:
        bot = LiveBot(venue, Path(folder), changes=changes)
        for coin, pair in zip(COINS, PAIRS, strict=True):
            bot.publish(coin=coin, pair=pair, valid_until_ms=int(time.time() * 1e3) + 1_800_000)
        with bot:
            fill_all(bot)
        make_older(bot.folder / "trades.sqlite")
        (bot.folder / "state" / "market-making.json").unlink()
        with LiveBot(venue, bot.folder, changes=changes) as again:
            return watched(again)


def main() -> None:
    """Measure with the override and without it."""
    shipped, baseline = measured(funding=True), measured(funding=False)
    print(
        f"shipped   {shipped}\nbaseline  {baseline}\n{shipped.loops / max(baseline.loops, 1):.1f} times as many loops"
    )
    sys.exit(0 if shipped.loops > 2 * baseline.loops else 1)


if __name__ == "__main__":
    main()
