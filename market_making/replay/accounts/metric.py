"""What a measure of a run is, and how an interval is put around its value."""

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import Blocks
from market_making.replay.accounts.intervals import TOO_SHORT


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
