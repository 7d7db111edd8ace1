"""All measures of a run, each a small class that returns a value, its 95 % interval and what it is made from.

A value is None where nothing can be said, and the note says why. Money and rates have intervals of batch means.
"""

from math import nan

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.intervals import TOO_SHORT, Interval
from market_making.replay.accounts.ledger import HORIZONS_S
from market_making.replay.accounts.metric import PARTS, Metric
from market_making.replay.accounts.money_metrics import (
    Bootstrapped,
    Drawdown,
    Markout,
    MoneyBps,
    MoneyPerHour,
    Sharpe,
)
from market_making.replay.accounts.quoting_metrics import (
    FillsPerHour,
    LargestInventory,
    MakerRatio,
    MeanInventory,
    QueueWait,
    TimeAtTouch,
    Turnover,
    Uptime,
)

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
