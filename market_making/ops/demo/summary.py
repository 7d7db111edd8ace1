"""What one run of the demo did: its figures, every way in which it fell short, and the tables that show both."""

import shlex
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from market_making.ops.demo.audit import decisions_in, unaccounted, unrecorded
from market_making.ops.demo.explained import last_quote
from market_making.ops.demo.run import Demo, Observations
from market_making.ops.units import UNITS


def summarise(run: Demo, seen: Observations) -> dict[str, Any]:
    """The figures of one run and every way in which it fell short."""
    quote = last_quote(run.files.decisions)
    summary: dict[str, Any] = {
        "minutes": round(seen.traded_s / 60, 3),
        "source": "simulated" if run.options.recording is None else str(run.options.recording),
        "coins": list(run.options.coins),
        "calibrations": len(seen.published),
        "forced_exit": seen.forced_exit,
        "explained": None if quote is None else quote._asdict(),
        "unaccounted": [],
        "failures": list(seen.failures),
    }
    if not seen.audit:
        summary["failures"].append("the exchange was never reached")
        return summary
    summary |= venue_figures(seen.audit)
    if run.files.database.exists():
        filled, lines = {int(fill["oid"]) for fill in seen.fills}, decisions_in(run.files.decisions)
        summary["unaccounted"] = unaccounted(run.files.database, seen.audit["positions"], filled, run.options.coins)
        summary["unaccounted"] += unrecorded(lines, seen.fills)
    summary["failures"] += [*shortcomings(summary), *summary["unaccounted"]]
    return summary


def venue_figures(audit: dict[str, Any]) -> dict[str, Any]:
    """The summary's part of the venue's audit. A quote is an order that may rest; a market order is none."""
    orders, resting = audit["orders_by_tif"], audit["resting_s"]
    post_only = orders.get("Alo", 0)
    quotes = post_only + orders.get("Gtc", 0)
    quoting_s = resting["bid_only"] + resting["ask_only"] + resting["both"]
    return {
        "quotes_placed": quotes,
        "quotes_cancelled": audit["cancels"],
        "fills": audit["fills"],
        "round_trips": audit["round_trips"],
        "volume": audit["volume"],
        "fees": audit["fees"],
        "net_pnl": audit["net_pnl"],
        "post_only_share": post_only / quotes if quotes else 0.0,
        "rejected": audit["rejected"],
        "actions": audit["actions"],
        "fill_to_quote_ms_median": audit["fill_to_quote_ms_median"],
        "both_sides_share": resting["both"] / quoting_s if quoting_s else 0.0,
        "bid_s": resting["bid_only"] + resting["both"],
        "ask_s": resting["ask_only"] + resting["both"],
        "taker_fills": audit["taker_fills"],
        "open_orders_left": audit["open_orders"],
        "position_left": sum(abs(size) for size in audit["positions"].values()),
    }


def shortcomings(summary: dict[str, Any]) -> list[str]:
    """Say what a run should have done and has not."""
    wanted = {
        "no calibration was published": summary["calibrations"] > 0,
        "no quote rested": summary["quotes_placed"] > 0,
        "no bid rested": summary["bid_s"] > 0,
        "no ask rested": summary["ask_s"] > 0,
        "nothing was filled": summary["fills"] > 0,
        "no round trip was made": summary["round_trips"] > 0,
        f"only {summary['post_only_share']:.1%} of the quotes were post-only": summary["post_only_share"] == 1,
        f"{summary['open_orders_left']} orders were left open": not summary["open_orders_left"],
        f"a position of {summary['position_left']:g} was left": not summary["position_left"],
    }
    return [text for text, holds in wanted.items() if not holds]


def show_summary(console: Console, run: Demo, seen: Observations, summary: dict[str, Any]) -> None:
    """Print the figures, the published parameters beside the true ones, and what failed."""
    if seen.audit:
        console.print(_figures(summary))
    if seen.truth:
        for coin, published in seen.last.items():
            console.print(_against_truth(coin, published, seen.truth[coin]))
    elif seen.audit:
        console.print(
            "A real recording at the base fee loses money at these depths: the demo quotes closer than the model "
            "would, so that there is something to see. The table of quotes below is the model's own."
        )
    if quote := last_quote(run.files.decisions):
        console.print(quote.table())
    console.print(f"logs, parameters, decisions and trades of this run: {run.files.folder}", soft_wrap=True)
    show_verdict(console, summary["failures"])
    if seen.last:
        _show_next(console, run)


