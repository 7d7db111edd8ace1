"""What a bot writes into its decision log: its plans, the life of its orders, and why it does nothing.

A plan is written with everything it was made from, so that it can be made again to the last bit
(`market_making.trading.remade`). It is written when an order is placed from it, and whenever its outcome is another
than before. What is written here is public: see docs/strategy.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from market_making.market.reasons import Because, Reason
from market_making.trading.decision_log import DecisionLog, Event
from market_making.trading.fills import DIGITS, Fill
from market_making.trading.holding import RestingOrder
from market_making.trading.made_plan import MadePlan
from market_making.trading.order_track import AskedOrder, OrderNews
from market_making.trading.pair_coins import PairCoins
from market_making.trading.plan import PlannedOrder

_SILENT = Because(Reason.ADDITION_DROPPED, "Freqtrade has placed no order and does not say why")


@dataclass
class _PairJournal:
    """What was said last about one pair, so that nothing is said twice."""

    basis: Mapping[str, Any] | None = None
    basis_sequence: int = 0
    made: MadePlan | None = None
    plan_sequence: int = 0
    outcome: tuple[Any, ...] = ()
    quiet: str | None = None
    holds_more: bool = False


class Journal:
    """Writer of one bot's decisions.

    Parameters
    ----------
    log : DecisionLog
        Where the lines go.
    leg : str or None
        Name of the leg.
    canceller : Callable[[str, int], Because | None] or None
        Who else has cancelled an order and why, by its id and the time [ms]; None where nobody is known.
    coins : PairCoins, optional
        The coin of each pair.
    ended : Callable[[str], int | None]
        When the exchange ended an order, by its id [ms]; None where it has not said.
    """

    def __init__(
        self,
        log: DecisionLog,
        leg: str | None = None,
        canceller: Callable[[str, int], Because | None] | None = None,
        coins: PairCoins | None = None,
        ended: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._log = log
        self._leg = leg
        self._canceller = canceller
        self._ended = ended
        self._coins = coins or PairCoins()
        self._pairs: dict[str, _PairJournal] = {}
        self._is_ending = False

    @property
    def fault(self) -> str:
        """Why nothing can be written now; empty while it can."""
        return self._log.fault

    def planned(self, pair: str, made: MadePlan) -> None:
        """A plan was made: it is told of if its outcome is new, and why nothing rests or why an order stays."""
        plan, known = made.plan, self._of(pair)
        if made.outcome != known.outcome:
            self._plan(pair, made)
        self._more_held(pair, made)
        if plan.holding.resting is None and plan.order is None:
            self._once(Event.WITHHOLD, pair, plan.because, made.planner.now_ms)
        elif plan.holding.resting is not None and plan.keep and plan.reason is not Reason.GOOD:
            self._once(Event.KEEP, pair, plan.because, made.planner.now_ms, plan.holding.resting)
        else:
            known.quiet = None

    def _more_held(self, pair: str, made: MadePlan) -> None:
        """The account may hold more than the bot's own position, which then is only left."""
        more = [each for each in made.restraints.closed if each and each.reason is Reason.POSITION_UNKNOWN]
        known = self._of(pair)
        if more and not known.holds_more:
            self._write(Event.FOREIGN, made.planner.now_ms, pair, more[0]._asdict())
        known.holds_more = bool(more)

    def withheld(self, pair: str, because: Because, time_ms: int) -> None:
        """There is no plan."""
        known = self._of(pair)
        known.made, known.outcome = None, ()
        is_foreign = because.reason is Reason.POSITION_UNKNOWN
        if is_foreign and not known.holds_more:
            self._write(Event.FOREIGN, time_ms, pair, because._asdict())
        known.holds_more = is_foreign
        self._once(Event.WITHHOLD, pair, because, time_ms)

    def foreign(self, pair: str, because: Because, time_ms: int) -> None:
        """The account holds an order that the bot did not make."""
        self._write(Event.FOREIGN, time_ms, pair, because._asdict())

    def asked(self, pair: str, order: PlannedOrder, tag: str, made: MadePlan | None, time_ms: int) -> int:
        """An order is about to be sent; return the number of the line."""
        values = {"side": order.side, "price": order.price, "size": order.size, "tag": tag, "terms": order.terms}
        if made is not None:
            values |= {"plan": self._plan_of(pair, made), "mid": made.plan.mid}
            values |= {"calibration_id": made.calibration_id} | made.plan.because_placed._asdict()
        return self._write(Event.PLACE, time_ms, pair, values)

    def cancelling(self, pair: str, order: RestingOrder, because: Because, made: MadePlan | None, time_ms: int) -> None:
        """A cancellation is asked for."""
        values = _shown(order) | because._asdict()
        if made is not None:
            values |= {"plan": self._plan_of(pair, made), "calibration_id": made.calibration_id}
        self._write(Event.CANCEL, time_ms, pair, values)

    def news(self, pair: str, news: OrderNews, time_ms: int, words: str = "") -> None:
        """What has become of an order; `words` are the exchange's about one that it has refused."""
        if news.event is Event.REFUSED and news.asked is not None:
            because = Because(Reason.ORDER_REFUSED, words) if words else _SILENT
            self._write(news.event, time_ms, pair, _requested(news.asked) | because._asdict())
        elif news.order is not None and news.event is Event.CANCELLED:
            values = self._by_whom(news.order, time_ms, wanted=news.wanted)
            values |= {"ended_ms": self._ended(news.order.order_id)}
            self._write(news.event, time_ms, pair, _shown(news.order) | values)
        elif news.order is not None and news.event is not Event.FILL:
            answered = {"place": news.asked.sequence} if news.asked is not None else {}
            placed = {"tag": news.order.tag or None, "placed_ms": news.order.placed_ms}
            self._write(news.event, time_ms, pair, _shown(news.order) | placed | answered)

    def _by_whom(self, order: RestingOrder, time_ms: int, *, wanted: bool) -> dict[str, Any]:
        """Why an order was cancelled if it was not the bot that did it, as far as anybody has said so.

        A bot may ask for what the guard has done a moment before: then it was the guard.
        """
        because = None if self._canceller is None else self._canceller(order.order_id, time_ms)
        if because is not None:
            return because._asdict()
        if wanted:
            return {}
        return {"detail": "the bot ends" if self._is_ending else "the bot has not asked for it"}

    def filled(self, fill: Fill) -> None:
        """A part of an order was filled."""
        self._write(Event.FILL, fill.time_ms, fill.pair, {**fill._asdict(), "time_ms": None})

    def minute(self, time_ms: int, values: Mapping[str, Any]) -> None:
        """How a minute went."""
        self._log.write(Event.MINUTE, time_ms, {"leg": self._leg, **values})

    def ending(self) -> None:
        """The bot ends: Freqtrade cancels what rests, without a plan that says so."""
        self._is_ending = True

    def stop(self, time_ms: int, values: Mapping[str, Any]) -> None:
        """The bot has ended."""
        self._log.write(Event.STOP, time_ms, {"leg": self._leg, **values})

    def _plan_of(self, pair: str, made: MadePlan) -> int:
        """Number of the line that tells of a plan, written now if it is not yet."""
        known = self._of(pair)
        return known.plan_sequence if known.made is made else self._plan(pair, made)

    def _plan(self, pair: str, made: MadePlan) -> int:
        known, time_ms = self._of(pair), made.planner.now_ms
        basis = made.basis()
        if basis != known.basis:
            values = basis | {"calibration_id": made.calibration_id}
            known.basis, known.basis_sequence = basis, self._write(Event.BASIS, time_ms, pair, values)
        values = {"basis": known.basis_sequence, "calibration_id": made.calibration_id}
        known.plan_sequence = self._write(Event.PLAN, time_ms, pair, {**values, **made.inputs(), **made.result()})
        known.made, known.outcome = made, made.outcome
        return known.plan_sequence

    def _once(self, event: Event, pair: str, because: Because, time_ms: int, order: RestingOrder | None = None) -> None:
        known, wording = self._of(pair), _wording(event, because)
        if wording != known.quiet:
            known.quiet = wording
            self._write(event, time_ms, pair, (_shown(order) if order is not None else {}) | because._asdict())

    def _write(self, event: Event, time_ms: int, pair: str, values: Mapping[str, Any]) -> int:
        return self._log.write(event, time_ms, {"coin": self._coins.of(pair), "pair": pair, "leg": self._leg, **values})

    def _of(self, pair: str) -> _PairJournal:
        return self._pairs.setdefault(pair, _PairJournal())


def _wording(event: Event, because: Because) -> str:
    """What is the same but for its figures, which change every loop, is the same reason."""
    return event + "".join(letter for letter in because.detail if not letter.isdigit())


def _shown(order: RestingOrder) -> dict[str, Any]:
    values = {"order_id": order.order_id, "side": order.side, "price": order.price}
    return values | {"size": round(order.size, DIGITS), "cumulated": order.filled or None}


def _requested(asked: AskedOrder) -> dict[str, Any]:
    order = asked.order
    return {"place": asked.sequence, "side": order.side, "price": order.price, "size": order.size, "tag": asked.tag}
