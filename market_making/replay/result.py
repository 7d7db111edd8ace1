"""What came of a replay, as arrays: own fills, own orders, the market's touch and funding, session by session.

A session is an uninterrupted part of the recording; each starts flat and its result stands alone. All times are the
exchange's clock [ms]. Where several own orders trade, `order` tells them apart; `leg` is 0 for a bot on its own, and 0
(long) or 1 (short) for two legs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from market_making.market.errors import MalformedMessage
from market_making.market.tape import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


class Outcome(IntEnum):
    """How an own order ended; OPEN where it rested until the end of its session."""

    OPEN = 0
    FILLED = 1
    CANCELLED = 2
    REFUSED = 3


class Fills(NamedTuple):
    """Own fills, ascending in time, arrays of shape (n,).

    Attributes
    ----------
    time_ms, order, leg : IntArray
        When the exchange filled it [ms]; number of the order in `Orders`; leg.
    sign : IntArray
        +1 where we bought, −1 where we sold.
    price, size, fee : FloatArray
        Price [price], size [coins] and what was paid for it [quote currency], negative for a rebate.
    is_maker : BoolArray
        Whether our order rested.
    mid : FloatArray
        Middle of the market's book before the block of the fill [price].
    """

    time_ms: IntArray
    order: IntArray
    leg: IntArray
    sign: IntArray
    price: FloatArray
    size: FloatArray
    fee: FloatArray
    is_maker: BoolArray
    mid: FloatArray


class Orders(NamedTuple):
    """Own orders in the sequence in which they were asked for, arrays of shape (m,); the position is the number.

    Attributes
    ----------
    asked_ms, placed_ms, ended_ms : IntArray
        When the bot asked for it, when the exchange had it, when it ended there [ms]. An order that was refused was
        placed and ended when the exchange refused it; one that is open ends with its session.
    leg, sign, outcome : IntArray
        Leg; +1 for a bid, −1 for an ask; an `Outcome`.
    price, size, mid : FloatArray
        Price [price], size [coins], and the mid that the plan was made from [price].
    """

    asked_ms: IntArray
    placed_ms: IntArray
    ended_ms: IntArray
    leg: IntArray
    sign: IntArray
    outcome: IntArray
    price: FloatArray
    size: FloatArray
    mid: FloatArray

    def resting_s(self) -> float:
        """Time in which at least one order rested [s]."""
        rested = self.outcome != Outcome.REFUSED
        if not rested.any():
            return 0.0
        starts, ends = self.placed_ms[rested], self.ended_ms[rested]
        sequence = np.lexsort((ends, starts))
        starts, reach = starts[sequence], np.maximum.accumulate(ends[sequence])
        idle = np.maximum(starts[1:] - reach[:-1], 0).sum()
        return float(reach[-1] - starts[0] - idle) / 1e3


class Touch(NamedTuple):
    """The market's best bid and ask without own orders, one entry a change, ascending in time, shape (k,)."""

    time_ms: IntArray
    bid: FloatArray
    ask: FloatArray

    @property
    def mid(self) -> FloatArray:
        """Middle of best bid and best ask [price]."""
        return (self.bid + self.ask) / 2

    def mid_at(self, times_ms: IntArray) -> FloatArray:
        """Mid at or before each time [price]; before the first entry the first one."""
        return self._mid_of(self.time_ms.searchsorted(times_ms, side="right"))

    def mid_before(self, times_ms: IntArray) -> FloatArray:
        """Mid strictly before each time [price]: the book that a block stamped so has met."""
        return self._mid_of(self.time_ms.searchsorted(times_ms, side="left"))

    def _mid_of(self, entries: IntArray) -> FloatArray:
        """Mid after so many entries [price]."""
        places = np.maximum(entries - 1, 0)
        return np.asarray((self.bid[places] + self.ask[places]) / 2, dtype=np.float64)


class Fundings(NamedTuple):
    """Funding payments, ascending in time, shape (f,); `amount` is positive where we received it [quote currency]."""

    time_ms: IntArray
    leg: IntArray
    amount: FloatArray


