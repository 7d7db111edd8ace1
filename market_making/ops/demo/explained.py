"""Why a quote stood where it stood: the terms that its price is made of, from the bot's own state file."""

from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from market_making.safety.state_file import BotState, PairState, RestingState, read_states

_MEANING = {
    "room": "room: what a maker without costs keeps, 1/κ",
    "adverse_selection": "adverse selection: mid moves against a filled quote",
    "fee": "maker fee",
    "inventory": "inventory: what is held already",
    "volatility": "volatility while a position is held",
    "trend": "trend of mid",
    "level": "level of the ladder",
    "fair_value": "fair value that is not mid",
    "floor": "the model's own least or greatest depth",
    "regime": "regime: the flow is toxic",
    "risk": "risk rules",
    "user_factor": "your depth factor",
    "bounds": "your least and greatest half-spread",
    "touch": "to the touch, to leave a position",
    "tick": "rounding to a valid price",
    "fresh": "the touch moved while the order was placed",
}


class ExplainedQuote(NamedTuple):
    """An order that rested: mid when it was priced, and what each term adds to its price, in order [price]."""

    coin: str
    side: str
    mid: float
    steps: dict[str, float]
    price: float

    @classmethod
    def of(cls, pair: PairState, resting: RestingState) -> "ExplainedQuote | None":
        """Explain an order; None where its terms are not known."""
        if resting.planned_mid is None or not resting.terms:
            return None
        sign = -1.0 if resting.side == "bid" else 1.0
        steps = {name: sign * value for name, value in resting.terms.items()}
        return cls(pair.coin, resting.side, resting.planned_mid, steps, resting.price)

    @property
    def unexplained(self) -> float:
        """What the terms do not account for [price]."""
        return self.price - self.mid - sum(self.steps.values())

    def table(self) -> Table:
        """Show it as a sum, in the order in which it is made."""
        table = Table("what", "price", title=f"why the last {self.side} of {self.coin} rested at {self.price:g}")
        table.columns[1].justify = "right"
        table.add_row("mid when it was priced", f"{self.mid:.6g}")
        for name, value in self.steps.items():
            table.add_row(_MEANING.get(name, name.replace("_", " ")), f"{value:+.4g}")
        table.add_section()
        table.add_row("price", f"{self.price:g}")
        return table


def last_quote(folder: Path) -> ExplainedQuote | None:
    """Explain an order that a bot of this folder has resting now; None if none has, or the bot tells no terms."""
    bots = [state for state in read_states(folder) if isinstance(state, BotState)]
    explained = (
        ExplainedQuote.of(pair, pair.resting) for bot in bots for pair in bot.pairs if pair.resting is not None
    )
    return next((quote for quote in explained if quote is not None), None)
