"""Carrying out the actions of ``/exchange`` and answering them as the exchange does."""

import re
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from market_making.hyperliquid.actions import (
    Action,
    ApproveAgent,
    ApproveBuilderFee,
    Builder,
    CancelOrders,
    ModifyOrders,
    Noop,
    PlaceOrders,
    ReserveRequestWeight,
    ScheduleCancel,
    SetReferrer,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from market_making.hyperliquid.orders import OrderTerms, decimal_text
from market_making.venue.accounts.account import AGENT_LIFE_MS, Account, Agent
from market_making.venue.accounts.margin import position_margin, withdrawable
from market_making.venue.engine.exchange import DAY_MS, Exchange
from market_making.venue.engine.order_checks import Refusal
from market_making.venue.engine.order_desk import Handling
from market_making.venue.order_book.order import Order, Status

Answer = dict[str, Any]
OK: Answer = {"status": "ok", "response": {"type": "default"}}
SCHEDULE_AHEAD_MS = 5_000
SCHEDULES_PER_DAY = 10
RESERVED_ACTION_COST = Decimal("0.0005")
HIGHEST_BUILDER_FEE = Decimal("0.1")  # per cent
# Where the orders begin that protect an order or a position; a batch without grouping has none.
CHILDREN_FROM: dict[str, int] = {"na": sys.maxsize, "normalTpsl": 1, "positionTpsl": 0}
GONE = "Order was never placed, already canceled, or filled."


def refusal_of_action(text: str) -> Answer:
    """The answer to an action that is refused as a whole."""
    return {"status": "err", "response": text}


class ActionDesk:
    """Carries out actions of accounts.

    Parameters
    ----------
    exchange : Exchange
        Where they take effect.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._state = exchange.state
        self._desk = exchange.desk
        self._handlers: dict[type, Callable[[Account, Any], Answer]] = {
            PlaceOrders: self._place,
            CancelOrders: self._cancel,
            ModifyOrders: self._modify,
            ScheduleCancel: self._schedule_cancel,
            UpdateLeverage: self._update_leverage,
            UpdateIsolatedMargin: self._update_isolated_margin,
            ApproveBuilderFee: self._approve_builder,
            ApproveAgent: self._approve_agent,
            SetReferrer: self._set_referrer,
            ReserveRequestWeight: self._reserve,
            Noop: lambda account, action: OK,  # noqa: ARG005 - it only uses up its nonce
        }

    def execute(self, account: Account, action: Action) -> Answer:
        """Carry out one action and return the exchange's answer."""
        count = _batch_size(action)
        kind = type(action).__name__
        is_cancel = isinstance(action, CancelOrders)
        over_budget = account.budget.admit(count, self._state.now_ms, is_cancel=is_cancel)
        account.statistics.actions[kind] += count
        answer = refusal_of_action(over_budget) if over_budget else self._handlers[type(action)](account, action)
        if answer["status"] == "err":
            account.statistics.refused_actions[_reason(answer["response"])] += 1
        return answer

    def _place(self, account: Account, action: PlaceOrders) -> Answer:
        if action.builder is not None and not self._may_charge(account, action.builder):
            return refusal_of_action("Builder fee has not been approved.")
        outcomes: list[Order | Refusal] = []
        statuses: list[Any] = []
        for number, terms in enumerate(action.orders):
            parent = outcomes[0] if action.grouping == "normalTpsl" and number else None
            handling = Handling(
                action.builder,
                waits_for_parent=isinstance(parent, Order) and parent.is_live,
                whole_position=action.grouping == "positionTpsl" and not terms.size,
            )
            # An order that protects a refused one is refused with it.
            outcome = parent if isinstance(parent, Refusal) else self._desk.place(account, terms, handling)
            self._count(account, terms, outcome)
            outcomes.append(outcome)
            # What became of it when it came: a later order of the batch may end it without a fill.
            statuses.append(_status(outcome, is_child=number >= CHILDREN_FROM[action.grouping]))
        _relate(outcomes, action.grouping)
        return _statuses("order", statuses)

    def _may_charge(self, account: Account, builder: Builder) -> bool:
        # Sub-accounts and vaults have no key to sign an approval with: their owner's counts for them.
        owner = self._state.accounts.get(account.master or account.leader or account.address, account)
        approved = max(each.builders.get(builder.address, Decimal(0)) for each in (account, owner))
        return Decimal(builder.tenths_of_bps) / 1000 <= approved  # the approval is in per cent

    def _count(self, account: Account, terms: OrderTerms, outcome: Order | Refusal) -> None:
        tif = "trigger" if terms.tif is None else terms.tif.value
        account.statistics.attempted[tif] += 1
        if isinstance(outcome, Refusal):
            account.statistics.rejected[_reason(outcome.text)] += 1
        else:
            account.statistics.accepted[tif] += 1

    def _cancel(self, account: Account, action: CancelOrders) -> Answer:
        statuses: list[Any] = []
        for cancel in action.cancels:
            order = self._state.find(account, cancel.key)
            coin = self._state.coin_at(cancel.asset)
            if order is None or coin is None or order.coin != coin.listing.coin or not order.is_live:
                statuses.append({"error": f"{GONE} asset={cancel.asset}"})
                continue
            self._desk.end(order, Status.CANCELLED)
            account.statistics.cancelled += 1
            statuses.append("success")
        return _statuses("cancel", statuses)

    def _modify(self, account: Account, action: ModifyOrders) -> Answer:
        statuses: list[Any] = []
        for modify in action.modifies:
            outcome = self._desk.modify(account, modify.key, modify.terms, always_placed=action.always_placed)
            self._count(account, modify.terms, outcome)
            if action.is_single:
                return refusal_of_action(outcome.text) if isinstance(outcome, Refusal) else OK
            statuses.append(_status(outcome, is_child=False))
        return _statuses("order", statuses)

    def _schedule_cancel(self, account: Account, action: ScheduleCancel) -> Answer:
        time_ms = action.time_ms
        required, traded = self._state.config.schedule_cancel_volume, account.budget.volume
        if traded < Decimal(str(required)):
            return refusal_of_action(
                "Cannot set scheduled cancel time until enough volume traded. "
                f"Required: ${required:.0f}. Traded: ${traded.normalize():f}."
            )
        if time_ms is not None and time_ms < self._state.now_ms + SCHEDULE_AHEAD_MS:
            return refusal_of_action("Scheduled cancel time too early, must be at least 5 seconds from now.")
        if account.scheduled_cancels.get(self._state.now_ms // DAY_MS, 0) >= SCHEDULES_PER_DAY:
            return refusal_of_action(f"Scheduled cancel was triggered {SCHEDULES_PER_DAY} times today already.")
        account.cancel_all_ms = time_ms
        return OK

    def _update_leverage(self, account: Account, action: UpdateLeverage) -> Answer:
        coin = self._state.coin_at(action.asset)
        if coin is None or not 1 <= action.leverage <= coin.listing.maximum_leverage:
            return refusal_of_action("Invalid leverage value")
        if coin.is_spot:
            return refusal_of_action("Invalid leverage value")
        if action.is_cross and coin.listing.isolated_only:
            return refusal_of_action("Cross margin is not allowed for this asset.")
        position = account.position(coin.listing.coin)
        if position.lots and position.is_cross != action.is_cross:
            return refusal_of_action("Cannot switch leverage type with open position.")
        position.is_cross, position.leverage = action.is_cross, action.leverage
        return OK

    def _update_isolated_margin(self, account: Account, action: UpdateIsolatedMargin) -> Answer:
        coin, amount = self._state.coin_at(action.asset), action.amount
        position = None if coin is None or coin.is_spot else account.position(coin.listing.coin)
        if position is None or coin is None or coin.mark is None or position.is_cross or not position.lots:
            return refusal_of_action("No isolated position to change the margin of.")
        if amount < 0 and coin.listing.keeps_margin:
            return refusal_of_action("Cannot remove margin from a strict isolated position.")
        purse = account.home(coin.listing.coin)
        free = withdrawable(purse, self._state.prices)
        needed = abs(position.value(coin.mark)) / position.leverage
        is_too_little_left = amount < 0 and position_margin(position, coin.mark) + amount < needed
        if amount > free or is_too_little_left:
            return refusal_of_action("Insufficient margin available for the change of isolated margin.")
        position.isolated_cash += amount
        purse.cash -= amount
        return OK

    def _approve_builder(self, account: Account, action: ApproveBuilderFee) -> Answer:
        if not self._state.config.builder_approval:
            return refusal_of_action("Builder has insufficient balance to be approved.")
        if action.percent > HIGHEST_BUILDER_FEE:
            return refusal_of_action(f"Builder fee too high: the maximum for perpetuals is {HIGHEST_BUILDER_FEE}%.")
        account.builders[action.builder] = action.percent
        return OK

    def _approve_agent(self, account: Account, action: ApproveAgent) -> Answer:
        until_ms = action.valid_until_ms
        until_ms = self._state.now_ms + AGENT_LIFE_MS if until_ms is None else until_ms
        # A new agent replaces the one of the same name, also the one without a name.
        kept = {address: agent for address, agent in account.agents.items() if agent.name != action.name}
        account.agents = {**kept, action.agent: Agent(action.name, until_ms)}
        return OK

    def _set_referrer(self, account: Account, action: SetReferrer) -> Answer:
        if account.referrer is not None:
            return refusal_of_action("Referrer already set.")
        account.referrer = action.code
        return OK

    def _reserve(self, account: Account, action: ReserveRequestWeight) -> Answer:
        cost = action.weight * RESERVED_ACTION_COST
        if cost > withdrawable(account.purse, self._state.prices):
            return refusal_of_action("Insufficient balance to reserve request weight.")
        account.purse.charge(cost)
        account.budget.reserved += action.weight
        return OK


def _batch_size(action: Action) -> int:
    """How many actions of the budget this is."""
    batch: Callable[..., int] = len
    match action:
        case PlaceOrders(orders=items) | CancelOrders(cancels=items) | ModifyOrders(modifies=items):
            return batch(items)
        case _:
            return 1


def _relate(outcomes: list[Order | Refusal], grouping: str) -> None:
    """Tie take-profit and stop to each other and to the order they protect."""
    parents, children = outcomes[: CHILDREN_FROM[grouping]], outcomes[CHILDREN_FROM[grouping] :]
    family = [order for order in children if isinstance(order, Order)]
    for order in family:
        order.siblings = [other for other in family if other is not order]
    for parent in parents:
        if isinstance(parent, Order) and family:
            parent.children = family


def _status(outcome: Order | Refusal, *, is_child: bool) -> Any:
    """How the answer tells what became of an order."""
    if isinstance(outcome, Refusal):
        return {"error": outcome.text}
    if is_child and outcome.is_live:
        return "waitingForFill" if outcome.waits_for_parent else "waitingForTrigger"
    identity: dict[str, Any] = {"oid": outcome.oid}
    if outcome.cloid is not None:
        identity["cloid"] = outcome.cloid
    if outcome.is_live:
        return {"resting": identity}
    size, price = outcome.size(outcome.filled_lots), outcome.average_price.quantize(Decimal("0.000001"))
    return {"filled": {"totalSz": decimal_text(size), "avgPx": decimal_text(price), **identity}}


def _statuses(kind: str, statuses: list[Any]) -> Answer:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}}


def _reason(text: str) -> str:
    """A refusal without its numbers, to count by."""
    return re.split(r" asset=|, bbo was|\(|: ", text)[0].strip()
