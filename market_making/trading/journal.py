"""Which decisions of a bot changed something, from what it holds and plans in each loop."""

from collections.abc import Iterator

from market_making.market.reasons import Because, Reason
from market_making.trading.decision_log import Decision, Event
from market_making.trading.holding import RestingOrder
from market_making.trading.plan import Plan

_DIGITS = 8  # no exchange has smaller lots; beyond them is floating point


class Journal:
    """Remembers what was said last about one pair, so that nothing is said twice."""

    def __init__(self, coin: str, leg: str | None) -> None:
        self._coin = coin
        self._leg = leg
        self._order_id: str | None = None
        self._filled = 0.0
        self._quiet: str | None = None

    def seen(self, plan: Plan, now_ms: int, calibration_id: str) -> Iterator[Decision]:
        """Decisions that a new plan shows: an order found resting, a part of it filled, why it stays, why none is."""
        resting, because = plan.holding.resting, plan.because
        if resting is not None:
            yield from self.order_seen(resting, now_ms, plan, calibration_id)
        if resting is None and plan.order is None:
            yield from self.withheld(because, now_ms, plan, calibration_id)
        elif resting is not None and plan.keep and plan.reason is not Reason.GOOD:
            yield from self._once(Event.KEEP, because, now_ms, plan, calibration_id, resting)
        else:
            self._quiet = None

    def order_seen(
        self, order: RestingOrder, now_ms: int, plan: Plan | None = None, calibration_id: str | None = None
    ) -> Iterator[Decision]:
        """A placement, if this order is new, and a fill, if more of it is filled than before."""
        if order.order_id != self._order_id:
            self._order_id, self._filled = order.order_id, 0.0
            size = round(order.remaining + order.filled, _DIGITS)
            yield self._decision(order.placed_ms, Event.PLACE, order, plan, calibration_id)._replace(size=size)
        if order.filled > self._filled:
            fill = self._decision(now_ms, Event.FILL, order, plan, calibration_id)
            yield fill._replace(size=round(order.filled - self._filled, _DIGITS))
            self._filled = order.filled

    def cancelled(
        self, order: RestingOrder, because: Because, now_ms: int, plan: Plan | None, calibration_id: str | None
    ) -> Iterator[Decision]:
        """A cancellation and its reason."""
        yield from self.order_seen(order, now_ms, plan, calibration_id)
        yield self._decision(now_ms, Event.CANCEL, order, plan, calibration_id)._replace(**because._asdict())

    def withheld(
        self, because: Because, now_ms: int, plan: Plan | None = None, calibration_id: str | None = None
    ) -> Iterator[Decision]:
        """Why nothing is quoted, once until the reason changes."""
        yield from self._once(Event.WITHHOLD, because, now_ms, plan, calibration_id, None)

    def _once(
        self,
        event: Event,
        because: Because,
        now_ms: int,
        plan: Plan | None,
        calibration_id: str | None,
        order: RestingOrder | None,
    ) -> Iterator[Decision]:
        # Reasons carry figures that change every loop; what is the same but for its figures is the same reason.
        wording = event + "".join(letter for letter in because.detail if not letter.isdigit())
        if wording != self._quiet:
            self._quiet = wording
            yield self._decision(now_ms, event, order, plan, calibration_id)._replace(**because._asdict())

    def _decision(
        self, time_ms: int, event: Event, order: RestingOrder | None, plan: Plan | None, calibration_id: str | None
    ) -> Decision:
        return Decision(
            time_ms=time_ms,
            coin=self._coin,
            leg=self._leg,
            event=event,
            side=None if order is None else str(order.side),
            inventory=None if plan is None else plan.inventory,
            mid=None if plan is None else plan.mid,
            depth=None if order is None or plan is None else round(abs(order.price - plan.mid), _DIGITS),
            price=None if order is None else order.price,
            size=None if order is None else round(order.remaining, _DIGITS),
            calibration_id=calibration_id,
            order_id=None if order is None else order.order_id,
        )
