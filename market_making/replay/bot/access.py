"""What one leg may do at the exchange, and what is written down of it."""

from market_making.replay.bot.record import OrderRecord
from market_making.replay.bot.stale import StaleWatch
from market_making.replay.engines.engine import Engine, NewOrder
from market_making.trading.legs.leg_file import LegState
from market_making.trading.plan import PlannedOrder


class VenueAccess:
    """The exchange as one leg uses it.

    Parameters
    ----------
    engine : Engine
        Shared by all legs.
    record : OrderRecord
        Of all legs.
    stale : StaleWatch
        What the websocket would have told.
    leg : int
        Which one.
    board : dict[str, LegState]
        What the legs have told each other.
    """

    def __init__(
        self, engine: Engine, record: OrderRecord, stale: StaleWatch, leg: int, board: dict[str, LegState]
    ) -> None:
        self.engine = engine
        self.stale = stale
        self.leg = leg
        self.board = board
        self._record = record

    def place(self, order: PlannedOrder, mid: float, asked_ms: int, arrives_ms: int) -> int | None:
        """Let an order arrive that was asked for earlier [ms], planned at `mid` [price]; None if it is refused."""
        number = self._record.asked(self.leg, order, mid, asked_ms)
        new = NewOrder(number, self.leg, order.side, order.price, order.size, reduce_only=not order.grows)
        accepted = self.engine.place(new)
        self._record.arrived(number, arrives_ms, accepted=accepted)
        return number if accepted else None

    def ended_ms(self, order_id: str) -> int | None:
        """When the exchange ended an order, by its own word [ms]; None while it rests."""
        return self._record.ended_ms(int(order_id))

    def cancel(self, number: int, arrives_ms: int) -> None:
        """Let a cancellation arrive [ms]."""
        was_open = self.engine.order(number).is_open
        self.engine.cancel(number)
        if was_open:
            self._record.cancelled(number, arrives_ms)
