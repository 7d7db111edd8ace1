"""Claim: after a fill the opposite quote rests within a loop, because the plan is made again inside the loop.

The baseline is the same strategy without that: it plans at the start of a loop only, and after a closed trade waits for
the next loop to lift Freqtrade's lock. Both run as stock `freqtrade trade` on the local venue, once with requests as
fast as this machine allows and once with ccxt's own limit for Hyperliquid (50 ms a unit of weight).
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.sides import Direction  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import PuppetMarket, VenueThread  # noqa: E402

BASELINE = '''
from freqtrade.strategy import IStrategy
from MarketMaking import MarketMaking


class Baseline(MarketMaking):
    """Plans once a loop."""

    def bot_loop_start(self, current_time, **kwargs):
        self.unlock_reason("Auto lock")
        super().bot_loop_start(current_time, **kwargs)

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        self._desk.clear()

    def lock_pair(self, pair, until, reason=None, side="*"):
        IStrategy.lock_pair(self, pair, until, reason, side)
'''


def main() -> None:
    """Print the medians and their ratio for both request limits."""
    fills = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for rate_limit in (5, 50):
        ours, naive = (fill_to_quote_ms(name, rate_limit, fills) for name in ("MarketMaking", "Baseline"))
        print(
            f"ccxt rateLimit {rate_limit} ms: fill to opposite quote {median(ours):.0f} ms median of {len(ours)} "
            f"(worst {max(ours):.0f}); planning once a loop: {median(naive):.0f} ms; "
            f"ratio {median(naive) / median(ours):.2f}"
        )


def fill_to_quote_ms(strategy: str, rate_limit: int, fills: int) -> list[float]:
    """Times from a fill to the opposite quote resting, by the venue's own clock [ms]."""
    phase = random.Random(1)
    changes = {"exchange": {"ccxt_config": {"rateLimit": rate_limit}}}
    with tempfile.TemporaryDirectory() as name, VenueThread(PuppetMarket()) as venue:
        folder = Path(name)
        (folder / "Baseline.py").write_text(BASELINE)
        bot = LiveBot(venue, folder, strategy=strategy, changes=changes)
        bot.publish()
        with bot:
            for _ in range(fills):
                bot.publish()
                bot.wait(lambda: bool(venue.open_orders()), 60, "a quote")
                time.sleep(phase.uniform(1.0, 2.0))  # a fill comes at any moment of a loop
                order = venue.open_orders()[0]
                price, is_bid = float(order["limitPx"]), order["side"] == "B"
                direction = Direction.SELL if is_bid else Direction.BUY
                venue.market.print_trade(direction, price - 1 if is_bid else price + 1, 10.0)
                bot.wait(lambda oid=order["oid"]: oid not in {o["oid"] for o in venue.open_orders()}, 5, "a fill")
            bot.wait(lambda: bool(venue.open_orders()), 60, "a quote")
        return list(venue.audit()["fill_to_quote_ms"])


if __name__ == "__main__":
    main()
