"""One fault: what happens, to whom, and when."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import NamedTuple

from market_making.venue.faults.effects import Effect


class Target(Enum):
    """What a fault strikes; the value is the key that says so in a document."""

    INFO = "info"
    ACTION = "action"
    STREAM = "stream"
    VENUE = "venue"


class Occasion(NamedTuple):
    """A request, or a message of a stream, that a fault may strike; `items` counts the orders of a batch."""

    target: Target
    kind: str
    user: str = ""
    coins: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    oids: frozenset[int] = frozenset()
    items: int = 1


@dataclass(frozen=True)
class Where:
    """What a fault strikes: an empty set stands for any.

    Parameters
    ----------
    target : Target
        Questions, actions, messages of a stream, or the venue itself.
    kinds : frozenset[str]
        Types of ``/info``, of actions, or channels.
    user, coin : str
        Lower-case address and name of the coin; empty for any.
    side : str
        ``buy`` or ``sell``, of the order that is placed, modified, cancelled or asked about; empty for any.
    oid : int or None
        The order.
    """

    target: Target
    kinds: frozenset[str] = frozenset()
    user: str = ""
    coin: str = ""
    side: str = ""
    oid: int | None = None

    def covers(self, occasion: Occasion) -> bool:
        """Whether it strikes this."""
        return (
            self.target is occasion.target
            and (not self.kinds or occasion.kind in self.kinds)
            and self.user in ("", occasion.user)
            and _holds(self.coin or None, occasion.coins)
            and _holds(self.side or None, occasion.sides)
            and _holds(self.oid, occasion.oids)
        )


@dataclass(frozen=True)
class When:
    """When a fault strikes; times count from the beginning of the schedule [s].

    Parameters
    ----------
    from_s, until_s : float
        The span in which it may strike.
    repeat_s : float or None
        The span comes again after this time.
    probability : float
        With which it strikes what it covers.
    skip : int
        So many occasions pass before the first may be struck.
    times : int or None
        It strikes at most so often.
    per_order : bool
        The draw is made once per order, and holds for everything about that order.
    every_s : float or None
        Mean time between the happenings of a fault of the venue; without it there is one, at `from_s`.
    """

    from_s: float = 0.0
    until_s: float = inf
    repeat_s: float | None = None
    probability: float = 1.0
    skip: int = 0
    times: int | None = None
    per_order: bool = False
    every_s: float | None = None

    def is_within(self, now_s: float) -> bool:
        """Whether the span holds now."""
        since = now_s - self.from_s
        if self.repeat_s is not None and since >= 0:
            since %= self.repeat_s
        return 0 <= since < self.until_s - self.from_s


@dataclass(frozen=True)
class Fault:
    """One line of a schedule; `name` is the word for its effect."""

    name: str
    effect: Effect
    where: Where
    when: When = field(default_factory=When)


def _holds(wanted: str | int | None, seen: Iterable[str | int]) -> bool:
    return wanted is None or wanted in seen
