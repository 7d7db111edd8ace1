"""What became of every order of a run, in the sequence in which they were asked for."""

from dataclasses import dataclass

from market_making.market.sides import Side
from market_making.replay.result import Orders, Outcome, orders_of
from market_making.trading.plan import PlannedOrder

_ROUNDING = 1e-9


@dataclass
class _Life:
    asked_ms: int
    leg: int
    order: PlannedOrder
    mid: float
    placed_ms: int = 0
    ended_ms: int = 0
    outcome: Outcome = Outcome.OPEN


class OrderRecord:
    """Orders of all legs; they are numbered from 1."""

    def __init__(self) -> None:
        self._lives: list[_Life] = []
        self.sides: dict[int, Side] = {}

    def asked(self, leg: int, order: PlannedOrder, mid: float, time_ms: int) -> int:
        """An order is sent; return its number."""
        self._lives.append(_Life(time_ms, leg, order, mid))
        self.sides[len(self._lives)] = order.side
        return len(self._lives)

    def arrived(self, number: int, time_ms: int, *, accepted: bool) -> None:
        """The exchange has it, or refuses it."""
        life = self._lives[number - 1]
        life.placed_ms = time_ms
        if not accepted:
            life.ended_ms, life.outcome = time_ms, Outcome.REFUSED

    def cancelled(self, number: int, time_ms: int) -> None:
        """A cancellation has reached the exchange while the order was open."""
        life = self._lives[number - 1]
        life.ended_ms, life.outcome = time_ms, Outcome.CANCELLED

    def filled_part(self, number: int, time_ms: int, filled: float) -> None:
        """So much of it is filled with this part [coins]; all of it ends it."""
        life = self._lives[number - 1]
        if filled >= life.order.size * (1 - _ROUNDING):
            life.ended_ms, life.outcome = time_ms, Outcome.FILLED

    def ended_ms(self, number: int) -> int | None:
        """When an order was cancelled [ms]; None while it rests."""
        return self._lives[number - 1].ended_ms or None

    def leg_of(self, number: int) -> int:
        """Whose order it is."""
        return self._lives[number - 1].leg

    def orders(self, end_ms: int) -> Orders:
        """All of them; those that still rest end with the session."""
        return orders_of([_row(life, end_ms) for life in self._lives])

    def resting_s(self, end_ms: int) -> float:
        """Time in which at least one order rested [s]."""
        return self.orders(end_ms).resting_s()


def _row(life: _Life, end_ms: int) -> tuple[float, ...]:
    order, ended_ms = life.order, life.ended_ms or end_ms
    sign = 1 if order.side is Side.BID else -1
    return (life.asked_ms, life.placed_ms, ended_ms, life.leg, sign, life.outcome, order.price, order.size, life.mid)
