"""What a model may know beyond the top of the book.

A quoter is a pure function. What it must remember of the past (trend, volatility, its own fills) is therefore not kept
inside it: its caller keeps the states of the modules named below, advances them with each event, and hands over
their present readings here. Every default means "not observed" and leaves a model as if the reading did not exist.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from market_making.market.events import Level
from market_making.market.sides import Sides
from market_making.quoting.models.ladder_shape import LadderShape

_UNCHANGED = Sides(1.0, 1.0)


class RiskLevel(IntEnum):
    """How worried the risk rules are (`market_making.quoting.risk.rules`)."""

    NORMAL = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Balances(NamedTuple):
    """What a ladder owns: stock [lots] and money [quote currency per coin of a lot]."""

    stock: float
    money: float

    def after_fill(self, lots: float, price: float, fee: float) -> "Balances":
        """After buying `lots` (negative: selling) at `price`; `fee` is a share of the value and always costs."""
        return Balances(self.stock + lots, self.money - lots * price - abs(lots) * price * fee)


@dataclass(frozen=True)
class Observations:
    """Readings of the explicit states.

    Parameters
    ----------
    bids, asks : tuple of Level
        The book, best first.
    bias : float
        Trend from −1 to 1 (`market_making.quoting.readings.bias`).
    volatility, usual_volatility : float, optional
        Now, and what is usual on this market [price/√s] (`market_making.quoting.readings.volatility`).
    index_price : float, optional
        Price of the underlying elsewhere.
    balances : Balances, optional
        Of a ladder.
    ladder_shape : LadderShape, optional
        In force in automatic mode (`market_making.quoting.models.ladder_shape`).
    markout_factors : Sides[float]
        Multiples of the distance from mid; infinity withholds a side that does not reduce the inventory
        (`market_making.quoting.readings.markouts`).
    recent_capture_bps : float, optional
        Mean price of recent sells less that of recent buys [bps of mid] (`market_making.quoting.readings.markouts`).
    losing_fills : int
        In a row (`market_making.quoting.risk.rules`).
    risk_level : RiskLevel
        From the risk rules.
    margin_used : float
        Share of the margin in use, from 0 to 1.
    hedging : bool
        Whether the inventory was being brought back when the model was last asked (`Quotes.hedging`).
    """

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    bias: float = 0.0
    volatility: float | None = None
    usual_volatility: float | None = None
    index_price: float | None = None
    balances: Balances | None = None
    ladder_shape: LadderShape | None = None
    markout_factors: Sides[float] = _UNCHANGED
    recent_capture_bps: float | None = None
    losing_fills: int = 0
    risk_level: RiskLevel = RiskLevel.NORMAL
    margin_used: float = 0.0
    hedging: bool = False


NOTHING_OBSERVED = Observations()
