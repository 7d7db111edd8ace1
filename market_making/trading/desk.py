"""The desk of a bot: the plans of all its pairs in one loop, and what became of them.

Made so that it fails closed. At the start of a loop every plan is forgotten; a pair gets a plan only when everything it
depends on was read and checked. When a fill changes what is held, the old plan is forgotten before a new one is made.
Looking a plan up never computes anything, so it cannot fail.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.risk.rules import Reading
from market_making.trading.actions.budget import EXIT_ACTIONS, ActionBudget
from market_making.trading.chart_rows import NOTHING_SHOWN, ChartRow
from market_making.trading.deferred_stop import DeferredStop
from market_making.trading.fresh import fresh_order
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.legs.legs import Legs
from market_making.trading.made_plan import MadePlan
from market_making.trading.own_orders import OwnOrders
from market_making.trading.pair_inputs import PairInputs
from market_making.trading.pair_state import PairNow
from market_making.trading.plan import Plan, PlannedOrder, Planner
from market_making.trading.plan_memo import PlanMemo
from market_making.trading.risk_watch import RiskWatch
from market_making.trading.rules import Restraints, closed_sides
from market_making.trading.wanted import WantedOrder

__all__ = ["Desk", "PairInputs"]

_VIEW_MS = 10_000  # for so long a fill is held against the mid of the last plan
_NOTHING_ADDED_MS = 30_000  # until the next try: each costs a cancellation and a place in the queue
_NO_PLAN = Because(Reason.NO_PLAN, "there is no plan")
_TOO_CLOSE = Because(Reason.TOO_CLOSE, "mid has come too close since the plan")
_DROPPED = Because(Reason.ADDITION_DROPPED, "Freqtrade has placed no addition")


class Desk:
    """Plans of one loop.

    Parameters
    ----------
    budget : ActionBudget
        Shared by all pairs, as the exchange counts by account.
    orders_before_flat : int
        Orders after which a position is closed, so that a trade does not grow without bound.
    journal : Journal or None
        Where decisions are written; None forgets them.
    risk : RiskWatch or None
        The risk rules; none in a backtest.
    stop : DeferredStop or None
        Lets a stop act between two loops only.
    orders : OwnOrders or None
        Follows what becomes of the orders.
    """

    def __init__(
        self,
        budget: ActionBudget,
        orders_before_flat: int,
        journal: Journal | None = None,
        *,
        risk: RiskWatch | None = None,
        stop: DeferredStop | None = None,
        orders: OwnOrders | None = None,
    ) -> None:
        self.budget = budget
        self._orders_before_flat = orders_before_flat
        self._journal = journal
        self._risk = risk
        self._stop = stop or DeferredStop()
        self.orders = orders or OwnOrders(budget, journal)
        self.legs = Legs(Path(), None)
        self._pairs: dict[str, PairInputs] = {}
        self._made: dict[str, MadePlan] = {}
        self._orders: dict[str, PlannedOrder | None] = {}
        self._withheld: dict[str, Because] = {}
        self._views: dict[str, MadePlan] = {}
        self._asked_ms: dict[str, int] = {}
        self._memos: dict[str, PlanMemo] = defaultdict(PlanMemo)
        self._held: dict[str, Holding] = {}
        self.orders.listen(lambda fill: budget.earned(fill.value, fill.time_ms))
        if risk is not None:
            self.orders.listen(lambda fill: risk.traded(fill.coin, fill.time_ms, fill.value, is_taker=fill.is_taker))

    def look(self, pair: str, holding: Holding, now_ms: int) -> None:
        """At the start of a loop, see what has become of the orders of the last one."""
        self._held[pair] = holding
        self.orders.look(pair, holding.resting, now_ms, self._view(pair, now_ms), answered=True)

    def clear(self) -> None:
        """Forget everything a former loop knew: without a new plan nothing is quoted.

        Here a stop may act that has waited since the loop before.
        """
        self._stop.release()
        self._stop.hold()
        self._pairs.clear()
        self._made.clear()
        self._orders.clear()
        self._withheld.clear()

    def open(self, pair: str, desk: PairInputs, holding: Holding) -> Plan:
        """Take what is known about a pair and make its plan.

        Raises
        ------
        MarketMakingError
            If the model has no quotes for these numbers; the pair then has no plan.
        """
        self.orders.coins.note(pair, desk.planner.instrument.coin)
        desk = self._judged(desk, holding)
        self.orders.fees[pair] = desk.fees
        made = self._make(desk, holding)
        self._pairs[pair] = desk
        self._take(pair, made)
        if self._journal is not None:
            self._journal.planned(pair, made)
        return made.plan

    def withhold(self, pair: str, because: Because, now_ms: int, *, failed: bool = False) -> None:
        """Note why a pair has no plan; `failed`, that the exchange's interface is the reason."""
        if failed and self._risk is not None:
            self._risk.failed(self.orders.coins.of(pair), now_ms)
        self._pairs.pop(pair, None)
        self._forget(pair)
        self._withheld[pair] = because
        self.legs.tell(self.orders.coins.of(pair), self._held.get(pair, Holding()), ())
        if self._journal is not None:
            self._journal.withheld(pair, because, now_ms)

    def plan(self, pair: str, holding: Holding) -> Plan | None:
        """The plan for what is held now, made again if that has changed since; None if the pair has none."""
        desk, known = self._pairs.get(pair), self._made.get(pair)
        if desk is None or (known is not None and known.holding == holding):
            return None if known is None else known.plan
        self._forget(pair)
        self.orders.look(pair, holding.resting, desk.planner.now_ms, known)
        made = self._make(desk, holding)
        self._take(pair, made)
        return made.plan

    def now(self, pair: str, holding: Holding) -> PairNow:
        """What the state file is to say of a pair."""
        made, inputs, withheld = self._made.get(pair), self._pairs.get(pair), self._withheld.get(pair)
        calibration = None if inputs is None else inputs.calibration
        return PairNow(pair, self.orders.coins.of(pair), holding, made, calibration, withheld, self.orders.origin(pair))

    def equity(self) -> float | None:
        """What the account is worth now, from the plans of this loop; None where it is not known [quote currency]."""
        known = [(inputs, self._made[pair]) for pair, inputs in self._pairs.items() if pair in self._made]
        cash = [inputs.cash for inputs, _ in known if inputs.cash is not None and inputs.settled]
        if not cash or len(cash) < len(self._pairs):
            return None
        return cash[0] + sum(made.holding.coins * (made.plan.mid - inputs.open_rate) for inputs, made in known)

    def made(self, pair: str) -> MadePlan | None:
        """Look up the plan of a pair with everything it was made from."""
        return self._made.get(pair)

    def order(self, pair: str, *, grows: bool) -> PlannedOrder | None:
        """Look up the planned order of a pair, if it opens (or closes, as asked)."""
        order = self._orders.get(pair)
        return None if order is None or order.grows is not grows else order

    def follow(self, pair: str, touch: float, *, grows: bool) -> PlannedOrder | None:
        """Look the planned order of a pair up and let its price follow the touch of a newer book [price].

        An opening order is not placed if the touch has moved by more than the greatest half-spread: something happens.
        """
        order, planner = self.order(pair, grows=grows), self.planner(pair)
        if order is None or planner is None:
            return None
        fresh = fresh_order(order, planner.market, planner.instrument, touch)
        moved_bps = abs(fresh.terms.fresh) / order.price * 1e4
        kept = None if grows and moved_bps > planner.rules.bounds.maximum_bps else fresh
        self._orders[pair] = kept
        return kept

    def tag(self, pair: str) -> str:
        """Look up what the planned order of a pair is for; empty without one."""
        return self._made[pair].tag if pair in self._made else ""

    def planned_entry(self, pair: str, rate: float, amount: float) -> PlannedOrder | None:
        """Look up the planned opening order of a pair, if one at `rate` [price] of `amount` [coins] is it."""
        order, planner = self.order(pair, grows=True), self.planner(pair)
        if order is None or planner is None:
            return None
        tick, lot = planner.instrument.tick(order.price), float(planner.instrument.lot)
        return order if abs(rate - order.price) <= tick / 2 and amount <= order.size + lot else None

    def chart_row(self, pair: str, maker_fee: float) -> ChartRow:
        """What a chart shows of the plan of a pair."""
        made = self._made.get(pair)
        return NOTHING_SHOWN if made is None else ChartRow.of(made.planner, made.plan, maker_fee)

    def planner(self, pair: str) -> Planner | None:
        """Look up what the plan of a pair was made from."""
        desk = self._pairs.get(pair)
        return None if desk is None else desk.planner

    def opening_side(self, pair: str) -> Side | None:
        """The side with which a position would be opened if none were held."""
        desk, made = self._pairs.get(pair), self._made.get(pair)
        if desk is None or made is None:
            return None
        order = made.plan.order if made.holding.coins == 0 else self._make(desk, Holding()).plan.order
        return None if order is None else order.side

    def must_cancel(self, pair: str, holding: Holding, order: RestingOrder, now_ms: int) -> bool:
        """Whether a resting order has to go: there is no plan, or the plan wants another one."""
        plan = self.plan(pair, holding)
        if plan is not None and plan.keep:
            return False
        because = _NO_PLAN if plan is None else plan.because
        self.orders.cancelling(pair, order, because, self._made.get(pair), now_ms)
        self.legs.asking(self.orders.coins.of(pair), None)
        return True

    def wanted(self) -> Iterator[WantedOrder]:
        """Look up where the orders of all pairs should rest as mid moves; not those that leave at the touch."""
        for pair, made in self._made.items():
            plan, order = made.plan, made.plan.order
            if order is not None and order.terms.touch == 0:
                near, _ = made.planner.tolerances_bps(order, made.restraints.patience)
                # An order further away because mid is expected to come is not too close when it comes.
                ahead = max(order.terms.imbalance, 0.0)
                yield WantedOrder(pair, order.side, order.price, plan.mid, near * plan.mid / 1e4 + ahead)

    def cancelling_first(self, pair: str, order: RestingOrder, now_ms: int) -> None:
        """Note an order that is cancelled before the next plan, because mid has come too close to it."""
        self.orders.cancelling(pair, order, _TOO_CLOSE, self._view(pair, now_ms), now_ms)

    def asking(self, pair: str, now_ms: int) -> None:
        """Note an addition that Freqtrade is asked for; it may drop it without a word, as after `/stopentry`."""
        self._asked_ms[pair] = now_ms

    def placing(self, pair: str, order: PlannedOrder, now_ms: int) -> None:
        """Count the actions of an order that is about to be placed."""
        if order.grows:
            self._asked_ms.pop(pair, None)
        self.legs.asking(self.orders.coins.of(pair), order.side)
        self.budget.spend(self.budget.entry_actions if order.grows else EXIT_ACTIONS, now_ms)
        self.orders.asked(pair, order, self.tag(pair), self._made.get(pair), now_ms)

    def finished(self, pair: str, order: RestingOrder, now_ms: int) -> None:
        """Note an order that has ended with something filled; Freqtrade may tell of one again."""
        self.orders.finished(pair, order, now_ms, self._view(pair, now_ms))

    def _take(self, pair: str, made: MadePlan) -> None:
        self._made[pair] = self._views[pair] = made
        self._orders[pair] = made.plan.order
        if self.legs.leg is not None:
            self.legs.tell(self.orders.coins.of(pair), made.holding, made.plan.sides, self.equity())

    def _forget(self, pair: str) -> None:
        self._made.pop(pair, None)
        self._orders.pop(pair, None)

    def _view(self, pair: str, now_ms: int) -> MadePlan | None:
        """The last plan of a pair, if its market is still that of now."""
        view = self._views.get(pair)
        return view if view is not None and abs(now_ms - view.planner.now_ms) <= _VIEW_MS else None

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
        coin = desk.planner.instrument.coin
        for lost in desk.lost:
            self._risk.judged(coin, now_ms, losing=lost)
        said = self._risk.judge(coin, reading)
        planner = desk.planner.with_readings(risk_level=said.level, losing_fills=said.losing_fills)
        if planner is desk.planner and said == desk.verdict:
            return desk
        return replace(desk, planner=planner, verdict=said)

    def _make(self, desk: PairInputs, holding: Holding) -> MadePlan:
        said, now_ms, free = desk.verdict, desk.planner.now_ms, holding.resting is None
        stands = self.budget.standing(now_ms, flat=free and holding.coins == 0)
        growing = desk.no_opening or said.growing or (stands.opening if free else None)
        if holding.coins != 0 and self._is_dropped(desk.planner):
            growing = growing or _DROPPED
        leaves_risk = desk.leaving or (said.leaving and holding.coins != 0)
        leaving = leaves_risk or holding.orders >= self._orders_before_flat
        closed = closed_sides(holding, growing, said.reducing or (stands.placing if free else None))
        restraints = Restraints(closed, leaving, stands.saving, said.depth_factor, stands.patience)
        planner = self._heard(desk.planner)
        memo, left = self._memos[planner.instrument.pair], self.budget.left(now_ms)
        plan = memo.plan(planner, holding, restraints)
        known = desk.calibration_id, left, leaves_risk, desk.fees.maker, said.reasons
        return MadePlan(planner, holding, restraints, plan, *known)

    def _heard(self, planner: Planner) -> Planner:
        """The same with what the other leg tells now."""
        if self.legs.leg is None:
            return planner
        told = self.legs.hear(planner.instrument.coin)
        return replace(planner, other_leg=None if told is None else told.coins, beside=told and told.beside)

    def _is_dropped(self, planner: Planner) -> bool:
        """Whether an addition was asked for in a former loop, not long ago, and never came to be placed."""
        asked_ms = self._asked_ms.get(planner.instrument.pair)
        return asked_ms is not None and 0 < planner.now_ms - asked_ms < _NOTHING_ADDED_MS
