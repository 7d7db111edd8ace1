"""Measures of how a run has quoted: fills, uptime, time at the touch, queue, maker ratio, inventory, turnover."""

from dataclasses import dataclass

import numpy as np

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import BLOCK_S
from market_making.replay.accounts.intervals import (
    TOO_SHORT,
    batch_means,
    batch_ratio,
    median_interval,
    wilson,
)
from market_making.replay.accounts.metric import Measured, within


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
