"""Which side each of two legs quotes: one table that both legs reckon from what they tell each other.

A leg rests one order. Two real sides therefore need the bid on one leg and the ask on the other, and each leg must come
to the same answer by itself.

| long leg | short leg | bid | ask |
|---|---|---|---|
| flat | flat | long opens | short opens |
| holds | flat | long adds | short opens |
| flat | holds | long opens | short adds |
| holds | holds | short leaves | long leaves |

Where the rules of a leg, the model or the bound keep an order from one of these places, one leg quotes alone, and
rather the one that reduces a position.
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
    """One leg, as the table needs it.

    What it holds [coins, signed; 0 where it is too little to trade], the side with which it opens, and the sides its
    rules let it quote.
    """

    coins: float
    opens: Side
    sides: tuple[Side, ...] = _BOTH_SIDES

    @property
    def leaves(self) -> Side | None:
        """The side that reduces what it holds; None where it holds nothing."""
        return None if self.coins == 0 else Side.ASK if self.coins > 0 else Side.BID

    @property
    def places(self) -> tuple[Side | None, ...]:
        """Where it may quote, or not at all."""
        return (*(side for side in self.sides if self.leaves is not None or side is self.opens), None)


def shared_sides(long: LegRoom, short: LegRoom) -> tuple[Side | None, Side | None]:
    """Side of the long and of the short leg; None where a leg must not quote."""
    return max(_possible(long, short), key=lambda pair: _merit(pair, long, short))


def _possible(long: LegRoom, short: LegRoom) -> Iterator[tuple[Side | None, Side | None]]:
    """Never both on one side; and where both hold something, never both adding: the gross position would grow."""
    for one in long.places:
        for other in short.places:
            adds = None not in (one, other, long.leaves, short.leaves) and one is not long.leaves
            if (one is None or one is not other) and not (adds and other is not short.leaves):
                yield one, other


def _merit(pair: tuple[Side | None, Side | None], long: LegRoom, short: LegRoom) -> tuple[int, int, float, bool]:
    """More sides first, then more that reduce, then the larger position; the rest only makes the choice definite."""
    one, other = pair
    reducing = [
        abs(leg.coins) for side, leg in ((one, long), (other, short)) if side is not None and side is leg.leaves
    ]
    return sum(side is not None for side in pair), len(reducing), sum(reducing), one is not None
