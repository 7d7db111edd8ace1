"""The picture of a study: its trials, what winners earned on later days, and the value of each parameter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibration.plots.style import BLUE, FAINT, GREY, INK, VERMILION, save, styled
from market_making.replay.accounts.metric import Measured
from market_making.replay.study.study import Judged, Study

_WIDTH, _ROW = 15.0, 4.0  # inches
_COLUMNS = 3
_SHADES = (0.35, 1.0)  # of the first fold and of the last


def plot_study(study: Study, judged: Sequence[Judged], path: Path) -> None:
    """Draw a study; the ending of the file tells the format."""
    with styled():
        save(study_picture(study, judged), path)


def study_picture(study: Study, judged: Sequence[Judged]) -> Figure:
    """The study as a figure."""
    names = [each.name for each in study.dimensions]
    rows = 1 + -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, _ROW * rows + 0.6), layout="constrained")
    grid = figure.add_gridspec(rows, _COLUMNS)
    _trials(figure.add_subplot(grid[0, 0]), judged, study.spec.objective)
    _held_out(figure.add_subplot(grid[0, 1:]), judged)
    for place, name in enumerate(names):
        row, column = divmod(place, _COLUMNS)
        _parameter(figure.add_subplot(grid[1 + row, column]), judged, name, study.spec.objective)
    coins, first = ", ".join(study.spec.coins), judged[0].fold.train[0]
    last = judged[-1].fold.held_out[-1]
    figure.suptitle(
        f"{study.spec.strategy} on {coins}, {first} to {last}: later folds are darker",
        x=0.01, ha="left", fontsize=13, weight="bold",
    )  # fmt: skip
    return figure


def _shade(place: int, judged: Sequence[Judged]) -> float:
    low, high = _SHADES
    return high if len(judged) == 1 else low + (high - low) * place / (len(judged) - 1)


def _trials(axes: Axes, judged: Sequence[Judged], objective: str) -> None:
    for place, each in enumerate(judged):
        scored = [(tried.number, tried.value) for tried in each.tried if tried.value is not None]
        best = [max(value for _, value in scored[: n + 1]) for n in range(len(scored))]
        numbers = [number for number, _ in scored]
        axes.plot(numbers, [value for _, value in scored], "o", color=BLUE, ms=3.5, alpha=_shade(place, judged))
        axes.step(numbers, best, where="post", color=INK, linewidth=1.2, alpha=_shade(place, judged))
    axes.set_xlabel("trial; 0 has the present values")
    axes.set_title(f"{objective} on the days of the search")


def _held_out(axes: Axes, judged: Sequence[Judged]) -> None:
    axes.axhline(0.0, color=INK, linewidth=0.8)
    for place, each in enumerate(judged):
        searched = each.winner.notes["net_per_hour"]
        axes.plot(
            place - 0.15, searched, "_", color=GREY, ms=14, label="winner, days of the search" if not place else None
        )
        _mark(axes, place, each.held_out.net_per_hour, (BLUE, "o", "winner, later days" if not place else None))
        _mark(
            axes,
            place + 0.15,
            each.present.net_per_hour,
            (VERMILION, "s", "present values, later days" if not place else None),
        )
    axes.set_xticks(
        range(len(judged)), [each.fold.held_out[0] for each in judged], rotation=30 if len(judged) > 6 else 0
    )
    axes.set_xlim(-0.5, len(judged) - 0.5)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_title("net [per hour and coin] with 95 % intervals; hollow: too short to tell")
    axes.legend(loc="best")


def _mark(axes: Axes, place: float, found: Measured, look: tuple[str, str, str | None]) -> None:
    colour, marker, label = look
    if found.low is not None and found.high is not None:
        axes.plot([place, place], [found.low, found.high], color=colour, linewidth=2.0)
    face = colour if found.low is not None else "white"
    axes.plot(place, found.value or 0.0, marker, color=colour, mfc=face, label=label)


def _parameter(axes: Axes, judged: Sequence[Judged], name: str, objective: str) -> None:
    for place, each in enumerate(judged):
        scored = [(_shown(tried.setting[name]), tried.value) for tried in each.tried if tried.value is not None]
        for value, score in scored:
            axes.plot(value, score, "o", color=BLUE, ms=3.5, alpha=_shade(place, judged))
        best = max(score for _, score in scored)
        axes.plot(_shown(each.winner.setting[name]), best, "*", color=VERMILION, ms=10)
    axes.set_title(name)
    axes.set_ylabel(objective)


def _shown(value: Any) -> Any:
    """A number as it is, anything else as text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
