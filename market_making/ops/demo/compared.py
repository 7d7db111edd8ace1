"""What came of a comparison: figures of each variant with their intervals, and differences to the first one.

Mid is that of the recorded market. A fill is *picked off* if the market's own book came to its price while it still
stood there: nobody had to trade, it was simply late. Money is the change of the account's value, positions at mid; its
interval, like that of the difference on the same market, is from the changes of one second after the other. A markout
is the move of mid in favour of the fill, from its price, before the fee.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from scipy.stats import chi2

from market_making.market.tape import FloatArray, QuoteTape
from market_making.ops.demo.comparison import Comparison, Lane
from market_making.recording.store.tick_store import TickStore

HORIZONS_S = (0.0, 1.0, 5.0, 30.0)
_95 = 1.96
_LONGEST_S = int(max(HORIZONS_S))


class Figure(NamedTuple):
    """A value with its 95 % interval; all None where there is nothing to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __format__(self, spec: str) -> str:
        if self.value is None:
            return "–"
        if self.low is None or self.high is None:
            return format(self.value, spec)
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


@dataclass(frozen=True)
class Compared:
    """Figures of one variant: counts, markouts by horizon [s → bps], money [USDC/h], times [ms].

    `difference` is the money above that of the first variant on the same market.
    """

    name: str
    fills: Figure
    picked_off: Figure
    markout_bps: dict[str, Figure]
    money: Figure
    difference: Figure
    actions: int
    rejected: int
    fill_to_quote_ms_median: float | None

    def to_plain(self) -> dict[str, Any]:
        """The same for JSON; a figure is an object of `value`, `low` and `high`."""
        plain = asdict(self)
        for name in ("fills", "picked_off", "money", "difference"):
            plain[name] = getattr(self, name)._asdict()
        plain["markout_bps"] = {horizon: figure._asdict() for horizon, figure in self.markout_bps.items()}
        return plain


def compared(run: Comparison) -> list[Compared]:
    """Figures of all variants of a run, in their order."""
    coin = run.options.coins[0]
    stamps = [fill["time_ms"] for lane in run.lanes for fill in lane.fills]
    if not stamps:
        return [figures_of(lane, None, run.lanes[0]) for lane in run.lanes]
    start_ms, end_ms = min(stamps) - 10_000, max(stamps) + (_LONGEST_S + 5) * 1000
    quotes = TickStore(run.files.market_data).tape(coin, start_ms, end_ms).quotes
    return [figures_of(lane, quotes, run.lanes[0]) for lane in run.lanes]


def figures_of(lane: Lane, quotes: QuoteTape | None, first: Lane) -> Compared:
    """Figures of one variant, with the recorded quotes of the market and the variant it is compared with."""
    moves = {horizon: _markouts(lane, quotes, horizon) for horizon in HORIZONS_S}
    picked = sum(bool(fill["crossed"]) for fill in lane.fills)
    times = lane.last["fill_to_quote_ms"][len(lane.first["fill_to_quote_ms"]) :]
    return Compared(
        lane.variant.name,
        counted(len(lane.fills)),
        counted(picked),
        {f"{horizon:g}": mean_of(move) for horizon, move in moves.items()},
        _hourly(_changes(lane)),
        _hourly(_paired(lane, first)) if lane is not first else Figure(None),
        lane.last["actions"] - lane.first["actions"],
        lane.last["rejected"] - lane.first["rejected"],
        float(np.median(times)) if times else None,
    )


def _markouts(lane: Lane, quotes: QuoteTape | None, horizon_s: float) -> FloatArray:
    """Moves of mid in favour of each fill within a horizon [bps]; fills after which nothing is known are left out."""
    if quotes is None or not lane.fills or not len(quotes.time_ms):
        return np.empty(0)
    until = np.array([fill["time_ms"] + round(horizon_s * 1e3) for fill in lane.fills])
    # The book of the fill's own block has its stamp and comes after it.
    at = np.searchsorted(quotes.time_ms, until, side="right") - 1
    known = (at >= 0) & (until <= quotes.time_ms[-1])
    price = np.array([fill["price"] for fill in lane.fills])
    sign = np.array([1.0 if fill["side"] == "buy" else -1.0 for fill in lane.fills])
    moves: FloatArray = (sign * (quotes.mid[at] - price) / price * 1e4)[known]
    return moves


