"""A plan together with everything it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market_making.market.reasons import Because
from market_making.trading.holding import Holding
from market_making.trading.logged_table import logged_table
from market_making.trading.plain import to_plain
from market_making.trading.plan import Plan, Planner
from market_making.trading.rules import Restraints

# What seldom changes is written once for many plans.
BASIS = ("instrument", "flow", "lot", "rules", "regime")
INPUTS = ("market", "now_ms", "other_leg", "beside")


@dataclass(frozen=True)
class MadePlan:
    """A plan and its inputs; `budget_left` are the actions that were left when it was made.

    `leaves_risk` says that the risk rules are why a position must be left, if it must; `maker_fee` is the one that the
    model reckons with, `rules_said` what the risk rules said.
    """

    planner: Planner
    holding: Holding
    restraints: Restraints
    plan: Plan
    calibration_id: str = ""
    budget_left: float = 0.0
    leaves_risk: bool = False
    maker_fee: float = 0.0
    rules_said: tuple[Because, ...] = ()

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What the bot wants; an order that moves along with the market, or is there by now, is the same outcome."""
        order = self.plan.order
        return (None, self.plan.reason) if order is None else (order.side, order.grows)

    @property
    def tag(self) -> str:
        """What its order is for: open, add, reduce, or leave-risk or leave-orders where the position must be left."""
        order = self.plan.order
        if order is None:
            return ""
        if order.grows:
            return "open" if self.holding.coins == 0 else "add"
        if not self.restraints.leaving:
            return "reduce"
        return "leave-risk" if self.leaves_risk else "leave-orders"

    @property
    def fair_value(self) -> float:
        """Mid and how far above it the quotes are anchored, by the model or by the best sizes [price]."""
        quotes = self.plan.quotes
        if quotes.ask is not None:
            return self.plan.mid + quotes.ask.terms.above_mid
        return self.plan.mid - (quotes.bid.terms.above_mid if quotes.bid is not None else 0.0)

    def basis(self) -> dict[str, Any]:
        """What it was made from that seldom changes."""
        values = {name: to_plain(getattr(self.planner, name)) for name in BASIS}
        table = logged_table(self.planner.quoter, self.planner.flow, self.plan.mid)
        return values | {"maker_fee": self.maker_fee} | ({"table": table} if table else {})

    def inputs(self) -> Mapping[str, Any]:
        """What else it was made from."""
        values = {name: to_plain(getattr(self.planner, name)) for name in INPUTS}
        values |= {"holding": to_plain(self.holding), "restraints": to_plain(self.restraints)}
        return values | {"budget_left": self.budget_left}

    def result(self) -> Mapping[str, Any]:
        """What came of it; both sides as they would rest, or why one would not."""
        plan = self.plan
        values = {name: to_plain(getattr(plan, name)) for name in ("inventory", "mid", "order", "keep", "quotes")}
        return values | {"fair_value": self.fair_value} | plan.because._asdict()
