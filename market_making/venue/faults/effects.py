"""What a fault does: to a request, to a message of a stream, to an account, or to the clock.

Each effect is a value whose fields are the keys of the document that describes it.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from market_making.venue.faults.course import Course, Delivery

# Statuses with which the real exchange ends an order by itself.
CANCELLATIONS = (
    "marginCanceled", "liquidatedCanceled", "openInterestCapCanceled", "delistedCanceled", "selfTradeCanceled",
    "vaultWithdrawalCanceled", "scheduledCancel", "internalCancel", "canceled",
)  # fmt: skip
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# Figures that are no amounts: they keep their value when every amount of an answer becomes zero.
_NO_AMOUNTS = ("time", "timestamp", "maxLeverage", "oid")


class RequestEffect(Protocol):
    """Changes the course of a request."""

    def bend(self, course: Course) -> Course:
        """The course a request takes with this effect."""
        ...


@dataclass(frozen=True)
class Refuse:
    """The exchange refuses an action in these words; `whole` refuses the batch instead of each item of it."""

    text: str = "Insufficient margin to place order."
    whole: bool = False

    def bend(self, course: Course) -> Course:
        """Nothing takes effect."""
        return replace(course, refusal=self.text, refuses_whole=self.whole, takes_effect=False)


@dataclass(frozen=True)
class Delay:
    """The request takes effect later [s]."""

    seconds: float

    def bend(self, course: Course) -> Course:
        """Hold it back."""
        return replace(course, hold_s=course.hold_s + self.seconds)


@dataclass(frozen=True)
class Late:
    """The request takes effect at once, the answer comes later [s]."""

    seconds: float

    def bend(self, course: Course) -> Course:
        """Hold the answer back."""
        return replace(course, late_s=course.late_s + self.seconds)


@dataclass(frozen=True)
class Swallow:
    """No answer ever comes, and the connection stays open."""

    executed: bool = True

    def bend(self, course: Course) -> Course:
        """Lose the answer, or the request."""
        return _lost(course, Delivery.NEVER, executed=self.executed)


@dataclass(frozen=True)
class Cut:
    """The connection is closed without an answer. As a message of a stream: the websocket is cut at it."""

    executed: bool = True

    def bend(self, course: Course) -> Course:
        """Lose the answer, or the request."""
        return _lost(course, Delivery.CUT, executed=self.executed)


@dataclass(frozen=True)
class Half:
    """Half of the answer comes, then the connection is closed. As a message of a stream: half of it comes."""

    executed: bool = True

    def bend(self, course: Course) -> Course:
        """Lose half of the answer."""
        return _lost(course, Delivery.HALF, executed=self.executed)


@dataclass(frozen=True)
class Status:
    """An HTTP status instead of the answer: 429, or 5xx of the servers before the exchange."""

    code: int
    executed: bool = False

    def bend(self, course: Course) -> Course:
        """Answer with the status only."""
        return _lost(replace(course, status=self.code), course.delivery, executed=self.executed)


@dataclass(frozen=True)
class Twice:
    """By HTTP the request arrives twice and the client sees the second answer; a websocket's post is answered twice."""

    def bend(self, course: Course) -> Course:
        """Double it."""
        return replace(course, delivery=Delivery.TWICE)


@dataclass(frozen=True)
class Null:
    """The answer is null."""

    def bend(self, course: Course) -> Course:
        """Replace the answer."""
        return replace(course, rewrite=lambda _: None)


@dataclass(frozen=True)
class Empty:
    """The answer is the empty list or object."""

    def bend(self, course: Course) -> Course:
        """Replace the answer."""
        return replace(course, rewrite=lambda answer: [] if isinstance(answer, list) else {})


@dataclass(frozen=True)
class Zero:
    """Every amount in the answer is zero, and lists of positions and balances are empty."""

    def bend(self, course: Course) -> Course:
        """Rewrite the answer."""
        return replace(course, rewrite=_zeroed)


@dataclass(frozen=True)
class Content:
    """The answer is this."""

    content: Any

    def bend(self, course: Course) -> Course:
        """Replace the answer."""
        return replace(course, rewrite=lambda _: self.content)


@dataclass(frozen=True)
class Unknown:
    """The exchange does not know the order asked for: unknownOid."""

    def bend(self, course: Course) -> Course:
        """Replace the answer."""
        return replace(course, rewrite=lambda _: {"status": "unknownOid"})


@dataclass(frozen=True)
class Drop:
    """A message of a stream is lost."""


@dataclass(frozen=True)
class Double:
    """A message of a stream comes twice."""


@dataclass(frozen=True)
class Reorder:
    """A message of a stream comes after the next one of its connection."""


@dataclass(frozen=True)
class Old:
    """Instead of a message of a stream the last of its kind comes again that was not struck."""


@dataclass(frozen=True)
class Stranger:
    """A message of a stream names another account."""


@dataclass(frozen=True)
class CancelOrder:
    """The exchange ends an open order by itself, or all of them."""

    status: str = "marginCanceled"
    all_orders: bool = False


@dataclass(frozen=True)
class ManualTrade:
    """Somebody else trades on the account, at the market [USDC]; a side is drawn where none is given."""

    notional: float = 50.0
    direction: Literal["buy", "sell"] | None = None


@dataclass(frozen=True)
class ManualOrder:
    """Somebody else leaves an order on the account [USDC], this far from mid [bp]."""

    notional: float = 50.0
    direction: Literal["buy", "sell"] | None = None
    distance_bps: float = 20.0


@dataclass(frozen=True)
class Liquidate:
    """The exchange liquidates the account, whatever its margin."""


@dataclass(frozen=True)
class Halt:
    """A market is halted [s]: every order ends, every position is settled at the mark price, the book is empty."""

    seconds: float = 30.0


@dataclass(frozen=True)
class Cap:
    """A market is at its cap of open interest [s]: positions only shrink."""

    seconds: float = 30.0


@dataclass(frozen=True)
class HoldOracle:
    """The oracle's price of a market stands still [s]."""

    seconds: float = 120.0


@dataclass(frozen=True)
class Disconnect:
    """Every websocket is cut."""


@dataclass(frozen=True)
class Clock:
    """The exchange's clock is ahead of this machine's by so much [ms], behind it if negative."""

    offset_ms: int


StreamEffect = Drop | Double | Reorder | Late | Cut | Half | Old | Stranger
Interruption = Halt | Cap | HoldOracle
Happening = CancelOrder | ManualTrade | ManualOrder | Liquidate | Disconnect | Interruption
Effect = (
    Refuse | Delay | Late | Swallow | Cut | Half | Status | Twice | Null | Empty | Zero | Content | Unknown
    | Drop | Double | Reorder | Old | Stranger | Happening | Clock
)  # fmt: skip


def _lost(course: Course, delivery: Delivery, *, executed: bool) -> Course:
    return replace(course, delivery=delivery, takes_effect=course.takes_effect and executed)


def _zeroed(answer: Any, key: str = "") -> Any:
    match answer:
        case dict():
            return {name: _zeroed(value, name) for name, value in answer.items()}
        case list() if key in ("assetPositions", "balances"):
            return []
        case list():
            return [_zeroed(value, key) for value in answer]
        case str() if _NUMBER.fullmatch(answer):
            return "0.0"
        case int() | float() if not isinstance(answer, bool) and key not in _NO_AMOUNTS:
            return 0
    return answer
