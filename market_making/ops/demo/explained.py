"""Why a quote stood where it stood: the terms that its price is made of, from the bot's own decision log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from market_making.quoting.terms import NAMES
from market_making.trading.decision_log import Event, read_decisions


class ExplainedQuote(NamedTuple):
    """An order that rested: mid when it was priced, and what each term adds to its price, in order [price]."""

    coin: str
    side: str
    mid: float
    steps: dict[str, float]
    price: float

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "ExplainedQuote":
        """Explain the order that a line of the log asks for."""
        sign = -1.0 if line["side"] == "bid" else 1.0
        steps = {name: sign * value for name, value in line["terms"].items()}
        return cls(line["coin"], line["side"], line["mid"], steps, line["price"])

    @property
    def unexplained(self) -> float:
        """What the terms do not account for [price]."""
        return self.price - self.mid - sum(self.steps.values())

    def table(self) -> Table:
        """Show it as a sum, in the order in which it is made."""
        table = Table("what", "price", title=f"why the last {self.side} of {self.coin} rested at {self.price:.10g}")
        table.columns[1].justify = "right"
        table.add_row("mid when it was priced", f"{self.mid:.10g}")
        for name, value in self.steps.items():
            table.add_row(": ".join(NAMES[name]), f"{value:+.4g}")
        table.add_section()
        table.add_row("price", f"{self.price:.10g}")
        return table


def last_quote(folder: Path) -> ExplainedQuote | None:
    """Explain the last order that the exchange took from the bot whose log is in this folder; None if there is none."""
    asked: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    last: Mapping[str, Any] | None = None
    for line in read_decisions(*sorted(folder.glob("*.jsonl"))):
        if line["event"] is Event.PLACE and line.get("terms") and "mid" in line:
            asked[line.get("run"), line.get("sequence")] = line
        elif line["event"] is Event.PLACED:
            last = asked.get((line.get("run"), line.get("place")), last)
    return None if last is None else ExplainedQuote.of(last)
