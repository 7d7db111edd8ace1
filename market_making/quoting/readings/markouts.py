"""What the market does after our own fills, and how much further away to quote for it.

A fill is judged once, some seconds later: the move of mid against us, in units of what mid usually moves in that time.
The running mean of that number on a side (0: harmless, 1: always wrong) becomes a factor on its distance from mid. A
side that is withheld has no fills that could change it, so with time it returns to where it started. States are
immutable and consist of numbers only.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from market_making.market.sides import Side, Sides
from market_making.market.sums import in_sequence

_START = 0.3
_WEIGHT = 0.1
_HALF_LIFE_MS = 600_000
_LEAST_FILLS = 10
_STEPS = ((0.8, inf), (0.6, 1.5), (0.4, 1.25), (0.2, 1.0))
_HARMLESS = 0.9
_MOST_ON_REDUCING = 1.5


class OwnFill(NamedTuple):
    """A fill of our quote: when, on which side of our quote, at which price [price], how many lots; mid then."""

    time_ms: int
    side: Side
    price: float
    size: float
    mid: float


class MarkoutScore(NamedTuple):
    """Running mean of the share of adverse moves, from 0 to 1, and how many fills have been judged."""

    score: float = _START
    fills: int = 0

    def relaxed(self, elapsed_ms: int) -> "MarkoutScore":
        """After so long without a judged fill: nearer to the start."""
        if self.score == _START:
            return self
        left = 0.5 ** (max(elapsed_ms, 0) / _HALF_LIFE_MS)
        return MarkoutScore(_START + left * (self.score - _START), self.fills)

    def after(self, adverse_move: float, scale: float) -> "MarkoutScore":
        """With one more fill; both in price."""
        share = min(1.0, max(0.0, adverse_move / scale)) if scale > 0 else float(adverse_move > 0)
        return MarkoutScore(self.score + _WEIGHT * (share - self.score), self.fills + 1)

    @property
    def factor(self) -> float:
        """Factor on the distance from mid; infinity withholds the side. One until ten fills have been judged."""
        if self.fills <= _LEAST_FILLS:
            return 1.0
        return next((factor for threshold, factor in _STEPS if self.score >= threshold), _HARMLESS)


class Markouts(NamedTuple):
    """Scores of both sides at a time [ms] and the fills that are too fresh to be judged, oldest first."""

    scores: Sides[MarkoutScore] = Sides(MarkoutScore(), MarkoutScore())
    pending: tuple[OwnFill, ...] = ()
    time_ms: int = 0

    def filled(self, fill: OwnFill) -> "Markouts":
        """With a fill to be judged later."""
        return self._replace(pending=(*self.pending, fill))

    def seen(self, time_ms: int, mid: float, *, horizon_ms: int, scale: float) -> "Markouts":
        """After an update of mid: every fill older than the horizon is judged by this mid; `scale` in price."""
        bid, ask = self.scores
        scores, elapsed_ms = self.scores, time_ms - self.time_ms
        if not bid.score == ask.score == _START:
            scores = Sides(bid.relaxed(elapsed_ms), ask.relaxed(elapsed_ms))
        if not self.pending:
            return Markouts(scores, (), time_ms)
        due = [fill for fill in self.pending if time_ms - fill.time_ms >= horizon_ms]
        for fill in due:
            score = scores.of(fill.side).after(adverse_move(fill, mid), scale)
            scores = scores._replace(**{str(fill.side): score})
        return Markouts(scores, self.pending[len(due) :], time_ms)

    @property
    def factors(self) -> Sides[float]:
        """Factors on the distances from mid, for `observations.Observations.markout_factors`."""
        bid, ask = self.scores
        return Sides(bid.factor, ask.factor)


def factor_of(factors: Sides[float], side: Side, inventory: float) -> float:
    """Factor on the distance of one side; what reduces the inventory [lots] is never withheld for its markouts."""
    reduces = inventory < 0 if side is Side.BID else inventory > 0
    return min(factors.of(side), _MOST_ON_REDUCING) if reduces else factors.of(side)


def adverse_move(fill: OwnFill, mid: float) -> float:
    """How far mid has moved against the position that this fill opened [price]."""
    return fill.mid - mid if fill.side is Side.BID else mid - fill.mid


def is_losing(fill: OwnFill, mid: float, maker_fee: float) -> bool:
    """Whether the fill, fee included, is worth less at this mid than it cost; `maker_fee` is a share of the value."""
    gain = mid - fill.price if fill.side is Side.BID else fill.price - mid
    return gain < maker_fee * fill.price


def recent_capture_bps(
    fills: Sequence[OwnFill], now_ms: int, mid: float, *, window_ms: int = 300_000, least: int = 3
) -> float | None:
    """Mean price of the recent sells less that of the recent buys, weighted by size [bps of mid].

    None with fewer than `least` fills on a side within the window.
    """
    if len(fills) < 2 * least:
        return None
    recent = [fill for fill in fills if now_ms - fill.time_ms <= window_ms]
    bought = [fill for fill in recent if fill.side is Side.BID]
    sold = [fill for fill in recent if fill.side is Side.ASK]
    if min(len(bought), len(sold)) < least:
        return None
    return 1e4 * (_mean_price(sold) - _mean_price(bought)) / mid


def _mean_price(fills: list[OwnFill]) -> float:
    value, size = in_sequence(fill.price * fill.size for fill in fills), in_sequence(fill.size for fill in fills)
    return value / size
