"""The parts of a quote's distance from mid: what each reason to stand further away, or nearer, adds."""

from operator import add
from typing import NamedTuple

from market_making.market.sums import in_sequence

NAMES = {
    "room": ("room 1/κ", "what a maker without costs keeps"),
    "adverse_selection": ("adverse selection", "mid moves against a filled quote"),
    "fee": ("maker fee", "of a fill"),
    "inventory": ("inventory", "what is held, or will be after the fill"),
    "volatility": ("volatility", "mid moves while a position is held"),
    "trend": ("trend", "mid drifts"),
    "level": ("level", "of the ladder, the tier or the fixed spread"),
    "fair_value": ("fair value", "it is not mid"),
    "floor": ("model's own bound", "its least or greatest depth"),
    "regime": ("regime", "the flow is toxic"),
    "risk": ("risk rules", "after losses"),
    "user_factor": ("depth factor", "your own"),
    "bounds": ("half-spread bounds", "your least and greatest"),
    "imbalance": ("imbalance", "mid follows the larger of the best sizes"),
    "touch": ("to the touch", "a position is left"),
    "tick": ("rounding", "to a valid price"),
    "fresh": ("book moved", "while the order was placed"),
}
"""What people read of each term: a short name, and why it is there."""

# Terms that are asked of every model alike come last: see `market_making.quoting.pricing`.
_AFTER_THE_MODEL = 6
_ROUNDING = 1e-10  # of the largest term: a price and mid are large against their difference


class Terms(NamedTuple):
    """Parts of a depth [price]; they sum to it. A part that brings the quote nearer to mid is negative.

    Attributes
    ----------
    room : float
        What a maker without costs keeps: 1/κ, the mean depth that market orders walk.
    adverse_selection : float
        For the mean move of mid against a filled quote, or after own fills.
    fee : float
        For the maker fee.
    inventory : float
        For what is held.
    volatility : float
        For the moves of mid while a position is held.
    trend : float
        For a trend of mid.
    level : float
        Where a ladder, a tier or a fixed spread places the quote.
    fair_value : float
        For a fair value that is not mid: microprice, imbalance of the book, funding.
    floor : float
        What lifts the quote to the model's own least depth (negative: what cuts it to its greatest).
    regime : float
        What a toxic flow adds.
    risk : float
        What the risk rules add after losses, or the model for them.
    user_factor : float
        What the user's depth factor adds.
    bounds : float
        What the user's least and greatest half-spread change.
    imbalance : float
        What anchors the quote where the best sizes say that mid goes, and not at mid.
    touch : float
        What moves the quote to the touch, where a position must be left.
    tick : float
        What rounding to a valid price adds.
    fresh : float
        How far the touch has moved away from the mid of the plan until the order was placed.
    """

    room: float = 0.0
    adverse_selection: float = 0.0
    fee: float = 0.0
    inventory: float = 0.0
    volatility: float = 0.0
    trend: float = 0.0
    level: float = 0.0
    fair_value: float = 0.0
    floor: float = 0.0
    regime: float = 0.0
    risk: float = 0.0
    user_factor: float = 0.0
    bounds: float = 0.0
    imbalance: float = 0.0
    touch: float = 0.0
    tick: float = 0.0
    fresh: float = 0.0

    @property
    def depth(self) -> float:
        """Distance from mid [price]: the sum of all terms."""
        return in_sequence(self)

    @property
    def above_mid(self) -> float:
        """How far its anchor is from mid, on its side [price]."""
        return self.fair_value + self.imbalance

    @property
    def model_depth(self) -> float:
        """Distance the model wants, with what regime and risk add: the sum of these terms [price]."""
        return in_sequence(self[:-_AFTER_THE_MODEL])

    def changed_by(self, *steps: float) -> "Terms":
        """The same with what each step adds to its term, from `regime` to `tick`, the last of them [price]."""
        first = _AFTER_TICK - len(steps)
        return Terms._make(self[:first] + tuple(map(add, self[first:_AFTER_TICK], steps)) + self[_AFTER_TICK:])

    def at_least(self, depth: float) -> "Terms":
        """The same lifted by the floor to this depth [price], if it is nearer."""
        missing = depth - self.depth
        return self._replace(floor=self.floor + missing) if missing > 0 else self

    def as_dict(self) -> dict[str, float]:
        """The terms that are not zero, but for rounding, by name [price]."""
        least = _ROUNDING * max(map(abs, self))
        return {name: value for name, value in self._asdict().items() if abs(value) > least}


_AFTER_TICK = Terms._fields.index("tick") + 1
