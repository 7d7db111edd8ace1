"""What a two-sided demo did: the result of both legs in one place, and every way in which it fell short."""

import shlex
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from market_making.ops.demo.audit import unaccounted, unrecorded
from market_making.ops.demo.leg_samples import self_trades
from market_making.ops.demo.run import Observations
from market_making.ops.demo.summary import shortcomings, show_verdict, venue_figures
from market_making.ops.demo.two_sided import Leg, TwoSidedDemo
from market_making.safety.leg_pair import transfer_between
from market_making.trading.decision_log import read_decisions

_SUMMED = (
    *("quotes_placed", "quotes_cancelled", "fills", "round_trips", "volume", "fees", "net_pnl", "rejected", "actions"),
    *("bid_s", "ask_s", "taker_fills", "open_orders_left", "position_left"),
)


def summarise_legs(run: TwoSidedDemo, seen: Observations) -> dict[str, Any]:
    """The figures of both legs together, of each, and every way in which the run fell short."""
    summary: dict[str, Any] = {
        "minutes": round(seen.traded_s / 60, 3),
        "source": "simulated" if run.options.recording is None else str(run.options.recording),
        "coins": list(run.options.coins),
        "calibrations": len(seen.published),
        "forced_exit": seen.forced_exit,
        "unaccounted": [],
        "failures": list(seen.failures),
    }
    if len(run.audits) < 2:
        summary["failures"].append("the exchange was never reached")
        return summary
    summary["legs"] = {leg.name: _of_leg(run, leg) for leg in run.legs}
    summary |= _together(run, summary["legs"])
    summary["unaccounted"] = [text for leg in run.legs for text in _differences(run, leg)]
    summary["failures"] += [*shortcomings(summary), *_of_legs(summary), *summary["unaccounted"]]
    return summary


def _of_leg(run: TwoSidedDemo, leg: Leg) -> dict[str, Any]:
    audit = run.audits[leg.name]
    return venue_figures(audit | {"fills": len(audit["fills"])}) | {"equity": audit["equity"]}


def _together(run: TwoSidedDemo, legs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sums of both legs, and what only both together have."""
    rested = run.samples.figures()
    both = {name: sum(leg[name] for leg in legs.values()) for name in _SUMMED}
    placed = both["quotes_placed"]
    post_only = sum(leg["post_only_share"] * leg["quotes_placed"] for leg in legs.values())
    transfer = transfer_between(*(leg["equity"] for leg in legs.values()))
    return both | {
        "post_only_share": post_only / placed if placed else 0.0,
        "fill_to_quote_ms_median": None if rested.back_s is None else 1e3 * rested.back_s,
        "both_sides_share": rested.both,
        "one_side_share": rested.one,
        "same_side_share": rested.same,
        "same_side_longest_s": rested.same_longest_s,
        "idle_capital_share": rested.idle_capital,
        "crossings": rested.crossings,
        "self_trades": self_trades(run.audits),
        "transfer": None if transfer is None else transfer._asdict(),
    }


def _differences(run: TwoSidedDemo, leg: Leg) -> Iterator[str]:
    """Where the books of a leg's bot are not the venue's."""
    audit = run.audits[leg.name]
    if not leg.files.database.exists():
        return
    lines = list(read_decisions(*sorted(run.files.decisions.glob(f"market-making-{leg.name}-*.jsonl"))))
    filled = {int(fill["oid"]) for fill in audit["fills"]}
    for text in (
        *unaccounted(leg.files.database, audit["positions"], filled),
        *unrecorded(lines, audit["fills"]),
    ):
        yield f"{leg.name} leg: {text}"


def _of_legs(summary: dict[str, Any]) -> Iterator[str]:
    if not summary["both_sides_share"]:
        yield "both sides never rested together"
    for name, what in (("crossings", "the legs' quotes crossed"), ("self_trades", "the legs traded with each other")):
        if summary[name]:
            yield f"{what} {summary[name]} times"


def show_legs(console: Console, run: TwoSidedDemo, summary: dict[str, Any]) -> None:
    """Print both legs beside each other, and what failed."""
    if "legs" in summary:
        console.print(_table(summary))
        transfer = transfer_between(*(leg["equity"] for leg in summary["legs"].values()))
        if transfer is not None:
            console.print(f"to make the capital of both legs equal, {transfer.sentence}", highlight=False)
    files = run.files
    console.print(f"logs, parameters, decisions and trades of this run: {files.folder}", soft_wrap=True)
    show_verdict(console, summary["failures"])


def _table(summary: dict[str, Any]) -> Table:
    title = f"{summary['minutes']:.1f} minutes on a {summary['source']} market, two legs"
    table = Table("what", "long leg", "short leg", "both", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    columns = (*summary["legs"].values(), summary)
    for name, key, form in (
        ("quotes placed", "quotes_placed", "d"),
        ("quotes cancelled", "quotes_cancelled", "d"),
        ("actions sent", "actions", "d"),
        ("fills", "fills", "d"),
        ("of them taker", "taker_fills", "d"),
        ("volume [USDC]", "volume", ".2f"),
        ("fees [USDC]", "fees", ".4f"),
        ("net result [USDC]", "net_pnl", "+.4f"),
        ("orders left open", "open_orders_left", "d"),
        ("position left", "position_left", "g"),
    ):
        table.add_row(name, *(format(column[key], form) for column in columns))
    table.add_section()
    back = summary["fill_to_quote_ms_median"]
    for name, value in {
        "calibrations published": str(summary["calibrations"]),
        "time with both sides": f"{summary['both_sides_share']:.1%}",
        "with one side only": f"{summary['one_side_share']:.1%}",
        "with both legs on one side": f"{summary['same_side_share']:.1%}, {summary['same_side_longest_s']:.1f} s",
        "from a fill to both sides, median": "–" if back is None else f"{back:.0f} ms",
        "both hold, together nothing": f"{summary['idle_capital_share']:.1%}",
        "crossed, traded with each other": f"{summary['crossings']}, {summary['self_trades']}",
    }.items():
        table.add_row(name, "", "", value)
    return table


def show_places(console: Console, run: TwoSidedDemo) -> None:
    """Print where the run can be watched; the password of the bots' API stands in files that only their owner reads."""
    places = {"the page": f"http://127.0.0.1:{run.page_port}", "logs": str(run.files.logs)}
    places["parameters"] = str(run.files.parameters)
    for leg in run.legs:
        password = f"(user demo, password in {leg.files.config})"
        places[f"API of the {leg.name} leg"] = f"http://127.0.0.1:{leg.port}/api/v1 {password}"
    places["both legs"] = f"mm status -c {shlex.quote(str(run.legs[0].files.config))}"
    for what, place in places.items():
        console.print(f"{what}: {place}", markup=False, highlight=False, soft_wrap=True)
