"""The plot of a scan: what each coin is expected to earn, best first; the refused ones grey, with the reason."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calibration.plots.style import BLUE, FAINT, GREY, INK, ORANGE, save, styled
from calibration.scanning.prospect import Prospect
from market_making.quoting.risk.toxicity import Regime

_WIDTH, _ROW, _ABOVE, _BELOW = 15.0, 0.27, 1.15, 0.65  # inches
_LEFT, _BARS_END, _WORDS_START = 0.065, 0.40, 0.415
_COLUMNS = {  # right ends, then where words begin
    "net\n[quote currency/h]": 0.068,
    "break-even fee\n[bps]": 0.138,
    "toxicity\n": 0.183,
    "": 0.195,
}
_LONGEST_REASON = 90
_COLOURS = {Regime.QUOTE: BLUE, Regime.WIDEN: ORANGE}


def plot_scan(prospects: list[Prospect], fee_bps: float, path: Path) -> None:
    """Draw a ranking; the ending of the file tells the format."""
    with styled():
        save(ranking(prospects, fee_bps), path)


def ranking(prospects: list[Prospect], fee_bps: float) -> Figure:
    """The ranking as a figure."""
    height = _ABOVE + _BELOW + _ROW * len(prospects)
    figure = Figure(figsize=(_WIDTH, height))
    span = 1 - (_ABOVE + _BELOW) / height
    axes = figure.add_axes((_LEFT, _BELOW / height, _BARS_END - _LEFT, span))
    words = figure.add_axes((_WORDS_START, _BELOW / height, 1 - _WORDS_START, span), sharey=axes)
    _bars(axes, prospects)
    _words(words, prospects)
    pays = sum(not prospect.refused for prospect in prospects)
    figure.text(_LEFT, 1 - 0.38 / height, f"{pays} of {len(prospects)} coins pay", fontsize=15, weight="bold")
    subtitle = "expected earnings of the bot, after adverse selection, its age and a usual maker fee of "
    figure.text(_LEFT, 1 - 0.66 / height, subtitle + _signed(f"{fee_bps:g} bps"), color=GREY)
    # Above the words: beside the bars it would cover the longest of them.
    place = (_WORDS_START, 1 - 0.31 / height)
    figure.legend(handles=_legend(), loc="center left", bbox_to_anchor=place, ncols=4, frameon=False, borderaxespad=0)
    return figure


def _bars(axes: Axes, prospects: list[Prospect]) -> None:
    for row, prospect in enumerate(prospects):
        if prospect.figures is None:
            continue
        figures = prospect.figures
        colour = FAINT if prospect.refused else _COLOURS[prospect.state]
        axes.barh(row, figures.net_per_hour, height=0.68, color=colour, zorder=2)
        ink = GREY if prospect.refused else INK
        axes.plot([figures.low, figures.high], [row, row], color=ink, linewidth=1.5, zorder=3)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=4)
    axes.set_ylim(len(prospects) - 0.4, -0.6)
    axes.set_yticks(range(len(prospects)), [prospect.coin for prospect in prospects])
    for label, prospect in zip(axes.get_yticklabels(), prospects, strict=True):
        label.set_color(GREY if prospect.refused else INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("expected net earnings [quote currency per hour]")
    axes.grid(axis="x", color=FAINT, linewidth=0.6, zorder=0)


def _legend() -> list[Patch | Line2D]:
    return [
        Patch(color=BLUE, label="quoted"),
        Patch(color=ORANGE, label="quoted with widened quotes"),
        Patch(color=FAINT, label="refused"),
        Line2D([], [], color=INK, label="95 % interval"),
    ]


def _words(axes: Axes, prospects: list[Prospect]) -> None:
    """Numbers and reason of each coin beside its bar."""
    axes.axis("off")
    axes.set_xlim(0, 1 - _WORDS_START)
    for name, right in _COLUMNS.items():
        axes.text(right, -1.1, name, ha="right", va="center", color=GREY, fontsize=8)
    for row, prospect in enumerate(prospects):
        ink = GREY if prospect.refused else INK
        for text, right in zip(_numbers(prospect), _COLUMNS.values(), strict=False):
            axes.text(right, row, text, ha="right", va="center", color=ink, fontsize=8.5)
        axes.text(_COLUMNS[""], row, _short(prospect.reason), va="center", color=ink, fontsize=8)


def _numbers(prospect: Prospect) -> tuple[str, ...]:
    if prospect.figures is None:
        return ("–", "–", "–")
    figures = prospect.figures
    end = f"{figures.break_even_fee_bps:z.1f}" if np.isfinite(figures.break_even_fee_bps) else "–"
    return _signed(f"{figures.net_per_hour:z.2f}"), _signed(end), _signed(f"{figures.toxicity:.2f}")


def _signed(number: str) -> str:
    """A number with a minus as wide as a digit."""
    return number.replace("-", "−")


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1].rstrip() + "…"
