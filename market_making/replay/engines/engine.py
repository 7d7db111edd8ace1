"""What a replay asks of an engine: a few calls, all in the exchange's time.

An engine knows no latency. Whoever drives it calls it when a request reaches the exchange, and looks at a book as old
as the bot would see it. So both engines, and a profile of measured latencies, need no word about it.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from market_making.market.errors import MarketMakingError
from market_making.market.events import Level
from market_making.market.instrument import Instrument
from market_making.market.sides import Side

_ALIKE = 1e-9  # of what was moved in all; beyond it is no rounding


class EngineFault(MarketMakingError):
    """An engine has failed, or its account is not that of its fills; the result of the run is worth nothing."""


@dataclass(frozen=True)
class EngineSettings:
    """What an engine is set up with.

    Parameters
    ----------
    instrument : Instrument
        Trading rules of the coin.
    maker_fee, taker_fee : float
        Fractions of the value.
    funding_rate : float
        Fraction of the value that longs pay to shorts at every full hour.
    legs : int
        Number of accounts.
    balance : float
        Deposit of each account [quote currency].
    """

    instrument: Instrument
    maker_fee: float = 0.00015
    taker_fee: float = 0.00045
    funding_rate: float = 0.0
    legs: int = 1
    balance: float = 1_000_000.0


class NewOrder(NamedTuple):
    """A post-only order: its number, from 1 on and never again, leg, side, price [price] and size [coins]."""

    number: int
    leg: int
    side: Side
    price: float
    size: float
    reduce_only: bool = False


class EngineFill(NamedTuple):
    """A part of an order that was filled: time [ms], number, price [price], size [coins], fee [quote currency]."""

    time_ms: int
    number: int
    price: float
    size: float
    fee: float
    is_maker: bool = True


class EngineFunding(NamedTuple):
    """A funding payment of a leg, positive where it received [quote currency]."""

    time_ms: int
    leg: int
    amount: float


class OrderNow(NamedTuple):
    """What the exchange says of an order: how much is filled [coins], and whether it still rests."""

    filled: float
    is_open: bool


class EngineAccount(NamedTuple):
    """What an engine has booked for all legs: position [coins], cash and fees paid [quote currency].

    `cash` is what was received for sales less what was paid for purchases, fees and funding.
    """

    position: float
    cash: float
    fees: float


class Engine(Protocol):
    """Fills orders from the rows of a tape.

    Attributes
    ----------
    name : str
        For results.
    fills, fundings : list
        Everything so far, ascending in time; fundings are complete once it is closed.
    """

    name: str
    fills: list[EngineFill]
    fundings: list[EngineFunding]

    def advance(self, time_ms: int, *, until_fill: bool = False) -> int:
        """Let everything happen up to and with this time [ms]; an earlier time changes nothing.

        With `until_fill` it stops at the first time at which an own order is filled. Returned is the time it has
        reached, which is never before the time of an earlier call [ms].

        Raises
        ------
        EngineFault
            If the engine fails.
        """
        ...

    def place(self, order: NewOrder) -> bool:
        """Let a post-only order arrive now; false if it is refused because it would take."""
        ...

    def cancel(self, number: int) -> None:
        """Let a cancellation arrive now; an order that has ended stays as it is."""
        ...

    def order(self, number: int) -> OrderNow:
        """What has become of an order until now."""
        ...

    def levels(self, side: Side, count: int) -> tuple[Level, ...]:
        """The market's best levels on one side now, without own orders, best first."""
        ...

    def close(self) -> EngineAccount:
        """End the run and return the engine's own account, checked against its fills.

        Raises
        ------
        EngineFault
            If they differ.
        """
        ...


def require_same_money(account: EngineAccount, engine: Engine, sides: dict[int, Side]) -> EngineAccount:
    """Hold an engine's account against its fills and fundings.

    Parameters
    ----------
    account : EngineAccount
        As the engine has booked it.
    engine : Engine
        With its fills.
    sides : dict[int, Side]
        Side of each order by its number.

    Raises
    ------
    EngineFault
        Naming what differs.
    """
    position = cash = fees = moved = 0.0
    for fill in engine.fills:
        sign = 1 if sides[fill.number] is Side.BID else -1
        position += sign * fill.size
        cash -= sign * fill.size * fill.price + fill.fee
        fees += fill.fee
        moved += fill.size * fill.price
    cash += sum(funding.amount for funding in engine.fundings)
    logged = EngineAccount(position, cash, fees)
    for name, own, theirs in zip(EngineAccount._fields, account, logged, strict=True):
        if abs(own - theirs) > _ALIKE * max(moved, 1.0):
            raise EngineFault(
                f"{name} of {engine.name} must be {theirs!r} by its {len(engine.fills)} fills, got {own!r}"
            )
    return account