class Session(NamedTuple):
    """One uninterrupted part of a replay, flat at its start.

    `start_ms` and `end_ms` bound the quoting [ms]. `decisions` are the loops in which a plan was made or looked up,
    `plans` those in which it had to be made, `quoting_s` the time in which an own order rested [s], `events` the rows
    of the tape. `position` is what is held at the end [coins, signed] and `cash` what was received for it, fees and
    funding included [quote currency]; both are the engine's own account and equal to the sum of the fills. `withheld`
    counts why no order was wanted in a loop, the most frequent reason first.
    """

    start_ms: int
    end_ms: int
    fills: Fills
    orders: Orders
    touch: Touch
    fundings: Fundings
    decisions: int
    plans: int
    quoting_s: float
    events: int
    position: float
    cash: float
    withheld: tuple[tuple[str, int], ...] = ()

    @property
    def seconds(self) -> float:
        """Length [s]."""
        return (self.end_ms - self.start_ms) / 1e3

    @property
    def last_mid(self) -> float:
        """Mid at the end [price]."""
        return self.touch.mid_at(np.array([self.end_ms])).item()

    @property
    def net(self) -> float:
        """What it earned, with what is held valued at the last mid [quote currency]."""
        return self.cash + (self.position * self.last_mid if self.position else 0.0)


@dataclass(frozen=True)
class ReplayResult:
    """A whole run: what was replayed, and its sessions.

    Parameters
    ----------
    strategy, coin, engine : str
        Name of the strategy, the venue's name of the coin, name of the engine.
    maker_fee : float
        That was paid [fraction of the value].
    sessions : tuple[Session, ...]
        Ascending in time.
    wall_s : float
        How long it took [s].
    parameters : dict[str, object]
        Of the strategy, by name.

    Raises
    ------
    MalformedMessage
        If arrays that belong together differ in length, times descend, or a fill belongs to no order.
    """

    strategy: str
    coin: str
    engine: str
    maker_fee: float
    sessions: tuple[Session, ...]
    wall_s: float = 0.0
    parameters: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        for session in self.sessions:
            for columns in (session.fills, session.orders, session.touch, session.fundings):
                _require_columns(columns)
            for times in (session.fills.time_ms, session.touch.time_ms, session.fundings.time_ms):
                _require_ascending(times)
            order = session.fills.order
            if len(order) and not (order.min() >= 0 and order.max() < len(session.orders.price)):
                raise MalformedMessage(f"a fill must belong to one of {len(session.orders.price)} orders")

    @property
    def seconds(self) -> float:
        """Length of all sessions [s]."""
        return sum(session.seconds for session in self.sessions)

    @property
    def net(self) -> float:
        """What all sessions earned [quote currency]."""
        return sum(session.net for session in self.sessions)


def fills_of(rows: Sequence[tuple[float, ...]]) -> Fills:
    """Rows in the sequence of the fields of `Fills` as arrays."""
    return Fills(*_columns(Fills, rows))


def orders_of(rows: Sequence[tuple[float, ...]]) -> Orders:
    """Rows in the sequence of the fields of `Orders` as arrays."""
    return Orders(*_columns(Orders, rows))


def fundings_of(rows: Sequence[tuple[float, ...]]) -> Fundings:
    """Rows in the sequence of the fields of `Fundings` as arrays."""
    return Fundings(*_columns(Fundings, rows))


def _columns(kind: type[Fills | Orders | Fundings], rows: Sequence[tuple[float, ...]]) -> list[Any]:
    dtypes = [_DTYPES[hint] for hint in get_type_hints(kind).values()]
    columns: Iterable[tuple[float, ...]] = zip(*rows, strict=True) if rows else [()] * len(dtypes)
    return [np.array(column, dtype=dtype) for column, dtype in zip(columns, dtypes, strict=True)]


_DTYPES: dict[Any, Any] = {IntArray: np.int64, FloatArray: np.float64, BoolArray: np.bool_}


def _require_columns(columns: Fills | Orders | Touch | Fundings) -> None:
    lengths = {name: len(column) for name, column in columns._asdict().items()}
    if len(set(lengths.values())) > 1:
        raise MalformedMessage(f"columns of {type(columns).__name__} must be equally long, got {lengths}")


def _require_ascending(times_ms: IntArray) -> None:
    if np.any(np.diff(times_ms) < 0):
        place = int(np.argmax(np.diff(times_ms) < 0))
        raise MalformedMessage(f"times must ascend, got {times_ms[place]} before {times_ms[place + 1]}")
