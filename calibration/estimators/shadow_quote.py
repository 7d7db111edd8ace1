"""One side of a bot's quotes as time goes on, a quarter of a second at a time: where its order stands, what fills it.

A model quote follows mid at once. A bot looks at the market once in a while, or when an order has become too close; its
actions take time to arrive, and until then the old price stands and is met by those who have seen mid move. An order
that is too close goes at once, one that is too far when it has rested for a while. After a fill it takes a moment until
the next order rests, at a price from before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from calibration.estimators.seconds import QUARTER_MS, SECOND_MS

_NOTHING = float("inf")  # the price of no order
_HALF_MS = QUARTER_MS / 2


class Timing(NamedTuple):
    """How long a bot takes [ms].

    Attributes
    ----------
    loop_ms : float
        From one look at the market to the next; 0 where an order that has become too close wakes the bot, which looks
        for those that are too far every second.
    cancel_ms, place_ms : float
        From the look until the old order is gone, and until the next one rests.
    pause_ms : float
        From a fill until the next order rests.
    aim_ms : float
        From the book that its price was made from until an order rests.
    known_ms : float
        From when an order rests until the bot knows it: before that the bot can neither cancel nor move it.
    """

    loop_ms: float
    cancel_ms: float
    place_ms: float
    pause_ms: float
    aim_ms: float
    known_ms: float


@dataclass(frozen=True, slots=True)
class QuoteRules:
    """When a bot moves its order.

    Parameters
    ----------
    tolerance : float
        A resting order is moved when its price is off by more [price].
    minimum_life_s : float
        One that is too far from mid is not moved before it is this old [s]; one that is too close goes at once.
    timing : Timing
        How long that takes.
    both_sides : bool
        Whether orders of both sides rest at once, as those of two legs do; else one follows the other.
    """

    tolerance: float
    minimum_life_s: float
    timing: Timing
    both_sides: bool = False

    @property
    def wakes(self) -> bool:
        """Whether the bot notices at once that an order has become too close."""
        return self.timing.loop_ms == 0


class Filled(NamedTuple):
    """A fill at a price: by which order, or, where the market's touch came to it, None in which quarter of a second."""

    order: int | None
    quarter: int
    price: float


class Quarters(NamedTuple):
    """What a quote meets, per quarter of a second; prices are turned so that larger is further from mid on both sides.

    Attributes
    ----------
    touch : Sequence[float]
        The best price of the other side when it was closest; infinite while mid is not known.
    wanted : Sequence[float]
        Where the order should be at the end; not a number while mid is not known.
    closest : Sequence[float]
        Where it should have been when mid was closest to it.
    reached : Sequence[float]
        The farthest price of the market orders after the end and before the next one.
    fills, alarms : Sequence[float]
        What fills an order or wakes the bot if it reaches its price: the larger of `touch` and `reached`, and with them
        `closest` less the tolerance.
    first : Sequence[int]
        Number of the first market order after the end, and at the end that of all.
    """

    touch: Sequence[float]
    wanted: Sequence[float]
    closest: Sequence[float]
    reached: Sequence[float]
    fills: Sequence[float]
    alarms: Sequence[float]
    first: Sequence[int]


