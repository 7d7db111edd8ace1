"""The plot of one calibration: the fit beside what was seen, the impact of orders, and how both came to be."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from calibration.observation.observations import ObservedWindow
from calibration.plots.evidence import HORIZONS_S, Means, impact_by_depth, impact_by_horizon, reach_curve
from calibration.plots.style import BLUE, FAINT, GREY, INK, VERMILION, save, styled
from calibration.publication.history import History
from calibration.publication.parameters import Parameters
from calibration.scanning.candidates import ENOUGH_REACHED, candidate_of_parameters
from calibration.scanning.uncertainty import Draws
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, Tape
from market_making.quoting.value.cartea_jaimungal import FillArrays

_WIDTH, _ROW = 15.0, 4.3  # inches
_FEWEST_ROWS = 2
_INTERVAL = (0.025, 0.975)
_FURTHEST = 1.15  # of the largest depth of interest
_BEYOND_FEE = 1.6


Convert = Callable[[FloatArray, FloatArray], FloatArray]


class _Look(NamedTuple):
    """Colour, marker and line of a direction: it can be distinguished without colour too."""

    colour: str
    marker: str
    line: str
    name: str


_LOOKS = {
    Direction.BUY: _Look(BLUE, "o", "-", "market buys (our ask)"),
    Direction.SELL: _Look(VERMILION, "s", "--", "market sells (our bid)"),
}


class Subject(NamedTuple):
    """What is drawn: a published calibration, the window it was made from, and its history if there is one."""

    parameters: Parameters
    observed: ObservedWindow
    tape: Tape
    history: History | None = None

    @property
    def bps(self) -> float:
        """Basis points in one unit of price."""
        return 1e4 / self.parameters.market.mid


def plot_calibration(subject: Subject, path: Path) -> None:
    """Draw a calibration; the ending of the file tells the format."""
    with styled():
        save(calibration_picture(subject), path)


def calibration_picture(subject: Subject) -> Figure:
    """The plot as a figure: three panels, and three more through time where there is a history."""
    with_history = subject.history is not None and len(subject.history) >= _FEWEST_ROWS
    rows = 2 if with_history else 1
    spaces = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08, wspace=0.04, hspace=0.06)
    figure = Figure(figsize=(_WIDTH, _ROW * rows + 0.7), layout=spaces)
    panels = figure.subplots(rows, 3, squeeze=False)
    _reach(panels[0, 0], subject)
    _by_horizon(panels[0, 1], subject)
    _by_depth(panels[0, 2], subject)
    if with_history:
        _history(panels[1], subject)
    figure.suptitle(_title(subject.parameters), x=0.01, ha="left", fontsize=13, weight="bold")
    return figure


def _title(parameters: Parameters) -> str:
    window, quality = parameters.window, parameters.quality
    end = np.datetime64(window.end_ms, "ms").astype("datetime64[s]")
    return (
        f"{parameters.coin}: {quality.events} market orders in {window.exposure_s / 60:.0f} min up to {end} UTC, "
        f"quality {quality.status}, regime {parameters.regime.state}"
    )


def _reach(axes: Axes, subject: Subject) -> None:
    """Rate of orders by depth, observed and fitted."""
    exposure, bps = subject.observed.exposure_s, subject.bps
    candidate = candidate_of_parameters(subject.parameters)
    furthest = 0.0
    for direction, look in _LOOKS.items():
        curve = reach_curve(subject.observed.orders.of(direction), exposure)
        axes.step(curve.depth * bps, curve.rate, where="pre", color=look.colour, linewidth=1.0, alpha=0.55)
        supported = curve.depth[curve.rate * exposure >= ENOUGH_REACHED]
        furthest = max(furthest, _FURTHEST * supported[-1] if len(supported) else candidate.tail_start)
    for direction, look in _LOOKS.items():
        ends = candidate.tail_start, max(furthest, 2 * candidate.tail_start)
        depth = np.asarray(np.linspace(*ends, 60), dtype=np.float64)
        fit, (low, high) = _fitted(subject, direction, depth)
        axes.fill_between(depth * bps, low, high, color=look.colour, alpha=0.16, linewidth=0)
        axes.plot(depth * bps, fit, look.line, color=look.colour, linewidth=2.0, label=f"{look.name}: fit, 95 %")
        _mark_quote(axes, subject, direction, depth[-1])
    _limits(axes, subject)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 / exposure)
    axes.set_xlim(0, max(furthest, 2 * candidate.tail_start) * bps)
    axes.set(xlabel="depth from mid [bps]", ylabel="market orders that reach it [1/s]")
    axes.set_title("How deep market orders go")
    axes.legend(loc="upper right", title="steps: observed", title_fontsize=8.5)


def _mark_quote(axes: Axes, subject: Subject, direction: Direction, furthest: float) -> None:
    """Mark our quote on the fitted law; where it lies outside, or there is none, the legend says so."""
    look, flow = _LOOKS[direction], candidate_of_parameters(subject.parameters).flows.of(direction)
    name = "our ask" if direction is Direction.BUY else "our bid"
    quote = _quote(subject.parameters, direction)
    where = np.nan if quote is None else quote
    rate = flow.fill_intensity.value * np.exp(-flow.fill_decay.value * where)
    inside = where <= furthest and rate >= 0.5 / subject.observed.exposure_s
    said = "none" if quote is None else f"{quote * subject.bps:.3g} bps{'' if inside else ', beyond the plot'}"
    axes.plot(
        where * subject.bps if inside else np.nan,
        rate,
        look.marker,
        color=look.colour,
        markersize=8,
        markeredgecolor="white",
        zorder=5,
        label=f"{name}: {said}",
    )


def _limits(axes: Axes, subject: Subject) -> None:
    """Where the touch is, and below which rate too few orders were seen."""
    half_spread, least = (
        subject.parameters.market.half_spread * subject.bps,
        ENOUGH_REACHED / subject.observed.exposure_s,
    )
    axes.axvline(half_spread, color=GREY, linewidth=0.9, linestyle=":")
    axes.axhline(least, color=GREY, linewidth=0.9, linestyle=":")
    few = f" {ENOUGH_REACHED} orders in the window"
    axes.annotate(few, (half_spread, least), va="top", color=GREY, fontsize=8)
    touch = (half_spread, 0.01)
    axes.annotate(" touch", touch, xycoords=("data", "axes fraction"), va="bottom", color=GREY, fontsize=8)


def _fitted(subject: Subject, direction: Direction, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The fitted rate at these depths and its interval, shape (2, number of depths) [1/s]."""
    candidate = candidate_of_parameters(subject.parameters)
    flow = candidate.flows.of(direction)
    nothing = np.zeros(1)
    drawn = Draws.of().fills(
        direction, flow, FillArrays(nothing, nothing, nothing, nothing, nothing), candidate.tail_start
    )
    rates = drawn.intensity[:, None] * np.exp(-drawn.decay[:, None] * depth)
    value = flow.fill_intensity.value * np.exp(-flow.fill_decay.value * depth)
    return value, np.quantile(rates, _INTERVAL, axis=0)