def show_verdict(console: Console, failures: list[str]) -> None:
    """Print every failure, or that there is none."""
    for failure in failures:
        console.print(f"[red]failed:[/red] {escape(failure)}", highlight=False)
    if not failures:
        console.print("[green]all is well[/green]")


def _show_next(console: Console, run: Demo) -> None:
    console.print("next:")
    for command, meaning in next_commands(run).items():
        console.print(f"  {command}    # {meaning}", markup=False, highlight=False, soft_wrap=True)


def show_places(console: Console, run: Demo) -> None:
    """Print where the run can be watched; the password of the bot's API stands in a file that only its owner reads."""
    files = run.files
    for what, place in {
        "the page": f"http://127.0.0.1:{run.page_port}",
        "logs": files.logs,
        "parameters": files.parameters,
        "the bot's API": f"http://127.0.0.1:{run.api_port}/api/v1 (user demo, password in {files.config})",
        "the whole system": f"mm status -c {shlex.quote(str(files.config))}",
    }.items():
        console.print(f"{what}: {place}", markup=False, highlight=False, soft_wrap=True)


def next_commands(run: Demo) -> dict[str, str]:
    """Three commands to go on with, complete, and what each shows."""
    coin = run.options.coins[0]
    parameters, database = (
        shlex.quote(place) for place in (str(run.files.parameters), f"sqlite:///{run.files.database}")
    )
    return {
        f"mm quotes {coin} --parameters {parameters}": "the model's bid and ask for every inventory",
        f"freqtrade show-trades --db-url {database}": "what the bot traded",
        f"mm collect --coin {coin}": "record the real market; then mm calibrate, see commands.md",
    }


def _figures(summary: dict[str, Any]) -> Table:
    table = Table("what", "figure", title=f"{summary['minutes']:.1f} minutes on a {summary['source']} market")
    median = summary["fill_to_quote_ms_median"]
    rows = {
        "calibrations published": str(summary["calibrations"]),
        "quotes placed / cancelled": f"{summary['quotes_placed']} / {summary['quotes_cancelled']}",
        "a bid rested / an ask rested": f"{summary['bid_s']:.0f} s / {summary['ask_s']:.0f} s",
        "share of that time with both": f"{summary['both_sides_share']:.0%}",
        "fills (of them taker), round trips": (
            f"{summary['fills']} ({summary['taker_fills']}), {summary['round_trips']}"
        ),
        "volume": f"{summary['volume']:.2f} USDC",
        "fees": f"{summary['fees']:.4f} USDC",
        "net result": f"{summary['net_pnl']:+.4f} USDC",
        "share of post-only orders": f"{summary['post_only_share']:.0%}",
        "rejected orders": str(summary["rejected"]),
        "actions sent": str(summary["actions"]),
        "fill to opposite quote, median": "–" if median is None else f"{median:.0f} ms",
        "orders / position left open": f"{summary['open_orders_left']} / {summary['position_left']:g}",
        "unaccounted orders or positions": str(len(summary["unaccounted"])),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _against_truth(coin: str, published: Any, truth: dict[str, Any]) -> Table:
    table = Table("parameter", "true", "published", "95 % interval", title=f"{coin}: the simulation's truth")
    for direction in ("buy", "sell"):
        for name, estimate in getattr(published, direction):
            true = truth[direction].get(name)
            if true is not None:
                inside = estimate.low <= true <= estimate.high
                table.add_row(
                    escape(f"{name} ({direction}) [{UNITS[name]}]"),
                    f"{true:.4g}",
                    f"{estimate.value:.4g}",
                    f"[{estimate.low:.4g}, {estimate.high:.4g}]" + ("" if inside else "  (outside)"),
                )
    return table
