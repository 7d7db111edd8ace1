"""Measures of what a run has earned: money and markouts, with intervals of batch means, drawdown and Sharpe ratio."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import kurtosis, skew

from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import BLOCK_S
from market_making.replay.accounts.intervals import (
    TOO_SHORT,
    batch_means,
    batch_ratio,
    stationary_bootstrap,
)
from market_making.replay.accounts.ledger import Equity
from market_making.replay.accounts.metric import Measured, part, within

_BLOCKS_PER_YEAR = 365 * 86_400 / BLOCK_S
_BOOTSTRAP_S, _BOOTSTRAP_BLOCK_S = 10.0, 60.0


@dataclass(frozen=True)
class MoneyPerHour:
    """One part of the money per hour, and the interval of batch means."""

    part: str = "net"
    horizon_s: float = 1.0

    @property
    def name(self) -> str:
        """Name of the part and unit."""
        return f"{self.part} [per hour]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        money = part(blocks, self.part, self.horizon_s)
        value = float(np.sum(money)) / accounts.seconds * 3600
        half = batch_means(money[blocks.whole]) / BLOCK_S * 3600
        return within(value, half, accounts, int(np.sum(blocks.whole)))


@dataclass(frozen=True)
class MoneyBps:
    """One part of the money relative to the volume [bps]."""

    part: str = "net"
    horizon_s: float = 1.0

    @property
    def name(self) -> str:
        """Name of the part and unit."""
        return f"{self.part} [bps of volume]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        if not accounts.volume:
            return Measured(None, note="no fills")
        money = part(blocks, self.part, self.horizon_s)
        value = float(np.sum(money)) / accounts.volume * 1e4
        half = batch_ratio(money, blocks.volume) * 1e4
        return within(value, half, accounts, accounts.fill_count)


@dataclass(frozen=True)
class Markout:
    """Mean signed move of mid from before a fill to some seconds after it, weighted by value [bps]."""

    horizon_s: float

    @property
    def name(self) -> str:
        """Horizon and unit."""
        return f"markout after {self.horizon_s:g} s [bps]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        return MoneyBps("adverse selection", self.horizon_s).compute(accounts)


@dataclass(frozen=True)
class Bootstrapped:
    """Net per hour with the interval of a stationary bootstrap, to be read beside batch means."""

    name: str = "net, bootstrap [per hour]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        steps = []
        for session in accounts.sessions:
            times = np.arange(session.start_ms, session.end_ms + 1, round(_BOOTSTRAP_S * 1e3), dtype=np.int64)
            steps.append(np.diff(Equity(session).at(times)))
        moves = np.concatenate(steps)
        found = stationary_bootstrap(moves, _BOOTSTRAP_BLOCK_S / _BOOTSTRAP_S)
        value = float(np.sum(accounts.blocks.net)) / accounts.seconds * 3600
        if found is None or not accounts.tells:
            return Measured(value, n=len(moves), note=TOO_SHORT)
        per_hour = 3600 / _BOOTSTRAP_S
        return Measured(value, found.low * per_hour, found.high * per_hour, len(moves))


@dataclass(frozen=True)
class Drawdown:
    """Largest fall of the money earned from its highest point so far [quote currency]; a maximum has no interval."""

    name: str = "drawdown"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        _, worth = accounts.equity()
        highest = np.maximum.accumulate(np.maximum(worth, 0.0))
        return Measured(float(np.max(highest - worth)), n=len(worth))


@dataclass(frozen=True)
class Sharpe:
    """Sharpe ratio of blocks of five minutes, scaled to a year of 365 days, with its standard error.

    It says nothing of a run that is too short, or whose sign its own error leaves open. Source of the standard error:
    Mertens (2002), which counts skewness and kurtosis. Scaling takes blocks for independent.
    """

    name: str = "Sharpe ratio [per year]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks.net[accounts.blocks.whole]
        deviation = float(np.std(blocks, ddof=1)) if len(blocks) > 1 else 0.0
        if not accounts.tells or not deviation:
            return Measured(None, n=len(blocks), note=TOO_SHORT)
        ratio = float(np.mean(blocks)) / deviation
        error = sharpe_error(ratio, blocks) * sqrt(_BLOCKS_PER_YEAR)
        value = ratio * sqrt(_BLOCKS_PER_YEAR)
        if abs(value) < 1.96 * error:
            return Measured(
                None, value - 1.96 * error, value + 1.96 * error, len(blocks), f"{TOO_SHORT}, ± {error:.0f}"
            )
        return Measured(value, value - 1.96 * error, value + 1.96 * error, len(blocks), f"standard error {error:.0f}")


def sharpe_error(ratio: float, blocks: FloatArray) -> float:
    """Standard error of a Sharpe ratio, per block."""
    skewness, excess = float(skew(blocks)), float(kurtosis(blocks))
    return sqrt(max(1 + ratio**2 / 2 - skewness * ratio + excess / 4 * ratio**2, 0.0) / (len(blocks) - 1))