class ShadowQuote:
    """An order as it is moved and filled.

    A bot looks at what it knows as soon as it knows its order, and every loop from then on. What happens within a
    quarter of a second is taken to happen in its middle.

    Parameters
    ----------
    rules : QuoteRules
        When the bot moves it.
    start_ms : int
        End of the first quarter.

    Attributes
    ----------
    filled : list of Filled
        What has filled it so far.
    """

    __slots__ = ("_aim_ms", "_cancel_ms", "_ceiling", "_due", "_floor", "_front", "_gone_ms", "_known_ms", "_life_ms",
                 "_looked_ms", "_old", "_pause_ms", "_period", "_place_ms", "_placed_ms", "_price", "_start_ms",
                 "_tolerance", "_wakes", "filled")  # fmt: skip

    def __init__(self, rules: QuoteRules, start_ms: int) -> None:
        self._tolerance, self._life_ms, self._wakes = rules.tolerance, rules.minimum_life_s * 1e3, rules.wakes
        loop_ms, self._cancel_ms, self._place_ms, self._pause_ms, self._aim_ms, self._known_ms = rules.timing
        self._period = (loop_ms or SECOND_MS) / QUARTER_MS
        # What is due no more than half a quarter after the end of one is done then.
        self._start_ms, self._looked_ms = start_ms, start_ms + _HALF_MS
        self._price = self._old = self._front = self._floor = self._ceiling = _NOTHING
        self._placed_ms = self._gone_ms = float(start_ms)
        self._due = 0.0
        self.filled: list[Filled] = []

    def follow(self, path: Quarters, when: Sequence[int], far: Sequence[float]) -> None:
        """Go through quarters of a second and the market orders in them.

        Parameters
        ----------
        path : Quarters
            What it meets.
        when : Sequence[int]
            Times of the market orders [ms].
        far : Sequence[float]
            The farthest price of each.
        """
        touch, _, closest, reached, fills, alarms, first = path
        # Nearly always nothing comes near the order, and the bot looks and keeps it: two comparisons must do.
        front, due, floor, ceiling, near = _NOTHING, self._due, _NOTHING, _NOTHING, fills
        for at, wanted in enumerate(path.wanted):
            if near[at] < front:
                if at < due:
                    continue
                if floor <= wanted <= ceiling:
                    due += self._period
                    continue
            self._due = due
            self._end_quarter(at, touch[at], wanted, closest[at])
            if reached[at] >= self._front:
                self._meet_orders(at, when, far, range(first[at], first[at + 1]))
            front, due, floor, ceiling = self._front, self._due, self._floor, self._ceiling
            near = alarms if self._wakes and floor < _NOTHING else fills

    def _end_quarter(self, at: int, touch: float, wanted: float, closest: float) -> None:
        """Let the market come to the order, or the bot look."""
        now_ms = self._start_ms + QUARTER_MS * at
        if wanted != wanted:  # noqa: PLR0124 - not a number
            self._rest(now_ms)
            return
        if now_ms >= self._gone_ms and self._old != _NOTHING:
            self._old, self._front = _NOTHING, self._price
        if touch >= self._front:
            self._meet_touch(at, touch, now_ms)
        if self._price != _NOTHING:
            self._look(at, wanted, closest, now_ms)
        if self._price == _NOTHING and self._placed_ms - self._aim_ms <= now_ms + _HALF_MS:
            self._aim(wanted, now_ms)

    def _meet_orders(self, at: int, when: Sequence[int], far: Sequence[float], orders: range) -> None:
        """Let market orders come before the next quarter ends."""
        for order in orders:
            standing = self._standing(when[order])
            if far[order] >= standing:
                self.filled.append(Filled(order, at, standing))
                self._rest(when[order] + self._pause_ms)

    def _meet_touch(self, at: int, touch: float, now_ms: float) -> None:
        """Fill the order if the touch has come to it, or refuse it if it is new."""
        standing = self._standing(now_ms)
        if touch >= standing:
            if self._price != standing or self._placed_ms <= now_ms - QUARTER_MS:
                self.filled.append(Filled(None, at, standing))
            self._rest(now_ms + self._pause_ms)

    def _aim(self, wanted: float, now_ms: float) -> None:
        """Give the next order its price."""
        self._price, self._front = wanted, self._old if self._old < wanted else wanted
        self._floor, self._ceiling = wanted - self._tolerance, wanted + self._tolerance
        self._placed_ms = max(self._placed_ms, now_ms - _HALF_MS)
        age_ms = self._known_ms
        while self._wakes and age_ms < self._life_ms:
            age_ms += SECOND_MS  # a woken bot need not look for what is too close, and what is too far is young
        self._due = (self._placed_ms + age_ms - self._looked_ms) / QUARTER_MS

    def _look(self, at: int, wanted: float, closest: float, now_ms: float) -> None:
        """Move an order that is too close, or, when the bot looks, one that is too far and not young."""
        known_ms = self._placed_ms + self._known_ms
        # Nobody is woken by what came before the bot knew its order.
        was_known = known_ms <= now_ms - QUARTER_MS
        if self._wakes and known_ms <= now_ms and (closest if was_known else wanted) > self._ceiling:
            self._move(now_ms - _HALF_MS if was_known else known_ms)
        elif self._due <= at:
            looked_ms = self._looked_ms + QUARTER_MS * self._due
            is_young = looked_ms - self._placed_ms < self._life_ms
            if (wanted > self._ceiling and not self._wakes) or (wanted < self._floor and not is_young):
                self._move(looked_ms)
            else:
                self._due += self._period

    def _move(self, looked_ms: float) -> None:
        """Cancel the order, and place the next one."""
        price = self._price
        self._rest(looked_ms + self._place_ms)
        self._old = self._front = price
        self._gone_ms = looked_ms + self._cancel_ms

    def _rest(self, placed_ms: float) -> None:
        """Let nothing stand until then."""
        self._price = self._old = self._front = self._floor = self._ceiling = _NOTHING
        self._placed_ms = placed_ms
        self._due = (placed_ms - self._aim_ms - self._looked_ms) / QUARTER_MS

    def _standing(self, time_ms: float) -> float:
        if time_ms >= self._placed_ms:
            return self._price
        return self._old if time_ms < self._gone_ms else _NOTHING
