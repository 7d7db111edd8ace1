"""Claim: the shadow maker, which knows mid by quarters of a second, makes what a replay at every single quote makes.

Half hours of the simulated market, which moves by so many bps/√s, are replayed twice, for a bot that is woken and one
that is not, with their usual timing: by the shadow maker, and at every quote and every market order. Printed per bot
and distance from mid: fills per half hour of both, their ratio, the net per fill of both one second on, before the fee,
and the difference with its 95 % interval, from half hour to half hour. Status 1 if the fills differ by more than 4 % or
the net by more than 0.1 bps.

    python benchmarks/shadow_quarters.py [HALF_HOURS]
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.shadow_maker import Fills, shadow_fills
from calibration.estimators.shadow_quote import QuoteRules
from calibration.flow.shadow import USUAL_TIMINGS
from calibration.observation.observations import observe
from market_making.market.sides import Direction
from market_making.market.tape import QuoteTape
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

HALF_HOURS = 8
SECONDS = 1800
DEPTHS_BPS, TOLERANCE_BPS = (1.5, 3.5), 0.5
FACTORS = (1.0, 2.0)  # of the market's own diffusion
LARGEST_RATIO, LARGEST_BPS = 0.04, 0.1
SECOND_MS = 1_000.0


class Replay:
    """One side of a bot's quotes, event by event; prices are turned so that larger is further from mid."""

    def __init__(self, quotes: QuoteTape, sign: int, depth: float, tick: float, rules: QuoteRules) -> None:
        self.times, self.mids = quotes.time_ms.tolist(), (quotes.mid * sign).tolist()
        self.touches = (quotes.bid_price if sign > 0 else -quotes.ask_price).tolist()
        self.depth, self.tick, self.rules, self.timing = depth, tick, rules, rules.timing
        self.price = self.old = math.inf
        self.placed = self.gone = self.look = 0.0

    def wanted(self, number: int) -> float:
        """Where the order should be at a quote."""
        return math.ceil((self.mids[number] + self.depth) / self.tick - 1e-6) * self.tick

    def at(self, time: float) -> int:
        """The quote that stands at a time."""
        return max(bisect_right(self.times, time) - 1, 0)

    def standing(self, time: float) -> float:
        """The price that can be met."""
        return self.price if time >= self.placed else self.old if time < self.gone else math.inf

    def rest(self, placed: float) -> None:
        """Let nothing stand until then."""
        self.price, self.old, self.placed = math.inf, math.inf, placed

    def move(self, looked: float) -> None:
        """Cancel the order, and place the next one."""
        price = self.price
        self.rest(looked + self.timing.place_ms)
        self.old, self.gone = price, looked + self.timing.cancel_ms

    def go_to(self, time: float) -> None:
        """Place and look whatever is due by then."""
        while True:
            if self.price == math.inf:
                if time < self.placed:
                    return
                self.price = self.wanted(self.at(self.placed - self.timing.aim_ms))
                self.look = self.placed + self.timing.known_ms
                if self.touches[self.at(self.placed)] >= self.price:
                    self.rest(self.placed + self.timing.pause_ms)
                continue
            if time < self.look:
                return
            off = self.wanted(self.at(self.look)) - self.price
            is_old = self.look - self.placed >= self.rules.minimum_life_s * SECOND_MS
            if off > self.rules.tolerance or (-off > self.rules.tolerance and is_old):
                self.move(self.look)
            else:
                self.look += self.timing.loop_ms or SECOND_MS

    def fills(self, orders: MarketOrders, sign: int) -> Iterator[tuple[int, float]]:
        """Times and prices of all fills."""
        far = (orders.mid * sign + orders.reach + 1e-6 * self.tick).tolist()
        events = [(time, 0, number) for number, time in enumerate(orders.time_ms.tolist())]
        events += [(time, 1, number) for number, time in enumerate(self.times)]
        for time, is_quote, number in sorted(events):
            self.go_to(time)
            price = self.standing(time)
            if (self.touches[number] if is_quote else far[number]) >= price:
                yield time, price
                self.rest(time + self.timing.pause_ms)
            elif is_quote and self.is_rung(time, number):
                self.move(time)

    def is_rung(self, time: float, number: int) -> bool:
        """Whether a quote wakes the bot: its order is too close, and known."""
        is_known = self.rules.wakes and time >= self.placed + self.timing.known_ms
        return is_known and self.wanted(number) - self.price > self.rules.tolerance


def at_every_quote(
    quotes: QuoteTape, orders: MarketOrders, way: Direction, depth: float, tick: float, rules: QuoteRules
) -> Fills:
    """Fills of one side."""
    found = list(Replay(quotes, way.sign, depth, tick, rules).fills(orders.of(way), way.sign))
    time_ms, price = np.array([time for time, _ in found], dtype=np.int64), np.array([price for _, price in found])
    later = np.searchsorted(quotes.time_ms, time_ms + SECOND_MS, side="right") - 1
    return Fills(time_ms, price - way.sign * quotes.mid[later])


def main() -> int:
    """Compare, and print a line per market, bot and depth."""
    half_hours, is_off = int(sys.argv[1]) if len(sys.argv) > 1 else HALF_HOURS, False
    (usual,) = default_truths(["ETH"])
    for factor in FACTORS:
        truth, found = replace(usual, diffusion=factor * usual.diffusion), {}
        for seed in range(half_hours):
            tape = simulate_tape(truth, seed=seed, seconds=SECONDS)
            seen, bps = observe(tape, truth.tick), 1e-4 * tape.quotes.mid[-1]
            for timing in USUAL_TIMINGS:
                rules = QuoteRules(TOLERANCE_BPS * bps, 1.0, timing)
                for depth in DEPTHS_BPS:
                    ask = depth * bps, truth.tick, rules
                    shadow = [shadow_fills(seen.seconds, seen.orders, way, *ask) for way in Direction]
                    exact = [at_every_quote(tape.quotes, seen.orders, way, *ask) for way in Direction]
                    both = [one.followed_by(other).known.net / bps for one, other in (shadow, exact)]
                    found.setdefault((timing.loop_ms, depth), []).append([*map(len, both), *map(np.mean, both)])
        volatility = truth.order_flow().volatility / truth.start_price * 1e4
        for (loop_ms, depth), rows in found.items():
            mine, its, net, exact_net = np.array(rows).T
            ratio, more = mine.sum() / its.sum(), net - exact_net
            width = 1.96 * more.std(ddof=1) / np.sqrt(len(more))
            is_off |= bool(abs(ratio - 1) > LARGEST_RATIO or abs(more.mean()) > LARGEST_BPS)
            bot = "woken" if loop_ms == 0 else "loops"
            print(
                f"{volatility:.1f} bps/√s, {bot}, {depth} bps: fills {mine.mean():.0f}, each quote {its.mean():.0f}, "
                f"ratio {ratio:.3f}; net {net.mean():.2f}, {exact_net.mean():.2f} bps, {more.mean():+.3f} ± {width:.3f}"
            )
    return int(is_off)


if __name__ == "__main__":
    raise SystemExit(main())
