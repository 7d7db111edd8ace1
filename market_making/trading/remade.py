"""Plans made again from a decision log: the same numbers in give the same plan out, to the last bit.

A log holds everything a plan was made from but the model itself, which is code: the first line of its run names the
strategy and its parameters, from which the caller makes it again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from market_making.market.errors import MalformedMessage
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import Quoter
from market_making.trading.decision_log import Event
from market_making.trading.holding import Holding
from market_making.trading.logged_table import with_table
from market_making.trading.made_plan import BASIS, INPUTS, MadePlan
from market_making.trading.plain import from_plain, typed_fields
from market_making.trading.plan import Planner
from market_making.trading.rules import Restraints

QuoterOf = Callable[[Mapping[str, Any], Mapping[str, Any]], Quoter]


class RemadePlan(NamedTuple):
    """A line of the log that tells of a plan, and the plan made again from it."""

    line: Mapping[str, Any]
    made: MadePlan

    @property
    def is_equal(self) -> bool:
        """Whether the log tells of this very plan, every number to its last bit."""
        result = orjson.loads(orjson.dumps(self.made.result()))
        return all(self.line.get(name) == value for name, value in result.items() if value is not None)


def remade(lines: Iterable[Mapping[str, Any]], quoter_of: QuoterOf) -> Iterator[RemadePlan]:
    """Make every plan of a log again.

    Parameters
    ----------
    lines : Iterable[Mapping[str, Any]]
        As `read_decisions` gives them.
    quoter_of : Callable[[Mapping, Mapping], Quoter]
        Makes the model again, from the first line of a run and from the basis of a plan, which names the fee. It need
        not know the published table: that is in the basis.

    Raises
    ------
    MalformedMessage
        If a plan's basis or run is missing, or a line holds no plan.
    """
    header: Mapping[str, Any] = {}
    bases: dict[int, tuple[Mapping[str, Any], Quoter]] = {}
    for line in lines:
        if line["event"] is Event.RUN:
            header, bases = line, {}
        elif line["event"] is Event.BASIS:
            flow = from_plain(OrderFlow, line["flow"])
            bases[line["sequence"]] = line, with_table(quoter_of(header, line), flow, line.get("table", {}))
        elif line["event"] is Event.PLAN:
            if line["basis"] not in bases:
                raise MalformedMessage(f"line {line['sequence']} has no basis {line['basis']} before it")
            yield RemadePlan(line, _made(line, *bases[line["basis"]]))


def _made(line: Mapping[str, Any], basis: Mapping[str, Any], quoter: Quoter) -> MadePlan:
    kinds = typed_fields(Planner)
    values = {name: from_plain(kinds[name], basis[name]) for name in BASIS}
    values |= {name: from_plain(kinds[name], line.get(name)) for name in INPUTS}
    planner = Planner(quoter=quoter, **values)
    holding, restraints = from_plain(Holding, line["holding"]), from_plain(Restraints, line["restraints"])
    return MadePlan(
        planner, holding, restraints, planner.plan(holding, restraints), str(line.get("calibration_id", ""))
    )