def _quote(parameters: Parameters, direction: Direction) -> float | None:
    """Depth of our quote that these orders hit, without inventory, as published [price]."""
    table = parameters.hjb.ask_depth if direction is Direction.BUY else parameters.hjb.bid_depth
    return table[-1][parameters.hjb.inventory.index(0)]


def _by_horizon(axes: Axes, subject: Subject) -> None:
    """Mean move of mid by the time since the order: all orders hollow, those beyond the touch filled."""
    for direction, look in _LOOKS.items():
        aside = 0.97 if direction is Direction.BUY else 1.03
        for fills_only in (True, False):
            means = impact_by_horizon(subject.observed, subject.tape, direction, fills_only=fills_only)
            label = f"market {direction}s, {'beyond the touch' if fills_only else 'all'}"
            _points(axes, means.scaled(aside, subject.bps), look, hollow=not fills_only, label=label)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(HORIZONS_S[0] / 1.3, HORIZONS_S[-1] * 1.3)
    axes.xaxis.set_major_locator(FixedLocator(HORIZONS_S))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set(xlabel="time since the market order [s]", ylabel="mean move of mid against the maker [bps]")
    axes.set_title("What is lost, by how long one waits")
    axes.legend(loc="upper left")
    axes.margins(y=0.28)


def _by_depth(axes: Axes, subject: Subject) -> None:
    """Mean move within a second by the depth reached, against what a fill there brings."""
    parameters, bps = subject.parameters, subject.bps
    flows = candidate_of_parameters(parameters).flows
    fee, floor = parameters.model.maker_fee * 1e4, parameters.market.half_spread
    found = {direction: impact_by_depth(subject.observed, direction) for direction in Direction}
    # The line of what a fill brings begins at the fee: a good part of it is to be seen.
    reached = [means.at.max() for means in found.values() if len(means.at)]
    furthest = max(1.08 * max([2 * floor, *reached]), _BEYOND_FEE * fee / bps)
    highest = max(0.0, -fee)
    for direction, look in _LOOKS.items():
        _points(axes, found[direction].scaled(bps, bps), look, hollow=False, label=look.name)
        flow, depth = flows.of(direction), np.array([floor, furthest])
        loss = flow.adverse_selection_on_fill.value + flow.adverse_selection_slope.value * (depth - floor)
        axes.plot(depth * bps, loss * bps, look.line, color=look.colour, linewidth=2.0, zorder=3)
        highest = max(highest, float(loss.max()) * bps, *(found[direction].high * bps))
    line = np.array([0.0, furthest * bps])
    top = 1.6 * highest
    deducted = f"less the fee of {fee:g} bps" if fee >= 0 else f"plus the rebate of {-fee:g} bps"
    axes.plot(line, line - fee, color=INK, linewidth=1.2, label=f"what it brings: depth {deducted}")
    axes.fill_between(line, line - fee, top, color=FAINT, alpha=0.5, linewidth=0)
    axes.set_xlim(0, furthest * bps)
    axes.set_ylim(0, top)
    axes.set(xlabel="depth reached, at least [bps]", ylabel="mean move of mid within 1 s [bps]")
    axes.set_title("Where a fill pays: outside the grey")
    axes.legend(loc="upper right", title="lines: fit, as used by the model", title_fontsize=8.5)