def _changes(lane: Lane) -> FloatArray:
    """Change of the account's value [USDC/s] from one sample to the next, and how long it took."""
    time_s, value = np.array(lane.equity).T
    return np.column_stack((np.diff(value), np.diff(time_s)))


def _paired(lane: Lane, first: Lane) -> FloatArray:
    """The same of the difference of two accounts on the same market."""
    changes, of_first = _changes(lane), _changes(first)
    return np.column_stack((changes[:, 0] - of_first[:, 0], changes[:, 1]))


def _hourly(changes: FloatArray) -> Figure:
    """Sum of changes per hour [USDC/h]."""
    steps, seconds = changes[:, 0], float(changes[:, 1].sum())
    total, error = float(steps.sum()), float(np.std(steps, ddof=1)) * sqrt(len(steps))
    hours = seconds / 3600
    return Figure(total / hours, (total - _95 * error) / hours, (total + _95 * error) / hours)


def counted(number: int) -> Figure:
    """A count with the exact interval of a Poisson rate."""
    low = chi2.ppf(0.025, 2 * number) / 2 if number else 0.0
    return Figure(number, float(low), float(chi2.ppf(0.975, 2 * number + 2) / 2))


def mean_of(values: FloatArray) -> Figure:
    """Mean with the interval of its standard error."""
    if len(values) < 2:
        return Figure(float(values[0])) if len(values) else Figure(None)
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / sqrt(len(values)))
    return Figure(mean, mean - _95 * error, mean + _95 * error)


def table_of(rows: Sequence[Compared], title: str) -> Table:
    """All variants side by side."""
    table = Table("what", *(row.name for row in rows), title=title)
    lines = {
        "fills": [f"{row.fills:.0f}" for row in rows],
        "of them picked off": [f"{row.picked_off:.0f}" for row in rows],
        **{
            f"mid {'at once' if horizon == '0' else horizon + ' s later'} [bps]": [
                f"{row.markout_bps[horizon]:+.2f}" for row in rows
            ]
            for horizon in rows[0].markout_bps
        },
        "money after fees [USDC/h]": [f"{row.money:+.2f}" for row in rows],
        "above the first [USDC/h]": [f"{row.difference:+.2f}" for row in rows],
        "actions": [str(row.actions) for row in rows],
        "refused orders": [str(row.rejected) for row in rows],
        "fill to opposite quote, median [ms]": [
            "–" if row.fill_to_quote_ms_median is None else f"{row.fill_to_quote_ms_median:.0f}" for row in rows
        ],
    }
    for name, cells in lines.items():
        table.add_row(escape(name), *cells)
    return table


def summarise_comparison(run: Comparison) -> dict[str, Any]:
    """The figures of a run for JSON, and every way in which it fell short."""
    rows = compared(run) if all(lane.equity and lane.last for lane in run.lanes) else []
    failures = [*run.seen.failures, *(f"{row.name}: nothing was filled" for row in rows if not row.fills.value)]
    return {
        "minutes": round(run.seen.traded_s / 60, 3),
        "source": "simulated" if run.options.recording is None else str(run.options.recording),
        "coins": list(run.options.coins),
        "variants": [row.to_plain() for row in rows],
        "failures": failures,
    }


def show_comparison(console: Console, run: Comparison, summary: dict[str, Any]) -> None:
    """Print a table of all variants, and what failed."""
    if summary["variants"]:
        title = (
            f"{summary['minutes']:.1f} minutes of one {summary['source']} market, 100 ms round trip, 300 ms exchange"
        )
        console.print(table_of(compared(run), title))
        console.print("Values with their 95 % intervals; picked off: the market came to an order that was late.")
    console.print(f"logs, decisions and trades of each bot: {run.files.folder}", soft_wrap=True)
    for failure in summary["failures"]:
        console.print(f"[red]failed:[/red] {escape(failure)}", highlight=False)
