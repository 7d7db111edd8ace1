"""Two legs of a setting, as `market_making.trading.legs` has them: what they tell each other, and whose side it is."""

from typing import Any

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import ALONE, ASK, BID, LONG, NONE, REASON, WHY

QUOTES, TURNS = -3, -4  # in place of a side: why a leg does not quote
_OTHER_QUOTES, _OTHER_TURNS = REASON[Reason.OTHER_LEG_QUOTES], REASON[Reason.OTHER_LEG_TURNS]
_NOTHING = -1.0, -1.0, -1.0, -1.0, -1.0, -1.0
Room = tuple[
    float, bool, bool, int
]  # what a leg holds [coins], whether it may quote bid and ask, where its order rests


@compiled
def hear(x: Any, other: Any) -> None:
    """Take in what the other leg has told last."""
    x.heard, x.other_coins, x.other_order = other.told, other.told_coins, other.told_order
    x.other_bid, x.other_ask = other.told_bid, other.told_ask


@compiled
def tell(x: Any, coins: float, bid: bool, ask: bool) -> None:
    """Tell what is held and rests [coins], and the sides that may be quoted."""
    x.told, x.told_coins, x.told_bid, x.told_ask = 1, coins, bid, ask
    x.told_order = x.side if x.number >= 0 else NONE


@compiled
def is_silent(c: Any, x: Any) -> bool:
    """Whether the other leg has told nothing yet."""
    return bool(c.leg != ALONE and x.heard == 0)


@compiled
def side_of_leg(c: Any, x: Any, quotes: FloatArray, coins: float) -> int:
    """The side of this leg, which waits until the other one's order is gone from it; or why there is none."""
    order = int(x.side) if x.number >= 0 else NONE
    own = (_tradable(c, x, coins), quotes[BID, WHY] == NONE, quotes[ASK, WHY] == NONE, order)
    other = (_tradable(c, x, x.other_coins), x.other_bid == 1, x.other_ask == 1, int(x.other_order))
    side = _shared(own, other)[0] if c.leg == LONG else _shared(other, own)[1]
    if side == NONE:
        return QUOTES
    if x.other_order == side and order != side and x.leaving == 0:
        return TURNS
    return side


@compiled
def why_of(quotes: FloatArray, side: int) -> int:
    """The reason for which no side was chosen."""
    if side == QUOTES:
        return _OTHER_QUOTES
    if side == TURNS:
        return _OTHER_TURNS
    return int(quotes[-side - 1, WHY])


@compiled
def _tradable(c: Any, x: Any, coins: float) -> float:
    return float(coins) if abs(coins) * x.mid >= c.minimum_notional else 0.0


@compiled
def _leaves(room: Room) -> int:
    """The side that reduces what a leg holds."""
    if room[0] == 0:
        return NONE
    return ASK if room[0] > 0 else BID


@compiled
def _may(room: Room, side: int) -> bool:
    """Whether a leg can quote a side, or none."""
    if side == BID:
        return room[1]
    return room[2] if side == ASK else True


@compiled
def _shared(long: Room, short: Room) -> tuple[int, int]:
    """Side of the long and of the short leg: the first of the best pairs."""
    best, chosen = _NOTHING, (NONE, NONE)
    for first in range(3):
        for second in range(3):
            one, other = (BID, ASK, NONE)[first], (BID, ASK, NONE)[second]
            if _may(long, one) and _may(short, other) and _is_possible(long, short, one, other):
                merit = _merit(long, short, one, other)
                if merit > best:
                    best, chosen = merit, (one, other)
    return chosen


@compiled
def _is_possible(long: Room, short: Room, one: int, other: int) -> bool:
    """Never both on one side; and where the legs hold against each other, never both adding to it."""
    if one != NONE and one == other:
        return False
    long_leaves, short_leaves = _leaves(long), _leaves(short)
    are_all = NONE not in (one, other, long_leaves, short_leaves)
    return not (are_all and one != long_leaves and other != short_leaves)


@compiled
def _merit(long: Room, short: Room, one: int, other: int) -> tuple[float, float, float, float, float, float]:
    """More sides first, then more that reduce, then orders that stay, then the larger position to leave."""
    quoted = reducing = kept = left = 0.0
    if one != NONE:
        quoted, kept = 1.0, _one_if(one == long[3])
        if one == _leaves(long):
            reducing, left = 1.0, abs(long[0])
    if other != NONE:
        quoted, kept = quoted + 1.0, kept + _one_if(other == short[3])
        if other == _leaves(short):
            reducing, left = reducing + 1.0, left + abs(short[0])
    return quoted, reducing, kept, left, _one_if(one == BID), _one_if(other == ASK)


@compiled
def _one_if(is_so: bool) -> float:
    return 1.0 if is_so else 0.0
