"""Measures of a run, each a small class that returns a value, its 95 % interval and what it is made from.

A value is None where nothing can be said, and the note says why. Money and rates have intervals of batch means.
"""

from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import Protocol

import numpy as np
from scipy.stats import kurtosis, skew

from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import BLOCK_S, Blocks
from market_making.replay.accounts.intervals import (
    TOO_SHORT,
    Interval,
    batch_means,
    batch_ratio,
    median_interval,
    stationary_bootstrap,
    wilson,
)
from market_making.replay.accounts.ledger import HORIZONS_S, Equity

_BLOCKS_PER_YEAR = 365 * 86_400 / BLOCK_S
_BOOTSTRAP_S, _BOOTSTRAP_BLOCK_S = 10.0, 60.0


@dataclass(frozen=True)
class Measured:
    """A measure: `value`, ends of its 95 % interval, and `n`, the number of what it is made from.

    `low` and `high` are None where no interval is known; `note` says why something is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


class Metric(Protocol):
    """One measure of a run."""

    @property
    def name(self) -> str:
        """What it is called, with its unit."""
        ...

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        ...


PARTS = ("net", "spread captured", "adverse selection", "inventory", "funding", "fees")


def part(blocks: Blocks, name: str, horizon_s: float) -> FloatArray:
    """Money of one part by block [quote currency]; the horizon matters to adverse selection and inventory only."""
    if name == "adverse selection":
        return blocks.adverse[horizon_s]
    if name == "inventory":
        return blocks.inventory(horizon_s)
    return {"net": blocks.net, "spread captured": blocks.spread, "funding": blocks.funding, "fees": blocks.fees}[name]


def within(value: float, half: float, accounts: Accounts, n: int) -> Measured:
    """A value with its half width, where there is enough to tell one."""
    if not accounts.tells or not isfinite(half):
        return Measured(value, n=n, note=TOO_SHORT)
    return Measured(value, value - half, value + half, n)


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
class FillsPerHour:
    """Fills per hour."""

    name: str = "fills [per hour]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        value = accounts.fill_count / accounts.seconds * 3600
        half = batch_means(blocks.fills[blocks.whole]) / BLOCK_S * 3600
        return within(value, half, accounts, accounts.fill_count)


@dataclass(frozen=True)
class Uptime:
    """Share of the time in which an own order rested."""

    name: str = "uptime [share]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        value = float(np.sum(blocks.quoted_s)) / accounts.seconds
        return within(value, batch_ratio(blocks.quoted_s, blocks.seconds), accounts, int(np.sum(blocks.whole)))


@dataclass(frozen=True)
class TimeAtTouch:
    """Share of the quoted time in which an own order was at the market's best price or better."""

    name: str = "time at touch [share of uptime]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        quoted_s = float(np.sum(blocks.quoted_s))
        if not quoted_s:
            return Measured(None, note="nothing rested")
        value = float(np.sum(blocks.touch_s)) / quoted_s
        return within(value, batch_ratio(blocks.touch_s, blocks.quoted_s), accounts, int(np.sum(blocks.whole)))


@dataclass(frozen=True)
class QueueWait:
    """How long an order that was filled had waited for it: the median [s]."""

    name: str = "queue wait, median [s]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        waits = accounts.waits_s()
        if not len(waits):
            return Measured(None, note="no fills")
        found = median_interval(waits)
        low, high = (None, None) if found is None else found
        return Measured(float(np.median(waits)), low, high, len(waits), "" if found else TOO_SHORT)


@dataclass(frozen=True)
class MakerRatio:
    """Share of the fills of which our order rested."""

    name: str = "maker ratio [share of fills]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        made = sum(int(np.sum(session.fills.is_maker)) for session in accounts.sessions)
        found = wilson(made, accounts.fill_count)
        if found is None:
            return Measured(None, note="no fills")
        return Measured(made / accounts.fill_count, found.low, found.high, accounts.fill_count)


@dataclass(frozen=True)
class MeanInventory:
    """Mean absolute inventory over time [coins]."""

    name: str = "inventory, mean absolute [coins]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        value = float(np.sum(blocks.held)) / accounts.seconds
        return within(value, batch_ratio(blocks.held, blocks.seconds), accounts, int(np.sum(blocks.whole)))


@dataclass(frozen=True)
class LargestInventory:
    """Largest absolute inventory [coins]; a maximum has no interval."""

    name: str = "inventory, largest [coins]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        return Measured(accounts.largest_inventory(), n=accounts.fill_count)


@dataclass(frozen=True)
class Turnover:
    """How many times per hour the mean inventory was traded."""

    name: str = "turnover [inventories per hour]"

    def compute(self, accounts: Accounts) -> Measured:
        """Measure a run."""
        blocks = accounts.blocks
        held = float(np.sum(blocks.held_value))
        if not held:
            return Measured(None, note="nothing was held")
        value = accounts.volume / held * 3600
        return within(value, batch_ratio(blocks.volume, blocks.held_value) * 3600, accounts, accounts.fill_count)


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


METRICS: tuple[Metric, ...] = (
    *(MoneyPerHour(name) for name in PARTS),
    Bootstrapped(),
    *(MoneyBps(name) for name in PARTS),
    *(Markout(horizon_s) for horizon_s in HORIZONS_S),
    FillsPerHour(),
    Uptime(),
    TimeAtTouch(),
    QueueWait(),
    MakerRatio(),
    MeanInventory(),
    LargestInventory(),
    Turnover(),
    Drawdown(),
    Sharpe(),
)


def verdict(accounts: Accounts) -> str:
    """What the run says about its sign, in words."""
    net = MoneyPerHour().compute(accounts)
    found = Interval(nan, nan) if net.low is None or net.high is None else Interval(net.low, net.high)
    if net.low is None:
        return TOO_SHORT
    if found.low > 0:
        return "earns"
    return "loses" if found.high < 0 else "not distinguishable from zero"
