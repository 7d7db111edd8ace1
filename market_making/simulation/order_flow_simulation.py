"""The order flow of one simulated coin, drawn minute by minute in integer ticks, lots and milliseconds.

The book is resilient: what an order takes is replaced within its block, and the whole book moves with mid. Every
change of the touch has its own stamp, so mid is known at every moment. Each minute has its own random stream, made of
seed, coin and number of the minute: the same market comes out whether it is drawn as arrays or event by event.
"""

from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from market_making.market.sides import Direction
from market_making.simulation.regimes import Alternation
from market_making.simulation.truth import LEVELS, MarketTruth

MINUTE_MS = 60_000
PROFILES = 256

Integers = NDArray[np.int64]


class QuoteUpdates(NamedTuple):
    """Touch [ticks] from each stamp on, and the number of the size profile of the book."""

    time_ms: Integers
    bid: Integers
    ask: Integers
    profile: Integers


class Prints(NamedTuple):
    """Prints, ascending in time; `order` counts the market orders of the coin. Prices in ticks, sizes in lots."""

    time_ms: Integers
    sign: Integers
    order: Integers
    price: Integers
    size: Integers


class Minute(NamedTuple):
    """All that happens in one minute."""

    quotes: QuoteUpdates
    prints: Prints


class _Orders(NamedTuple):
    """Market orders, ascending in time: reach beyond the touch and signed move of mid [ticks]."""

    time_ms: Integers
    sign: Integers
    reach: Integers
    move: Integers


class _Spells(NamedTuple):
    """Path of an alternation through a minute: whether it is on at the start, and when it switches."""

    on_at_start: bool
    switches: Integers

    def on(self, time_ms: Integers, *, before: bool = False) -> NDArray[np.bool_]:
        """Whether it is on at these times, or just before them."""
        count = np.searchsorted(self.switches, time_ms, "left" if before else "right")
        switched: NDArray[np.bool_] = count % 2 == 1
        return switched ^ self.on_at_start

    @property
    def at_end(self) -> bool:
        """Whether it is on when the minute ends."""
        return self.on_at_start ^ (len(self.switches) % 2 == 1)


