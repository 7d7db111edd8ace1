"""Which side each of two legs quotes: one rule that both legs reckon from what they tell each other.

A leg rests one order, and Freqtrade has to close a position before it can open one in the other direction. Two real
sides therefore need the bid on one leg and the ask on the other, and each leg must come to the same answer by itself:

* the leg that holds something leaves it, and the other one takes the opposite side. It thereby holds the same direction
  if it holds anything: the legs never hold against each other, and the gross position is the net one;
* where that leaves a choice, orders that rest stay where they are.

| held | bid | ask |
|---|---|---|
| nothing | where it rests, else the long leg | where it rests, else the short leg |
| bought, by one leg | the other leg adds | that leg leaves |
| bought, by both | one adds | the other leaves |
| sold | the same, with the sides exchanged | |
| one has bought, the other sold | the one that has sold leaves | the one that has bought leaves |

The last row comes about when both orders are filled at once. Where the rules of a leg, the model or the bound keep an
order from one of these places, one leg quotes alone, and rather the one that reduces a position.
"""

from collections.abc import Iterator
from typing import NamedTuple

from market_making.market.sides import Side

_BOTH_SIDES = (Side.BID, Side.ASK)


class OtherLeg(NamedTuple):
    """What the other leg tells beside its position: the side its order rests on, and the sides it may quote."""

    order: Side | None = None
    sides: tuple[Side, ...] = _BOTH_SIDES


class LegRoom(NamedTuple):
    """One leg, as the rule needs it.

    What it holds [coins, signed; 0 where it is too little to trade], the sides its rules let it quote, and the one on
    which its order rests.
    """

    coins: float
    sides: tuple[Side, ...] = _BOTH_SIDES
    order: Side | None = None

    @property
    def leaves(self) -> Side | None:
        """The side that reduces what it holds; None where it holds nothing."""
        return None if self.coins == 0 else Side.ASK if self.coins > 0 else Side.BID


def shared_sides(long: LegRoom, short: LegRoom) -> tuple[Side | None, Side | None]:
    """Side of the long and of the short leg; None where a leg must not quote."""
    return max(_possible(long, short), key=lambda pair: _merit(pair, long, short))


def _possible(long: LegRoom, short: LegRoom) -> Iterator[tuple[Side | None, Side | None]]:
    """Never both on one side; and where the legs hold against each other, never both adding to it."""
    for one in (*long.sides, None):
        for other in (*short.sides, None):
            adds = None not in (one, other, long.leaves, short.leaves) and one is not long.leaves
            if (one is None or one is not other) and not (adds and other is not short.leaves):
                yield one, other


def _merit(
    pair: tuple[Side | None, Side | None], long: LegRoom, short: LegRoom
) -> tuple[int, int, int, float, bool, bool]:
    """More sides first, then more that reduce, then orders that stay, then the larger position to leave.

    The rest only makes the choice definite.
    """
    quoted = [(side, leg) for side, leg in zip(pair, (long, short), strict=True) if side is not None]
    reducing = [abs(leg.coins) for side, leg in quoted if side is leg.leaves]
    kept = sum(side is leg.order for side, leg in quoted)
    return len(quoted), len(reducing), kept, sum(reducing), pair[0] is Side.BID, pair[1] is Side.ASK
