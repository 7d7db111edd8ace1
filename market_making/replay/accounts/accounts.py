"""The whole run: money of every fill, blocks of every session, and what metrics ask of them."""

from collections.abc import Sequence
from functools import cached_property
from math import fsum
from typing import NamedTuple

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.accounts.blocks import Blocks, blocks_of, joined
from market_making.replay.accounts.intervals import LEAST_BLOCKS, LEAST_FILLS
from market_making.replay.accounts.ledger import HORIZONS_S, Equity, FillMoney, fill_money
from market_making.replay.result import Outcome, ReplayResult, Session


class Money(NamedTuple):
    """Sums of a run [quote currency]; net = spread + adverse selection + inventory + funding − fees."""

    net: float
    spread: float
    adverse: float
    inventory: float
    funding: float
    fees: float


class Accounts:
    """What a replay earned and how.

    Parameters
    ----------
    result : ReplayResult
        The run.
    horizons_s : sequence of float
        Horizons of adverse selection [s].

    Raises
    ------
    Unaccounted
        If the money of a session does not add up to the engine's own account.
    NotEnoughData
        If the run has no session that lasts.
    """

    def __init__(self, result: ReplayResult, horizons_s: Sequence[float] = HORIZONS_S) -> None:
        self.result = result
        self.horizons_s = tuple(horizons_s)
        self.sessions = tuple(session for session in result.sessions if session.end_ms > session.start_ms)
        if not self.sessions:
            raise NotEnoughData(f"a replay of {result.coin} must hold a session that lasts, got none")
        self.fills: tuple[FillMoney, ...] = tuple(fill_money(session, self.horizons_s) for session in self.sessions)

    @cached_property
    def blocks(self) -> Blocks:
        """All sessions in blocks of five minutes."""
        return joined([blocks_of(session, money) for session, money in zip(self.sessions, self.fills, strict=True)])

    def money(self, horizon_s: float) -> Money:
        """Sums of the run, with adverse selection up to a horizon [s]."""
        spread = fsum(value for money in self.fills for value in money.spread)
        adverse = fsum(value for money in self.fills for value in money.adverse[horizon_s])
        inventory = fsum(value for money in self.fills for value in money.inventory(horizon_s))
        fees = fsum(value for money in self.fills for value in money.fee)
        funding = fsum(value for session in self.sessions for value in session.fundings.amount)
        net = fsum([spread, adverse, inventory, funding, -fees])
        return Money(net, spread, adverse, inventory, funding, fees)

    @property
    def seconds(self) -> float:
        """Length of all sessions [s]."""
        return fsum(session.seconds for session in self.sessions)

    @property
    def volume(self) -> float:
        """Value of all fills [quote currency]."""
        return float(np.sum(self.blocks.volume))

    @property
    def fill_count(self) -> int:
        """Number of fills."""
        return sum(len(session.fills.time_ms) for session in self.sessions)

    @property
    def order_count(self) -> int:
        """Number of orders that were asked for."""
        return sum(len(session.orders.price) for session in self.sessions)

    @property
    def tells(self) -> bool:
        """Whether there are enough blocks and fills for an interval to mean something."""
        return int(np.sum(self.blocks.whole)) >= LEAST_BLOCKS and self.fill_count >= LEAST_FILLS

    def waits_s(self) -> FloatArray:
        """How long each order that was filled had rested when its first part was filled [s]."""
        found = []
        for session in self.sessions:
            orders, fills = session.orders, session.fills
            first_ms = np.full(len(orders.price), np.iinfo(np.int64).max)
            np.minimum.at(first_ms, fills.order, fills.time_ms)
            was_filled = first_ms < np.iinfo(np.int64).max
            found.append((first_ms[was_filled] - orders.placed_ms[was_filled]) / 1e3)
        return np.concatenate(found)

    def outcomes(self) -> dict[str, int]:
        """How many orders ended how."""
        ended = np.concatenate([session.orders.outcome for session in self.sessions])
        return {outcome.name.lower(): int(np.sum(ended == outcome)) for outcome in Outcome}

    def equity(self) -> tuple[IntArray, FloatArray]:
        """Money earned at every change of the touch and at every fill, session after session [ms, quote currency]."""
        times, worth, before = [], [], 0.0
        for session in self.sessions:
            stamps = _stamps(session)
            earned = Equity(session).at(stamps) + before
            before = float(earned[-1])
            times.append(stamps)
            worth.append(earned)
        return np.concatenate(times), np.concatenate(worth)

    def largest_inventory(self) -> float:
        """Largest absolute inventory [coins]."""
        held = (np.abs(np.cumsum(session.fills.sign * session.fills.size)) for session in self.sessions)
        return max((float(np.max(coins)) for coins in held if len(coins)), default=0.0)


def _stamps(session: Session) -> IntArray:
    """Every moment at which equity changes, the ends of the session included."""
    ends = np.array([session.start_ms, session.end_ms])
    stamps = np.unique(np.concatenate([ends, session.touch.time_ms, session.fills.time_ms, session.fundings.time_ms]))
    return np.asarray(stamps[(stamps >= session.start_ms) & (stamps <= session.end_ms)])
