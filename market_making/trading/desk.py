"""The desk of a bot: the plans of all its pairs in one loop, and what became of them.

Made so that it fails closed. At the start of a loop every plan is forgotten; a pair gets a plan only when everything it
depends on was read and checked. When a fill changes what is held, the old plan is forgotten before a new one is made.
Looking a plan up never computes anything, so it cannot fail.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.risk.rules import NO_OBJECTION, Reading, Verdict
from market_making.trading.actions.budget import CANCEL_ACTIONS, EXIT_ACTIONS, ActionBudget
from market_making.trading.chart_rows import NOTHING_SHOWN, ChartRow
from market_making.trading.decision_log import Decision
from market_making.trading.deferred_stop import DeferredStop
from market_making.trading.fresh import fresh_order
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.plan import Plan, PlannedOrder, Planner
from market_making.trading.risk_watch import RiskWatch
from market_making.trading.rules import Restraints, closed_sides

_NOTHING_ADDED_MS = 30_000  # until the next try: each costs a cancellation and a place in the queue
_NO_PLAN = Because(Reason.NO_PLAN, "there is no plan")
_DROPPED = Because(Reason.ADDITION_DROPPED, "Freqtrade has placed no addition")


@dataclass(frozen=True)
class PairInputs:
    """What one loop knows about one pair.

    `no_opening` is the reason why its position may not grow, if there is one; `leaving`, that it must be closed at the
    touch. `cash` is what the account is worth without the position's open result, `open_rate` the price at which that
    result is zero; without `cash` the risk rules are not asked, and they judge the account's value only where both are
    `settled`: of one moment with what is held. `lost` tells of each fill judged since the last loop whether it lost;
    `verdict` is what the risk rules say, which the desk asks. `own_table` says that the model solves its own table, and
    `difference` which settings of the calibrator are not the bot's.
    """

    planner: Planner
    calibration_id: str
    no_opening: Because | None = None
    leaving: bool = False
    cash: float | None = None
    open_rate: float = 0.0
    settled: bool = True
    lost: tuple[bool, ...] = ()
    verdict: Verdict = NO_OBJECTION
    own_table: bool = False
    difference: str = ""


class Desk:
    """Plans of one loop.

    Parameters
    ----------
    budget : ActionBudget
        Shared by all pairs, as the exchange counts by account.
    orders_before_flat : int
        Orders after which a position is closed, so that a trade does not grow without bound.
    record : Callable[[Decision], None] or None
        Where decisions are written; None forgets them.
    leg : str or None
        Name of the leg in the decision log.
    risk : RiskWatch or None
        The risk rules; none in a backtest.
    stop : DeferredStop or None
        Told when an order is about to be placed, and at the next loop that it has been.
    """

    def __init__(
        self,
        budget: ActionBudget,
        orders_before_flat: int,
        record: Callable[[Decision], None] | None,
        *,
        leg: str | None = None,
        risk: RiskWatch | None = None,
        stop: DeferredStop | None = None,
    ) -> None:
        self.budget = budget
        self._orders_before_flat = orders_before_flat
        self._record = record
        self._leg = leg
        self._risk = risk
        self._stop = stop or DeferredStop()
        self._pairs: dict[str, PairInputs] = {}
        self._plans: dict[str, Plan] = {}
        self._journals: dict[str, Journal] = {}
        self._asked_ms: dict[str, int] = {}

    def clear(self) -> None:
        """Forget everything a former loop knew: without a new plan nothing is quoted."""
        self._stop.release()
        self._pairs.clear()
        self._plans.clear()

    def open(self, pair: str, desk: PairInputs, holding: Holding) -> Plan:
        """Take what is known about a pair and make its plan.

        Raises
        ------
        MarketMakingError
            If the model has no quotes for these numbers; the pair then has no plan.
        """
        desk = self._judged(desk, holding)
        plan = self._make(desk, holding)
        self._pairs[pair], self._plans[pair] = desk, plan
        self._write(self._journal(pair).seen(plan, desk.planner.now_ms, desk.calibration_id))
        return plan

    def withhold(self, pair: str, because: Because, now_ms: int, *, failed: bool = False) -> None:
        """Note why a pair has no plan; `failed`, that the exchange's interface is the reason."""
        if failed and self._risk is not None:
            self._risk.failed(_coin(pair), now_ms)
        self._pairs.pop(pair, None)
        self._plans.pop(pair, None)
        self._write(self._journal(pair).withheld(because, now_ms))

    def plan(self, pair: str, holding: Holding) -> Plan | None:
        """The plan for what is held now, made again if that has changed since; None if the pair has none."""
        desk, known = self._pairs.get(pair), self._plans.get(pair)
        if desk is None or (known is not None and known.holding == holding):
            return known
        self._plans.pop(pair, None)
        self._plans[pair] = self._make(desk, holding)
        return self._plans[pair]

    def order(self, pair: str, *, grows: bool) -> PlannedOrder | None:
        """Look up the planned order of a pair, if it opens (or closes, as asked)."""
        plan = self._plans.get(pair)
        return None if plan is None or plan.order is None or plan.order.grows is not grows else plan.order

    def follow(self, pair: str, touch: float, *, grows: bool) -> PlannedOrder | None:
        """Look the planned order of a pair up and let its price follow the touch of a newer book [price].

        An opening order is not placed if the touch has moved by more than the greatest half-spread: something happens.
        """
        order, planner, plan = self.order(pair, grows=grows), self.planner(pair), self._plans.get(pair)
        if order is None or planner is None or plan is None:
            return None
        fresh = fresh_order(order, planner.market, planner.instrument, touch)
        moved_bps = abs(fresh.terms.fresh) / order.price * 1e4
        kept = None if grows and moved_bps > planner.rules.bounds.maximum_bps else fresh
        self._plans[pair] = plan._replace(order=kept)
        return kept

    def planned_entry(self, pair: str, rate: float, amount: float) -> PlannedOrder | None:
        """Look up the planned opening order of a pair, if one at `rate` [price] of `amount` [coins] is it."""
        order, planner = self.order(pair, grows=True), self.planner(pair)
        if order is None or planner is None:
            return None
        tick, lot = planner.instrument.tick(order.price), float(planner.instrument.lot)
        return order if abs(rate - order.price) <= tick / 2 and amount <= order.size + lot else None

    def picture(self, pair: str, maker_fee: float) -> ChartRow:
        """Show the plan of a pair, or nothing."""
        desk, plan = self._pairs.get(pair), self._plans.get(pair)
        return NOTHING_SHOWN if desk is None or plan is None else ChartRow.of(desk.planner, plan, maker_fee)

    def planner(self, pair: str) -> Planner | None:
        """Look up what the plan of a pair was made from."""
        desk = self._pairs.get(pair)
        return None if desk is None else desk.planner

    def opening_side(self, pair: str) -> Side | None:
        """The side with which a position would be opened if none were held."""
        desk, plan = self._pairs.get(pair), self._plans.get(pair)
        if desk is None or plan is None:
            return None
        order = plan.order if plan.holding.coins == 0 else self._make(desk, Holding()).order
        return None if order is None else order.side

    def must_cancel(self, pair: str, holding: Holding, order: RestingOrder, now_ms: int) -> bool:
        """Whether a resting order has to go: there is no plan, or the plan wants another one."""
        plan = self.plan(pair, holding)
        if plan is not None and plan.keep:
            return False
        because = _NO_PLAN if plan is None else plan.because
        self._write(self._journal(pair).cancelled(order, because, now_ms, plan, self._calibration_id(pair)))
        self.budget.spend(CANCEL_ACTIONS, now_ms)
        return True

    def asking(self, pair: str, order: PlannedOrder, now_ms: int) -> None:
        """Note an order that Freqtrade is asked for; an addition it may drop without a word, as after `/stopentry`."""
        if order.grows:
            self._asked_ms[pair] = now_ms
        else:
            self.placing(pair, order, now_ms)

    def placing(self, pair: str, order: PlannedOrder, now_ms: int) -> None:
        """Count the actions of an order that is about to be placed; until the next loop a stop waits for its answer."""
        if order.grows:
            self._asked_ms.pop(pair, None)
        self._stop.hold()
        self.budget.spend(self.budget.entry_actions if order.grows else EXIT_ACTIONS, now_ms)

    def filled(self, pair: str, order: RestingOrder, now_ms: int, *, is_taker: bool = False) -> None:
        """Note a finished order."""
        if self._risk is not None:
            self._risk.traded(_coin(pair), now_ms, order.filled * order.price, is_taker=is_taker)
        self.budget.earned(order.filled * order.price, now_ms)
        self._write(self._journal(pair).order_seen(order, now_ms, self._plans.get(pair), self._calibration_id(pair)))

    def _judged(self, desk: PairInputs, holding: Holding) -> PairInputs:
        """The same with what the risk rules say."""
        if self._risk is None or desk.cash is None:
            return desk
        market, now_ms = desk.planner.market, desk.planner.now_ms
        equity = desk.cash + holding.coins * (market.mid - desk.open_rate) if desk.settled else None
        # The calibrated one is of half an hour, as is the average it would be compared with: it hardly notices a spike.
        observed = market.observations.volatility
        volatility = desk.planner.flow.volatility if observed is None else observed
        position, is_observed = holding.coins * market.mid, observed is not None
        reading = Reading(now_ms, market.mid, position, equity, volatility, market.time_ms, is_observed)
        coin = _coin(desk.planner.instrument.pair)
        for lost in desk.lost:
            self._risk.judged(coin, now_ms, losing=lost)
        said = self._risk.judge(coin, reading)
        planner = desk.planner.with_readings(risk_level=said.level, losing_fills=said.losing_fills)
        return replace(desk, planner=planner, verdict=said)

    def _make(self, desk: PairInputs, holding: Holding) -> Plan:
        said = desk.verdict
        free = holding.resting is None
        stands = self.budget.standing(desk.planner.now_ms, flat=free and holding.coins == 0)
        growing = desk.no_opening or said.growing or (stands.opening if free else None)
        if holding.coins != 0 and self._is_dropped(desk.planner):
            growing = growing or _DROPPED
        leaving = desk.leaving or (said.leaving and holding.coins != 0) or holding.orders >= self._orders_before_flat
        closed = closed_sides(holding, growing, said.reducing or (stands.placing if free else None))
        restraints = Restraints(closed, leaving, stands.saving, said.depth_factor, stands.patience)
        return desk.planner.plan(holding, restraints)

    def _is_dropped(self, planner: Planner) -> bool:
        """Whether an addition was asked for in a former loop, not long ago, and never came to be placed."""
        asked_ms = self._asked_ms.get(planner.instrument.pair)
        return asked_ms is not None and 0 < planner.now_ms - asked_ms < _NOTHING_ADDED_MS

    def _journal(self, pair: str) -> Journal:
        if pair not in self._journals:
            desk = self._pairs.get(pair)
            coin = _coin(pair) if desk is None else desk.planner.instrument.coin
            self._journals[pair] = Journal(coin, self._leg)
        return self._journals[pair]

    def _calibration_id(self, pair: str) -> str | None:
        desk = self._pairs.get(pair)
        return None if desk is None else desk.calibration_id

    def _write(self, decisions: Iterable[Decision]) -> None:
        if self._record is None:
            return
        for decision in decisions:
            self._record(decision)


def _coin(pair: str) -> str:
    return pair.split("/", maxsplit=1)[0]
