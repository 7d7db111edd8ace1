"""The plot of a comparison: what each maker earned per hour, and how much more or less than the baseline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from calibration.plots.style import BLUE, FAINT, GREY, INK, ORANGE, save, styled
from market_making.replay.accounts.metric import Measured
from market_making.replay.study.comparison import Standing

_WIDTH, _ROW, _AROUND = 14.0, 0.32, 1.0  # inches
_LINEAR = 0.2  # of the largest value: around zero the axis is linear


def plot_comparison(standings: Sequence[Standing], baseline: str, path: Path) -> None:
    """Draw standings, a row of panels for each coin; the ending of the file tells the format."""
    with styled():
        save(comparison_picture(standings, baseline), path)


def comparison_picture(standings: Sequence[Standing], baseline: str) -> Figure:
    """The comparison as a figure."""
    coins: dict[str, list[Standing]] = {}
    for each in standings:
        coins.setdefault(each.coin, []).append(each)
    heights = [_AROUND + _ROW * len(rows) for rows in coins.values()]
    figure = Figure(figsize=(_WIDTH, sum(heights) + 0.9), layout="constrained")
    panels = figure.subplots(len(coins), 2, squeeze=False, height_ratios=heights, sharey="row")
    for (coin, rows), (left, right) in zip(coins.items(), panels, strict=True):
        accounts = rows[0].contestant.accounts
        _panel(left, rows, [row.net for row in rows], f"{coin}: net [per hour], {accounts.seconds / 60:.0f} min")
        _panel(right, rows, [row.difference for row in rows], f"{coin}: net less that of {baseline} [per hour]")
        left.set_yticks(range(len(rows)), [_label(row) for row in rows])
        left.invert_yaxis()
        for place, row in enumerate(rows):
            text = f"{row.contestant.accounts.fill_count} fills, {row.verdict}"
            right.text(1.02, place, text, transform=right.get_yaxis_transform(), va="center", color=GREY, fontsize=8.5)
    figure.suptitle(
        "Makers on the same tapes: 95 % intervals of five-minute blocks; hollow: too short to tell",
        x=0.01, ha="left", fontsize=13, weight="bold",
    )  # fmt: skip
    return figure


def _panel(axes: Axes, rows: Sequence[Standing], values: Sequence[Measured | None], title: str) -> None:
    axes.axvline(0.0, color=INK, linewidth=0.8, zorder=1)
    for place, (row, found) in enumerate(zip(rows, values, strict=True)):
        if found is None or found.value is None:
            continue
        colour = ORANGE if row.contestant.is_peer else BLUE
        known = found.low is not None and found.high is not None
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place, place], color=colour, linewidth=2.0, zorder=2)
        face = colour if known else "white"
        axes.plot(found.value, place, "s" if row.contestant.is_peer else "o", color=colour, mfc=face, zorder=3)
    furthest = max((abs(each.value) for each in values if each is not None and each.value), default=1.0)
    axes.set_xscale("symlog", linthresh=10.0 ** np.floor(np.log10(_LINEAR * furthest)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title)


def _label(row: Standing) -> str:
    return f"{row.contestant.name}{' (peer)' if row.contestant.is_peer else ''}"
