"""Makers on the same tapes: what each earned, and what it earned more or less than one of them in the same minutes.

The market is the same for all of them, so most of what moves one run moves the others too. Differences are taken block
by block, five minutes each, before an interval is put around their mean; it is far narrower than that of each run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from market_making.market.errors import ConfigurationError
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.blocks import BLOCK_S
from market_making.replay.accounts.intervals import LEAST_BLOCKS, TOO_SHORT, batch_means
from market_making.replay.accounts.metric import Measured
from market_making.replay.accounts.metrics import verdict
from market_making.replay.accounts.money_metrics import MoneyBps, MoneyPerHour
from market_making.replay.accounts.quoting_metrics import FillsPerHour, Uptime

SPLIT_S = 1.0


@dataclass(frozen=True)
class Contestant:
    """A maker and its run.

    Parameters
    ----------
    name : str
        Of the strategy or peer.
    is_peer : bool
        Whether it is somebody else's.
    accounts : Accounts
        Of its run.
    """

    name: str
    is_peer: bool
    accounts: Accounts


@dataclass(frozen=True)
class Standing:
    """A maker in a comparison: its net per hour, and that less the baseline's; None for the baseline itself."""

    contestant: Contestant
    net: Measured
    difference: Measured | None

    @property
    def coin(self) -> str:
        """Of its run."""
        return self.contestant.accounts.result.coin

    @property
    def verdict(self) -> str:
        """What its run says about the sign of what it earns."""
        return verdict(self.contestant.accounts) if self.contestant.accounts.fill_count else "no fills"

    def document(self) -> dict[str, Any]:
        """One row of `mm compare --json`; money per hour in quote currency, adverse selection within 1 s."""
        accounts, other = self.contestant.accounts, self.difference
        hours, money = accounts.seconds / 3600, accounts.money(SPLIT_S)
        net_bps = MoneyBps().compute(accounts)
        return {
            "name": self.contestant.name,
            "kind": "peer" if self.contestant.is_peer else "variant",
            "coin": self.coin,
            "net_per_hour": self.net.value,
            "low": self.net.low,
            "high": self.net.high,
            "difference": None if other is None else other.value,
            "difference_low": None if other is None else other.low,
            "difference_high": None if other is None else other.high,
            "gross_per_hour": (money.net + money.fees) / hours,
            "spread_per_hour": money.spread / hours,
            "adverse_per_hour": money.adverse / hours,
            "inventory_per_hour": money.inventory / hours,
            "fees_per_hour": money.fees / hours,
            "net_bps": net_bps.value,
            "fills": accounts.fill_count,
            "fills_per_hour": FillsPerHour().compute(accounts).value,
            "volume": accounts.volume,
            "uptime": Uptime().compute(accounts).value,
            "seconds": accounts.seconds,
            "verdict": self.verdict,
        }


def compare(contestants: Sequence[Contestant], baseline: str) -> list[Standing]:
    """Hold makers of one coin against one of them, the best first.

    Parameters
    ----------
    contestants : Sequence[Contestant]
        Runs over the same tapes.
    baseline : str
        Name of the maker that the others are held against.

    Raises
    ------
    ConfigurationError
        If there is none of this name.
    """
    known = {each.name: each.accounts for each in contestants}
    if baseline not in known:
        raise ConfigurationError(f"the baseline must be one of {', '.join(known)}, got {baseline}")
    standings = [
        Standing(
            each,
            MoneyPerHour().compute(each.accounts),
            None if each.name == baseline else paired(each.accounts, known[baseline]),
        )
        for each in contestants
    ]
    return sorted(standings, key=lambda standing: -(standing.net.value or 0.0))


def paired(accounts: Accounts, baseline: Accounts) -> Measured:
    """How much more one run earned per hour than another over the same tapes, with the interval of batch means.

    Raises
    ------
    ConfigurationError
        If they are not over the same tapes.
    """
    blocks, others = accounts.blocks, baseline.blocks
    if not np.array_equal(blocks.seconds, others.seconds):
        raise ConfigurationError(
            f"runs must be over the same tapes to be compared, got {accounts.seconds:.0f} s of "
            f"{accounts.result.strategy} and {baseline.seconds:.0f} s of {baseline.result.strategy}"
        )
    moves, whole = blocks.net - others.net, blocks.whole
    value, n = float(np.sum(moves)) / accounts.seconds * 3600, int(np.sum(whole))
    half = batch_means(moves[whole]) / BLOCK_S * 3600
    if n < LEAST_BLOCKS or not isfinite(half):
        return Measured(value, n=n, note=TOO_SHORT)
    return Measured(value, value - half, value + half, n)