class OrderFlowSimulation:
    """One coin's market; `next_minute` draws on for ever.

    Parameters
    ----------
    truth : MarketTruth
        What the market obeys.
    seed : int
        Same seed, same market; coins of one seed are independent of each other.
    """

    def __init__(self, truth: MarketTruth, seed: int) -> None:
        self.truth = truth
        self._key = [seed, crc32(truth.coin.encode())]
        self._minute = 0
        self._orders_so_far = 0
        start = np.random.default_rng([*self._key, 0, 0])
        self.level_sizes = _level_sizes(truth, start)
        self._bid = truth.start_bid
        self._profile = 0
        self._burst = truth.bursts is not None and bool(start.random() < truth.bursts.share)
        self._wide = truth.widening is not None and bool(start.random() < truth.widening.share)
        self._pending_time = self._pending_move = np.empty(0, np.int64)
        self._brought: dict[Direction, NDArray[np.float64]] = {}

    def next_minute(self) -> Minute:
        """Draw the next minute, counted from the start of the market."""
        random = np.random.default_rng([*self._key, 1, self._minute])
        start = self._minute * MINUTE_MS
        wide = _spells(self.truth.widening, self._wide, start, random)
        orders = self._draw_orders(start, random)
        move_times, path = self._draw_path(start, orders, random)
        stamps = self._draw_stamps(start, (move_times, orders.time_ms, wide.switches), random)
        profiles = random.integers(0, PROFILES, len(stamps))
        touch = self._touch(path[np.searchsorted(move_times, stamps, "right")], wide.on(stamps))
        # An order meets the book as it stood before its own stamp.
        seen = np.concatenate([[self._profile], profiles])[np.searchsorted(stamps, orders.time_ms, "left")]
        bid_seen = path[np.searchsorted(move_times, orders.time_ms, "left")]
        touch_seen = self._touch(bid_seen, wide.on(orders.time_ms, before=True))
        prints = self._draw_prints(orders, touch_seen, seen, random)
        self._minute += 1
        self._orders_so_far += len(orders.time_ms)
        self._bid = int(path[-1])
        self._profile = int(profiles[-1]) if len(profiles) else self._profile
        self._wide = wide.at_end
        return Minute(QuoteUpdates(stamps, *touch, profiles), prints)

    def _draw_stamps(self, start: int, changes: tuple[Integers, ...], random: np.random.Generator) -> Integers:
        """Stamps of the book: every change of the touch, every order, and changes of size alone."""
        refreshes = start + random.integers(0, MINUTE_MS, random.poisson(self.truth.refresh_rate * MINUTE_MS / 1e3))
        opening = np.full(1 if self._minute == 0 else 0, start)
        stamps: Integers = np.unique(np.concatenate([*changes, refreshes, opening]))
        return stamps

    def _touch(self, bid: Integers, wide: NDArray[np.bool_]) -> tuple[Integers, Integers]:
        extra = wide * (self.truth.widening.extra_ticks if self.truth.widening else 0)
        return bid - extra, bid + self.truth.spread_ticks + extra

    def _draw_orders(self, start: int, random: np.random.Generator) -> _Orders:
        bursts = _spells(self.truth.bursts, self._burst, start, random)
        self._burst = bursts.at_end
        flows = [self._draw_direction(direction, start, bursts, random) for direction in Direction]
        joined = [np.concatenate(column) for column in zip(*flows, strict=True)]
        ascending = np.argsort(joined[0], kind="stable")
        return _Orders(*(column[ascending] for column in joined))

    def _draw_direction(
        self, direction: Direction, start: int, bursts: _Spells, random: np.random.Generator
    ) -> _Orders:
        truth = self.truth
        times = self._draw_arrivals(direction, start, bursts, random)
        beyond = random.random(len(times)) < truth.reach_probability.of(direction)
        reach = np.where(beyond, random.geometric(1 - truth.continuation(direction), len(times)), 0)
        mean = truth.mean_jump(reach, direction)
        if truth.surge:
            mean = mean * truth.surge.factor(times / 1e3, truth.surge.impact)
        # Rounding up with the probability of the fraction keeps the mean exact on the grid.
        jump = np.floor(mean + random.random(len(times))).astype(np.int64)
        sign = np.full(len(times), direction.sign)
        return _Orders(times, sign, reach, jump * direction.sign)

    def _draw_arrivals(
        self, direction: Direction, start: int, bursts: _Spells, random: np.random.Generator
    ) -> Integers:
        """Times of the orders of one direction, ascending: a varying rate by thinning, then what the orders bring."""
        excitation, rate = self.truth.excitation, self.truth.arrival_rate.of(direction)
        if excitation:
            rate *= 1 - excitation.branching
        peak = self._peak_rate_factor(start)
        count = random.poisson(rate * peak * MINUTE_MS / 1e3)
        times = start + random.integers(0, MINUTE_MS, count)
        times = times[random.random(count) * peak < self._rate_factor(times, bursts)]
        if excitation:
            if self._minute == 0:
                before = random.uniform(-MINUTE_MS, 0, random.poisson(rate * MINUTE_MS / 1e3))
                self._brought[direction] = excitation.descendants(before, random)
            brought = np.concatenate([self._brought[direction], excitation.descendants(times.astype(float), random)])
            self._brought[direction] = brought[brought >= start + MINUTE_MS]
            times = np.append(times, brought[(brought >= start) & (brought < start + MINUTE_MS)].astype(np.int64))
        # No order comes before the first book, which stands at 0.
        return np.sort(np.maximum(times, 1))

    def _peak_rate_factor(self, start: int) -> float:
        peak = 1.0
        if self.truth.bursts:
            peak *= self.truth.bursts.calm_factor * max(1.0, self.truth.bursts.ratio)
        if self.truth.surge:
            ends = np.array(
                [start, start + MINUTE_MS, np.clip(self.truth.surge.start_s * 1e3, start, start + MINUTE_MS)]
            )
            peak *= float(self.truth.surge.factor(ends / 1e3, self.truth.surge.arrival).max())
        return peak

    def _rate_factor(self, times: Integers, bursts: _Spells) -> NDArray[np.float64]:
        factor = np.ones(len(times))
        if self.truth.bursts:
            factor *= self.truth.bursts.calm_factor * np.where(bursts.on(times), self.truth.bursts.ratio, 1.0)
        if self.truth.surge:
            factor *= self.truth.surge.factor(times / 1e3, self.truth.surge.arrival)
        return factor

    def _draw_path(self, start: int, orders: _Orders, random: np.random.Generator) -> tuple[Integers, Integers]:
        """Times at which mid moves, and the best bid before the first and after each of them."""
        truth, end = self.truth, start + MINUTE_MS
        impact_times = orders.time_ms + random.integers(0, truth.impact_delay_ms + 1, len(orders.time_ms))
        count = random.poisson(truth.move_rate * MINUTE_MS / 1e3)
        whole, one_more = truth.move_sizes
        sizes = whole + (random.random(count) < one_more)
        signs = np.where(random.random(count) < truth.share_of_moves_up, 1, -1)
        own_times = start + random.integers(0, MINUTE_MS, count)
        times = np.concatenate([self._pending_time, impact_times, own_times])
        moves = np.concatenate([self._pending_move, orders.move, sizes * signs])
        later = times >= end
        self._pending_time, self._pending_move = times[later], moves[later]
        now = ~later & (moves != 0)
        times, moves = times[now], moves[now]
        ascending = np.argsort(times, kind="stable")
        path = self._bid + np.concatenate([[0], np.cumsum(moves[ascending])])
        return times[ascending], _stopped(path, *truth.bid_bounds)

    def _draw_prints(
        self, orders: _Orders, touch: tuple[Integers, Integers], profile: Integers, random: np.random.Generator
    ) -> Prints:
        """One print at each level an order passes, one where it stops."""
        passed = np.minimum(-(-orders.reach // self.truth.level_spacing), LEVELS)
        wanted = _lots(self.truth, self.truth.order_size * random.lognormal(-0.5, 1.0, len(orders.time_ms)))
        row = np.repeat(np.arange(len(passed)), passed + 1)
        level = np.arange(len(row)) - np.repeat(np.cumsum(passed + 1) - passed - 1, passed + 1)
        last = level == passed[row]
        away = np.where(last, orders.reach[row], level * self.truth.level_spacing)
        sign = orders.sign[row]
        resting = self.level_sizes[profile[row], (sign > 0).astype(np.int64), np.minimum(level, LEVELS - 1)]
        return Prints(
            time_ms=orders.time_ms[row],
            sign=sign,
            order=row + self._orders_so_far,
            price=np.where(sign > 0, touch[1][row], touch[0][row]) + sign * away,
            size=np.where(last, np.minimum(wanted[row], resting), resting),
        )


def _spells(regime: Alternation | None, on: bool, start: int, random: np.random.Generator) -> _Spells:
    """Path of an alternation through the minute; exponential spells have no memory, so each minute starts afresh."""
    switches: list[int] = []
    if regime is not None:
        mean_ms = (1e3 * regime.pause_s, 1e3 * regime.spell_s)
        time = start + random.exponential(mean_ms[on])
        while time < start + MINUTE_MS:
            switches.append(int(time))
            time += random.exponential(mean_ms[on ^ (len(switches) % 2 == 1)])
    return _Spells(on, np.array(switches, np.int64))


def _stopped(path: Integers, low: int, high: int) -> Integers:
    """Keep a path within bounds by leaving out the moves that would cross them; one bound a minute can be met."""
    if low <= path.min() and path.max() <= high:
        return path
    path = path - np.maximum(np.maximum.accumulate(path - high), 0)
    kept: Integers = path + np.maximum(np.maximum.accumulate(low - path), 0)
    return kept


def _level_sizes(truth: MarketTruth, random: np.random.Generator) -> Integers:
    """Sizes [lots] of bids and asks, shape (PROFILES, 2, LEVELS); deeper levels are larger."""
    growth = 1 + 0.15 * np.arange(LEVELS)
    noise = random.lognormal(-0.125, 0.5, (PROFILES, 2, LEVELS))
    return _lots(truth, truth.level_size * growth * noise)


def _lots(truth: MarketTruth, size: NDArray[np.float64]) -> Integers:
    lots: Integers = np.maximum(np.rint(size * 10**truth.size_decimals), 1).astype(np.int64)
    return lots
