"""One side of a bot's quotes as time goes on, a second at a time: where its order stands, and what fills it.

A model quote follows mid at once. A bot looks at the market once in a while, or when an order has become too close; its
actions take time to arrive, and until then the old price stands and is met by those who have seen mid move. An order
that is too close goes at once, one that is too far when it has rested for a while. After a fill it takes a moment until
the next order rests, at a price from before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from calibration.estimators.seconds import SECOND_MS

_NOTHING = float("inf")  # the price of no order


class Timing(NamedTuple):
    """How long a bot takes [ms].

    Attributes
    ----------
    loop_ms : float
        From one look at the market to the next; 0 where an order that has become too close wakes the bot.
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
        """Whether the bot notices what happens within a second."""
        return self.timing.loop_ms < SECOND_MS


class Filled(NamedTuple):
    """A fill at a price: by which order, or, where the market's touch came to it, None at the end of which second."""

    order: int | None
    second: int
    price: float


class ShadowQuote:
    """An order as it is moved and filled; prices are turned so that larger is further from mid on both sides.

    Parameters
    ----------
    rules : QuoteRules
        When the bot moves it.
    start_ms : int
        End of the first second.

    Attributes
    ----------
    price, old : float
        Of the order and of the one before, which stands until its cancel has arrived; infinite where there is none.
    filled : list of Filled
        What has filled it so far.
    """

    __slots__ = ("_aim_ms", "_cancel_ms", "_gone_ms", "_known_ms", "_life_ms", "_look_ms", "_loop_ms", "_now_ms",
                 "_pause_ms", "_place_ms", "_placed_ms", "_ready_ms", "_start_ms", "_tolerance", "_woken_ms", "filled",
                 "old", "price")  # fmt: skip

    def __init__(self, rules: QuoteRules, start_ms: int) -> None:
        self._tolerance, self._life_ms = rules.tolerance, rules.minimum_life_s * 1e3
        self._loop_ms, self._cancel_ms, self._place_ms, self._pause_ms, aim_ms, self._known_ms = rules.timing
        # The price after a fill is from the second nearest to the book that the bot looks at.
        self._aim_ms = aim_ms + SECOND_MS / 2
        # A move comes half a second before the end of its second; a bot that looks more often is as much earlier.
        self._woken_ms = max(SECOND_MS - self._loop_ms, 0.0) / 2
        self.price = self.old = _NOTHING
        self._placed_ms = self._gone_ms = self._ready_ms = self._look_ms = float(start_ms)
        self._start_ms, self._now_ms = start_ms, start_ms - SECOND_MS
        self.filled: list[Filled] = []

    def end_second(self, touch: float, wanted: float, closest: float) -> None:
        """A second ends: the market may have come to the order, and the bot may look.

        Parameters
        ----------
        touch : float
            The best price of the other side.
        wanted : float
            Where the order should be; not a number while mid is not known: the order is taken away.
        closest : float
            Where it should have been when mid was closest to it.
        """
        self._now_ms = now_ms = self._now_ms + SECOND_MS
        price = self.price
        if touch >= price or touch >= self.old:
            self._meet_touch(touch)
            price = self.price
        if price == _NOTHING or wanted != wanted:  # noqa: PLR0124 - not a number
            self._place(wanted)
        elif now_ms >= self._placed_ms and now_ms >= self._look_ms:
            if self._loop_ms:
                self._look_ms = max(self._look_ms + self._loop_ms, now_ms - SECOND_MS)
            if closest - price > self._tolerance or price - wanted > self._tolerance:
                self._move(wanted, closest)

    def meet_orders(self, when: Sequence[int], far: Sequence[float], first: int, end: int) -> None:
        """Market orders come before the next second ends, those from `first` to before `end` of all.

        Parameters
        ----------
        when : Sequence[int]
            Their times [ms].
        far : Sequence[float]
            The farthest price of each.
        first, end : int
            Which of them.
        """
        for at in range(first, end):
            standing = self._standing(when[at])
            if far[at] >= standing:
                self.filled.append(Filled(at, self._second, standing))
                self._end(when[at])

    def _meet_touch(self, touch: float) -> None:
        """Fill the order if the touch has come to it, or refuse it if it is new."""
        standing = self._standing(self._now_ms)
        if touch >= standing:
            if self.price != standing or self._placed_ms <= self._now_ms - SECOND_MS:
                self.filled.append(Filled(None, self._second, standing))
            self._end(self._now_ms)

    def _place(self, wanted: float) -> None:
        """Place an order where there is none and mid is known; else take it away."""
        if wanted != wanted:  # noqa: PLR0124 - not a number
            self.price = self.old = _NOTHING
        elif self._ready_ms <= self._now_ms + self._aim_ms:
            self.price, self._placed_ms = wanted, max(self._ready_ms, self._now_ms)

    def _move(self, wanted: float, closest: float) -> None:
        """Move an order that is off, unless it is only too far and young."""
        now_ms, placed_ms = self._now_ms, self._placed_ms
        if closest - self.price <= self._tolerance and now_ms - placed_ms < self._life_ms:
            return
        # The bot may have looked before the second ended, but not before it knew the order.
        looked_ms, known_ms = now_ms - self._woken_ms, placed_ms + self._known_ms
        looked_ms = known_ms if looked_ms < known_ms else looked_ms
        gone_ms, rests_ms = looked_ms + self._cancel_ms, looked_ms + self._place_ms
        self.old, self._gone_ms = self.price, gone_ms if gone_ms > now_ms else now_ms
        self.price, self._placed_ms = wanted, rests_ms if rests_ms > now_ms else now_ms

    def _standing(self, time_ms: float) -> float:
        if time_ms >= self._placed_ms:
            return self.price
        return self.old if time_ms < self._gone_ms else _NOTHING

    def _end(self, time_ms: float) -> None:
        self.price = self.old = _NOTHING
        self._ready_ms = time_ms + self._pause_ms

    @property
    def _second(self) -> int:
        """Number of the second that ended last."""
        return (self._now_ms - self._start_ms) // SECOND_MS