def _points(axes: Axes, means: Means, look: _Look, *, hollow: bool, label: str) -> None:
    """Means with their intervals."""
    axes.errorbar(
        means.at,
        means.value,
        (means.value - means.low, means.high - means.value),
        fmt=look.marker,
        color=look.colour,
        markerfacecolor="white" if hollow else look.colour,
        markersize=6,
        elinewidth=1.1,
        label=label,
    )


def _history(panels: "np.ndarray[tuple[int], np.dtype[np.object_]]", subject: Subject) -> None:
    """The numbers behind the quotes through time, with their intervals."""
    drawn = (
        ("fill_intensity", "Rate of orders at mid, extrapolated: A", "[1/s]", _as_is),
        ("fill_decay", "How far they walk on average: 1/κ", "[bps]", _walk),
        ("adverse_selection_on_fill", "What a fill loses: ε", "[bps]", _as_price),
    )
    for axes, (name, title, unit, convert) in zip(panels, drawn, strict=True):
        _through_time(axes, subject, name, convert)
        axes.set_title(title)
        axes.set(xlabel="UTC", ylabel=unit)


def _through_time(axes: Axes, subject: Subject, name: str, convert: Convert) -> None:
    history = subject.history
    if history is None:
        return
    time = history.column("created_ms").astype("datetime64[ms]")
    mid = history.column("mid")
    for direction, look in _LOOKS.items():
        value, low, high = (convert(history.column(f"{name}_{direction}{part}"), mid) for part in ("", "_low", "_high"))
        axes.fill_between(
            time, np.minimum(low, high), np.maximum(low, high), color=look.colour, alpha=0.16, linewidth=0
        )
        axes.plot(time, value, look.line, color=look.colour, linewidth=1.6, label=look.name)
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left")
    axes.margins(x=0.02)


def _as_is(values: FloatArray, _mid: FloatArray) -> FloatArray:
    return values


def _as_price(values: FloatArray, mid: FloatArray) -> FloatArray:
    return 1e4 * values / mid


def _walk(decay: FloatArray, mid: FloatArray) -> FloatArray:
    return 1e4 / (decay * mid)
