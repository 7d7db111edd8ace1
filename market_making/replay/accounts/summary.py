"""The one document of a replay: what `mm replay --json` prints."""

from typing import Any

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.metrics import METRICS, verdict
from market_making.replay.accounts.money_metrics import Drawdown, Markout, MoneyBps
from market_making.replay.accounts.quoting_metrics import MakerRatio, MeanInventory, Uptime

SPLIT_S = 1.0


def document(accounts: Accounts) -> dict[str, Any]:
    """Figures of a run by name.

    Money in quote currency: net_pnl = spread_captured + adverse_selection + inventory_pnl + funding − fees, with
    adverse selection up to `SPLIT_S` after each fill. `metrics` holds every measure with its interval.
    """
    result, money = accounts.result, accounts.money(SPLIT_S)
    net_bps = MoneyBps("net").compute(accounts)
    markouts = {f"{horizon_s:g}": Markout(horizon_s).compute(accounts).value for horizon_s in accounts.horizons_s}
    events = sum(session.events for session in accounts.sessions)
    return {
        "strategy": result.strategy,
        "coin": result.coin,
        "engine": result.engine,
        "start_ms": accounts.sessions[0].start_ms,
        "end_ms": accounts.sessions[-1].end_ms,
        "seconds": accounts.seconds,
        "net_pnl": money.net,
        "gross_pnl": money.net + money.fees,
        "fees": money.fees,
        "funding": money.funding,
        "spread_captured": money.spread,
        "adverse_selection": money.adverse,
        "inventory_pnl": money.inventory,
        "fills": accounts.fill_count,
        "orders": accounts.order_count,
        "fill_rate": accounts.fill_count / accounts.order_count if accounts.order_count else None,
        "maker_ratio": MakerRatio().compute(accounts).value,
        "volume": accounts.volume,
        "capture_bps": MoneyBps("spread captured").compute(accounts).value,
        "markout_bps": markouts,
        "uptime": Uptime().compute(accounts).value,
        "inventory_mean_abs": MeanInventory().compute(accounts).value,
        "inventory_max_abs": accounts.largest_inventory(),
        "drawdown": Drawdown().compute(accounts).value,
        "net_bps_low": net_bps.low,
        "net_bps_high": net_bps.high,
        "events_per_second": events / result.wall_s if result.wall_s else None,
        "verdict": verdict(accounts),
        "metrics": {metric.name: vars(metric.compute(accounts)) for metric in METRICS},
    }
