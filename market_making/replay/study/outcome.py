"""What came of one setting on one unit, small enough to be sent from machine to machine, and what several say."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from market_making.market.errors import MarketMakingError
from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import BLOCK_S
from market_making.replay.accounts.intervals import LEAST_BLOCKS, LEAST_FILLS, TOO_SHORT, batch_means
from market_making.replay.accounts.metric import Measured
from market_making.replay.result import BoolArray, ReplayResult

OBJECTIVES = ("net_per_hour", "net_per_hour_low", "net_bps", "sharpe")
_BLOCKS_PER_YEAR = 365 * 86_400 / BLOCK_S


class Unscored(MarketMakingError):
    """What was made cannot be scored by the objective."""


@dataclass(frozen=True)
class Outcome:
    """Money in blocks of five minutes, arrays of shape (b,).

    Attributes
    ----------
    seconds, net, volume : FloatArray
        Length [s], net and value traded of each block [quote currency].
    fills : int
        Number of fills.
    """

    seconds: FloatArray
    net: FloatArray
    volume: FloatArray
    fills: int

    @classmethod
    def of(cls, result: ReplayResult) -> "Outcome":
        """Take it out of a run, whose money must add up."""
        accounts = Accounts(result)
        blocks = accounts.blocks
        return cls(blocks.seconds, blocks.net, blocks.volume, accounts.fill_count)

    @classmethod
    def joined(cls, parts: Sequence["Outcome"]) -> "Outcome":
        """Several units, one after the other."""
        return cls(
            np.concatenate([part.seconds for part in parts]),
            np.concatenate([part.net for part in parts]),
            np.concatenate([part.volume for part in parts]),
            sum(part.fills for part in parts),
        )

    @property
    def whole(self) -> BoolArray:
        """Which blocks have their full length."""
        return np.asarray(self.seconds > 0.999 * BLOCK_S)

    @property
    def net_per_hour(self) -> Measured:
        """Net per hour and coin with the interval of batch means [quote currency]."""
        return _per_hour(self.net, self, self.fills >= LEAST_FILLS)

    @property
    def net_bps(self) -> float | None:
        """Net relative to the volume [bps]; None without fills."""
        volume = float(np.sum(self.volume))
        return float(np.sum(self.net)) / volume * 1e4 if volume else None

    def less(self, other: "Outcome") -> Measured:
        """How much more per hour than another one over the same units, block by block."""
        return _per_hour(self.net - other.net, self, enough=True)

    def score(self, objective: str) -> float:
        """The value that is to be as large as possible.

        Raises
        ------
        Unscored
            If there are too few fills or blocks for it.
        """
        value = self._value(objective)
        if value is None or not isfinite(value):
            raise Unscored(f"{objective} needs {LEAST_FILLS} fills in {LEAST_BLOCKS} blocks, got {self.fills} fills")
        return value

    def _value(self, objective: str) -> float | None:
        if objective == "net_per_hour":
            return self.net_per_hour.value
        if objective == "net_per_hour_low":
            return self.net_per_hour.low
        if objective == "net_bps":
            return self.net_bps if self.fills >= LEAST_FILLS else None
        blocks = self.net[self.whole]
        if len(blocks) < LEAST_BLOCKS or self.fills < LEAST_FILLS or not np.ptp(blocks):
            return None
        return float(np.mean(blocks) / np.std(blocks, ddof=1)) * sqrt(_BLOCKS_PER_YEAR)


def _per_hour(money: FloatArray, outcome: Outcome, enough: bool) -> Measured:
    value = float(np.sum(money) / np.sum(outcome.seconds)) * 3600
    n = int(np.sum(outcome.whole))
    half = batch_means(money[outcome.whole]) / BLOCK_S * 3600
    if n < LEAST_BLOCKS or not enough or not isfinite(half):
        return Measured(value, n=n, note=TOO_SHORT)
    return Measured(value, value - half, value + half, n)
