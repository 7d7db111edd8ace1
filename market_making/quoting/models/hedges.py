"""Two ways to hedge a ladder: actively back into its band, or passively with stops outside its range.

Stock I at price S and money Q are worth T = I·S + Q, and trading a hedge at S leaves T unchanged. The active hedge
sells y = I − ρ*·T/S, with ρ* the share of stock at the edge of the band, and is undone when the ladder has come back by
itself. The passive hedge rests a stop on either side beyond the ladder's range.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Direction, Directions
from market_making.quoting.models.ladders import deviation
from market_making.quoting.readings.observations import Balances

_BEYOND = 1.1


@dataclass(frozen=True)
class ActiveHedge:
    """Deviations at which to hedge, to come back to, and to undo the hedge; the least size worth trading [lots].

    Raises
    ------
    ConfigurationError
        Unless 0 ≤ target ≤ trigger and 0 ≤ release < trigger.
    """

    trigger: float = 0.65
    target: float = 0.3
    release: float = 0.325
    smallest_size: float = 0.1
    both_sides: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.target <= self.trigger and 0 <= self.release < self.trigger):
            raise ConfigurationError(
                "a hedge must have 0 <= target <= trigger and 0 <= release < trigger, "
                f"got trigger {self.trigger}, target {self.target}, release {self.release}"
            )

    @classmethod
    def beyond(cls, trigger: float) -> Self:
        """A hedge that is released at half its trigger, and comes back that far or into the band of a ladder."""
        return cls(trigger, min(cls.target, trigger / 2), trigger / 2)

    def trade(self, balances: Balances, mid: float, reference: float, hedge: float) -> float:
        """What to trade now to hedge, signed [lots]; `hedge` is what earlier trades have put on."""
        if hedge != 0 and abs(deviation(balances, mid, reference)) < self.release:
            return -hedge
        breach = deviation(_with_hedge(balances, hedge, mid), mid, reference)
        if not (breach > self.trigger or (self.both_sides and breach < -self.trigger)):
            return 0.0
        share = reference * (1 + (self.target if breach > 0 else -self.target))
        total = balances.stock + balances.money / mid
        change = share * total - balances.stock - hedge
        return change if abs(change) >= self.smallest_size else 0.0

    def reduction(self, balances: Balances, mid: float, reference: float, *, hedging: bool) -> float:
        """What the ladder itself must trade to come back to the target, signed [lots]; 0 where nothing has to be done.

        Parameters
        ----------
        balances : Balances
            What the ladder owns.
        mid : float
            [price].
        reference : float
            The share of stock to return to.
        hedging : bool
            Whether it was on its way back: it then goes on until the deviation is under `release`.
        """
        breach = deviation(balances, mid, reference)
        if not self.both_sides and breach < 0:
            return 0.0
        if abs(breach) <= (self.release if hedging else self.trigger):
            return 0.0
        share = reference * (1 + (self.target if breach > 0 else -self.target))
        change = share * (balances.stock + balances.money / mid) - balances.stock
        return change if abs(change) >= self.smallest_size else 0.0


def _with_hedge(balances: Balances, hedge: float, mid: float) -> Balances:
    return Balances(balances.stock + hedge, balances.money - hedge * mid)


class Phase(StrEnum):
    """Of a passive hedge."""

    IDLE = "idle"
    LONG = "long"
    SHORT = "short"


class Stop(NamedTuple):
    """A stop order: direction, trigger price [price], size [lots]."""

    direction: Direction
    price: float
    size: float


class PassiveState(NamedTuple):
    """Whether a stop has been filled, at which price and in which size."""

    phase: Phase = Phase.IDLE
    entry: float = 0.0
    size: float = 0.0


@dataclass(frozen=True)
class PassiveHedge:
    """Stops at `distance` from mid for `share` of the stock, left again at `stop_loss` from the entry.

    `quiet` is the deviation up to which stops rest; `distance` should exceed the ladder's range.
    """

    distance: float = 0.0225
    share: float = 0.5
    stop_loss: float = 0.005
    quiet: float = 0.2

    def wanted(self, state: PassiveState, balances: Balances, mid: float, reference: float) -> Directions[Stop | None]:
        """Stops that should rest now: one on each side when idle and quiet, else the one that ends the hedge."""
        if state.phase is Phase.LONG:
            stop = Stop(Direction.SELL, state.entry * (1 - self.stop_loss), state.size)
            return Directions(buy=None, sell=stop)
        if state.phase is Phase.SHORT:
            stop = Stop(Direction.BUY, state.entry * (1 + self.stop_loss), state.size)
            return Directions(buy=stop, sell=None)
        if abs(deviation(balances, mid, reference)) > self.quiet:
            return Directions(buy=None, sell=None)
        size = self.share * balances.stock
        return Directions(
            buy=Stop(Direction.BUY, mid * (1 + self.distance), size),
            sell=Stop(Direction.SELL, mid * (1 - self.distance), size),
        )

    def after_fill(self, state: PassiveState, direction: Direction, price: float, size: float) -> PassiveState:
        """The state after a confirmed fill of a stop: idle → hedged, hedged → idle."""
        if state.phase is not Phase.IDLE:
            left = state.size - size
            return PassiveState() if left <= 0 else state._replace(size=left)
        return PassiveState(Phase.LONG if direction is Direction.BUY else Phase.SHORT, price, size)


def crash_price(entry: float, share: float, reach: float, *, is_short: bool) -> float:
    """Where a position is left because the price has run away [price].

    The stop of a passive hedge for a bot with one position and no second venue. It lies beyond the ladder, or the
    ladder's own last level would set it off.

    Parameters
    ----------
    entry : float
        Mean opening price [price].
    share : float
        Distance of the stop, as a share of that.
    reach : float
        Of the ladder, as a share.
    is_short : bool
        Of the position.
    """
    distance = max(share, _BEYOND * reach)
    return entry * (1 + distance if is_short else 1 - distance)


def is_moved(resting: Stop | None, wanted: Stop | None, *, tolerance: float) -> bool:
    """Whether a stop must be placed, cancelled or moved; `tolerance` in price."""
    if resting is None or wanted is None:
        return resting is not wanted
    return abs(resting.price - wanted.price) > tolerance or resting.size != wanted.size
