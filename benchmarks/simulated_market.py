"""Claim: a simulated half hour is drawn as arrays several times faster than event by event, in some ten milliseconds.

The baseline draws the same process in a loop: the next event of any kind, one at a time, with pending moves in a heap.
"""

import heapq
import random
import time
from collections.abc import Callable
from itertools import takewhile
from math import floor, log

from market_making.market.sides import Direction
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource, simulate_tape
from market_making.simulation.truth import MarketTruth

SECONDS = 1800
ROUNDS = 5


def reach_and_jump(truth: MarketTruth, direction: Direction, draw: random.Random) -> tuple[int, int]:
    reach = 0
    mean = truth.adverse_selection_at_touch.of(direction) / truth.tick
    if draw.random() < truth.reach_probability.of(direction):
        reach = 1 + int(log(1 - draw.random()) / log(truth.continuation(direction)))
        mean = truth.adverse_selection_on_fill.of(direction) / truth.tick
    return reach, floor(mean + draw.random())


def event_by_event(
    truth: MarketTruth, seed: int, seconds: float
) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """Quotes and prints of the default kind of market (no spells, no slope)."""
    draw = random.Random(seed)
    rates = [truth.arrival_rate.buy, truth.arrival_rate.sell, truth.move_rate, truth.refresh_rate]
    kinds = (Direction.BUY, Direction.SELL, "move", "refresh")
    now, bid = 0.0, truth.start_bid
    pending: list[tuple[float, int]] = []
    quotes: list[tuple[float, ...]] = []
    prints: list[tuple[float, ...]] = []

    def quote(when: float) -> None:
        sizes = (draw.lognormvariate(0, 0.5), draw.lognormvariate(0, 0.5))
        quotes.append((when, bid * truth.tick, sizes[0], (bid + truth.spread_ticks) * truth.tick, sizes[1]))

    while now < seconds:
        following = now + draw.expovariate(sum(rates))
        while pending and pending[0][0] <= following:
            when, jump = heapq.heappop(pending)
            bid += jump
            quote(when)
        now, kind = following, draw.choices(kinds, rates)[0]
        if isinstance(kind, Direction):
            reach, jump = reach_and_jump(truth, kind, draw)
            touch = bid + truth.spread_ticks if kind is Direction.BUY else bid
            for away in [*range(0, reach, truth.level_spacing), reach]:
                price = (touch + kind.sign * away) * truth.tick
                prints.append((now, kind.sign, price, draw.lognormvariate(-0.5, 1.0)))
            heapq.heappush(pending, (now + draw.random() * truth.impact_delay_ms / 1e3, kind.sign * jump))
        elif kind == "move":
            whole, one_more = truth.move_sizes
            bid += draw.choice((-1, 1)) * (whole + (draw.random() < one_more))
        quote(now)
    return quotes, prints


def best_time(run: Callable[[], object]) -> float:
    """The fastest of several runs [s]."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    truth = default_truths(["ETH"])[0]
    quotes, prints = event_by_event(truth, 1, SECONDS)
    tape = simulate_tape(truth, seed=1, seconds=SECONDS)
    loop_s = best_time(lambda: event_by_event(truth, 1, SECONDS))
    arrays_s = best_time(lambda: simulate_tape(truth, seed=1, seconds=SECONDS))
    source = SimulatedSource([truth], seed=1)
    begin = time.perf_counter()
    events = sum(1 for _ in takewhile(lambda event: event.time_ms < SECONDS * 1000, source.events(0)))
    stream_s = time.perf_counter() - begin
    print(f"half an hour of {truth.coin}: {len(tape.quotes.time_ms)} quotes, {len(tape.trades.time_ms)} prints "
          f"(event by event: {len(quotes)}, {len(prints)})")  # fmt: skip
    print(f"event by event  {loop_s * 1e3:8.1f} ms")
    print(f"as arrays       {arrays_s * 1e3:8.1f} ms   ratio {loop_s / arrays_s:.0f}")
    print(f"as events with 20 levels a side: {events} in {stream_s * 1e3:.0f} ms, "
          f"{events / stream_s:,.0f} a second, {SECONDS / stream_s:,.0f} times real time")  # fmt: skip


if __name__ == "__main__":
    main()
