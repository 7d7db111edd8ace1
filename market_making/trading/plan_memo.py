"""The last plan of a pair, looked up again where nothing that it was made from has changed.

A plan is a function of what is known and of the clock. From second to second most of it stays as it is, and the clock
matters only to how young the resting order is, to what moving an order would gain, and to a model that says so.
"""

from collections.abc import Hashable
from typing import NamedTuple

from market_making.market.reasons import Reason
from market_making.trading.holding import Holding
from market_making.trading.plan import Plan, Planner
from market_making.trading.rules import Restraints

# Why an order stays or is moved that rests farther than wanted: that depends on its age.
_OF_AGE = frozenset({Reason.TOO_FAR, Reason.YOUNG, Reason.SAVING_ACTIONS})


class _Known(NamedTuple):
    planner: Planner
    restraints: Restraints
    reads: Hashable
    plan: Plan


class PlanMemo:
    """Makes the plans of one pair, each only once."""

    def __init__(self) -> None:
        self._known: _Known | None = None

    def plan(self, planner: Planner, holding: Holding, restraints: Restraints) -> Plan:
        """As `Planner.plan`, which may be the last one.

        Raises
        ------
        MarketMakingError
            If the model has no quotes for these numbers.
        """
        known, reads = self._known, _reads(planner)
        if known is not None and reads is not None and reads == known.reads:
            is_same = holding == known.plan.holding and restraints == known.restraints
            if is_same and _is_same(planner, known.planner) and _is_as_young(planner, known):
                return known.plan if known.plan.reason not in _OF_AGE else planner.compared(known.plan, restraints)
        plan = planner.plan(holding, restraints)
        self._known = _Known(planner, restraints, reads, plan)
        return plan


def _reads(planner: Planner) -> Hashable | None:
    """What the plan takes from market and clock; None where the model does not say."""
    reads = getattr(planner.quoter, "reads", None)
    market = planner.market
    said = None if reads is None else reads(market, planner.now_ms)
    anchor = market.imbalance if planner.imbalance_response else 0.0
    return None if said is None else (market.bid_price, market.ask_price, anchor, said)


def _is_same(planner: Planner, before: Planner) -> bool:
    """Whether all but market and clock is the same; what seldom changes is the very same object then."""
    return (
        planner.quoter is before.quoter
        and planner.flow is before.flow
        and planner.rules is before.rules
        and planner.instrument is before.instrument
        and (planner.lot, planner.other_leg, planner.regime, planner.beside)
        == (before.lot, before.other_leg, before.regime, before.beside)
    )


def _is_as_young(planner: Planner, known: _Known) -> bool:
    """Whether the resting order is still young, or was not then."""
    resting, patience = known.plan.holding.resting, known.restraints.patience
    return resting is None or planner.is_young(resting, patience) is known.planner.is_young(resting, patience)
