"""What a calibration needs of a window, and nothing more: market orders, best quotes on two grids, gaps.

A batch makes it from a `Tape` in one go; the service keeps it up to date piece by piece. Both meet here, so that both
give the same numbers.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from calibration.estimators.best_quotes import BestQuotes
from calibration.estimators.coverage import exposure_s, merge, unobserved
from calibration.estimators.market_orders import MarketOrders, market_orders
from calibration.estimators.seconds import SECOND_MS, Seconds, seconds
from market_making.market.errors import DataError
from market_making.market.tape import IntArray, QuoteTape, Tape
from market_making.recording.store.recorded_tape import SILENCE_MS


@dataclass(frozen=True, slots=True)
class ObservedWindow:
    """Everything the estimators use of one coin in (`start_ms`, `end_ms`].

    `gaps` has shape (m, 2): the unobserved intervals [ms], ascending, disjoint, inside the window.
    """

    orders: MarketOrders
    seconds: Seconds
    best: BestQuotes
    gaps: IntArray
    start_ms: int
    end_ms: int

    @property
    def exposure_s(self) -> float:
        """Observed time [s]."""
        return exposure_s(self.gaps, self.start_ms, self.end_ms)

    @property
    def mid(self) -> float:
        """The last known mid [price]; NaN if none is."""
        known = self.seconds.mid[~np.isnan(self.seconds.mid)]
        return float(known[-1]) if len(known) else float("nan")

    def between(self, start_ms: int, end_ms: int) -> Self:
        """Return the part of a shorter window, with all that is known of it now."""
        return type(self)(
            self.orders.between(start_ms, end_ms),
            self.seconds.between(-(-start_ms // SECOND_MS), end_ms // SECOND_MS),
            self.best.between(start_ms, end_ms),
            merge(self.gaps, start_ms, end_ms),
            start_ms,
            end_ms,
        )

    def as_known_at(self, start_ms: int, end_ms: int) -> Self:
        """Return the part of a shorter window as it was known at its end: nothing looks ahead.

        A silence becomes a gap only when it has lasted: one that began just before the end is not known as such yet.
        """
        part = self.between(start_ms, end_ms)
        gaps = part.gaps
        if len(gaps) and gaps[-1, 1] == end_ms and gaps[-1, 1] - gaps[-1, 0] <= SILENCE_MS:
            gaps = gaps[:-1]
        return replace(part, orders=part.orders.known_at(end_ms), gaps=gaps)

    def followed_by(self, later: Self) -> Self:
        """Return these observations and later ones that start where these end."""
        if later.start_ms != self.end_ms or later.start_ms % SECOND_MS:
            raise DataError(f"observations from {later.start_ms} do not follow those to the whole second {self.end_ms}")
        gaps = merge(np.vstack([self.gaps, later.gaps]), self.start_ms, later.end_ms)
        orders, grid = self.orders.followed_by(later.orders), self.seconds.followed_by(later.seconds)
        return type(self)(orders, grid, self.best.followed_by(later.best), gaps, self.start_ms, later.end_ms)


def observe(tape: Tape, tick: float) -> ObservedWindow:
    """Reduce a tape to what the estimators need."""
    quotes = usable_quotes(tape.quotes)
    tape = tape._replace(quotes=quotes)
    gaps = unobserved(tape)
    orders = market_orders(quotes, tape.trades, tick, gaps, tape.end_ms)
    grid = seconds(quotes, gaps, tape.start_ms, tape.end_ms)
    best = BestQuotes.of(quotes).every_step().between(tape.start_ms, tape.end_ms)
    return ObservedWindow(orders.between(tape.start_ms, tape.end_ms), grid, best, gaps, tape.start_ms, tape.end_ms)


def usable_quotes(quotes: QuoteTape) -> QuoteTape:
    """Quotes with two sides that do not cross."""
    usable = (quotes.bid_price > 0) & (quotes.ask_price > quotes.bid_price) & np.isfinite(quotes.ask_price)
    if usable.all():
        return quotes
    bid_price, bid_size, ask_price, ask_size = (column[usable] for column in quotes[1:])
    return QuoteTape(quotes.time_ms[usable], bid_price, bid_size, ask_price, ask_size)
