"""Targets that a user sets, held against what was measured: met, missed, or not enough data to tell.

A target is met when the whole 95 % interval of the measure meets it, and missed when none of it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.intervals import TOO_SHORT
from market_making.replay.accounts.metric import Measured, Metric
from market_making.replay.accounts.money_metrics import Drawdown, MoneyBps, Sharpe
from market_making.replay.accounts.quoting_metrics import FillsPerHour, MakerRatio

TARGETS = ("maker_ratio", "trades_per_day", "sharpe", "drawdown", "capture_bps")


class Verdict(StrEnum):
    """What a measure says of a target."""

    MET = "met"
    MISSED = "missed"
    OPEN = "not enough data"


@dataclass(frozen=True)
class Checked:
    """A target of one coin with what was measured; `wanted` is a least value, of the drawdown a largest one."""

    coin: str
    name: str
    wanted: float
    measured: Measured
    verdict: Verdict

    def document(self) -> dict[str, Any]:
        """One entry of `mm verify --json`."""
        measured = {name: getattr(self.measured, name) for name in ("value", "low", "high", "n", "note")}
        return {"coin": self.coin, "name": self.name, "wanted": self.wanted} | measured | {"result": str(self.verdict)}


def check(accounts: Accounts, wanted: Mapping[str, float]) -> list[Checked]:
    """Hold a run against targets.

    Parameters
    ----------
    accounts : Accounts
        Of a run over days on which nothing was tuned.
    wanted : Mapping
        Targets by name (`TARGETS`): shares, trades per day, Sharpe ratio per year, money and basis points.
    """
    found = []
    for name, value in wanted.items():
        measured = _measured(accounts, name)
        at_most = name == "drawdown"
        verdict = _at_most(accounts, measured, value) if at_most else _at_least(measured, value)
        found.append(Checked(accounts.result.coin, name, value, measured, verdict))
    return found


def together(checked: Sequence[Checked]) -> Verdict:
    """One verdict on all: missed if one is, open if one is and none is missed."""
    verdicts = {each.verdict for each in checked}
    return next((verdict for verdict in (Verdict.MISSED, Verdict.OPEN) if verdict in verdicts), Verdict.MET)


def _measured(accounts: Accounts, name: str) -> Measured:
    if name == "trades_per_day":
        return _times(FillsPerHour().compute(accounts), 24)
    metrics: dict[str, Metric] = {
        "maker_ratio": MakerRatio(),
        "sharpe": Sharpe(),
        "drawdown": Drawdown(),
        "capture_bps": MoneyBps("spread captured"),
    }
    return metrics[name].compute(accounts)


def _times(measured: Measured, factor: float) -> Measured:
    low, high = measured.low, measured.high
    return Measured(
        None if measured.value is None else measured.value * factor,
        None if low is None else max(low, 0.0) * factor,
        None if high is None else high * factor,
        measured.n,
        measured.note,
    )


def _at_least(measured: Measured, wanted: float) -> Verdict:
    if measured.low is None or measured.high is None:
        return Verdict.OPEN
    if measured.low >= wanted:
        return Verdict.MET
    return Verdict.MISSED if measured.high < wanted else Verdict.OPEN


def _at_most(accounts: Accounts, measured: Measured, wanted: float) -> Verdict:
    """A fall that was seen was seen; that none was seen tells nothing where little was replayed."""
    if measured.value is not None and measured.value > wanted:
        return Verdict.MISSED
    return Verdict.MET if accounts.tells else Verdict.OPEN


def why_open(checked: Checked) -> str:
    """Why a target could not be decided."""
    return checked.measured.note or (TOO_SHORT if checked.measured.low is None else "its interval holds the target")
