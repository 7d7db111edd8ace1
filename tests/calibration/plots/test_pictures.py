"""Pictures: complete, readable, and in the format their name says."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.observations import observe
from calibration.plots import Subject, check_picture, plot_calibration, plot_scan
from calibration.plots.estimates import calibration_picture
from calibration.plots.ranking import ranking
from calibration.plots.style import styled
from calibration.publication.history import HistoryWriter, read_history
from calibration.publication.publish import parameters, solve
from calibration.scanning.candidates import Unknown, candidate_of
from calibration.scanning.scan import scan
from market_making.market.errors import ConfigurationError
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, default_truths, toxic_truth
from market_making.simulation.simulation import simulate_tape

SETTINGS = Settings()
MINUTE_MS = 60_000


def observed(truth, seconds=1_800.0):
    """A window of a market, with the tape it comes from."""
    tape = simulate_tape(truth, seed=7, seconds=seconds)
    return observe(tape, truth.tick), tape


def calibration_of(truth, window, previous=None):
    """Its calibration."""
    return calibrate_observed(window, Increments(truth.tick, float(truth.instrument.lot)), SETTINGS, previous)


@pytest.fixture(scope="module")
def prospects():
    """A ranking with every kind of line."""
    found = [
        Unknown("NEW", "12 market orders in 300 s of observed time within 1800 s, need 600 s; " + "and so on " * 9)
    ]
    for truth in (*coin_universe(12, seed=2), toxic_truth("ETH")):
        window, _ = observed(truth)
        found.append(candidate_of(truth.coin, calibration_of(truth, window), window.orders))
    return scan(found, SETTINGS)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """A calibration with half an hour of history."""
    truth, folder = default_truths(["ETH"])[0], tmp_path_factory.mktemp("history")
    window, tape = observed(truth, 3_600.0)
    writer, last = HistoryWriter(folder, "ETH", 1_000), None
    for now_ms in range(30 * MINUTE_MS, 60 * MINUTE_MS + 1, 5 * MINUTE_MS):
        part = window.as_known_at(now_ms - 30 * MINUTE_MS, now_ms)
        last = calibration_of(truth, part, last)
        published = parameters("ETH", solve([last], [SETTINGS])[0], SETTINGS)
        writer.append(published)
    writer.flush()
    return Subject(published, part, tape, read_history(folder, "ETH", 0, 60 * MINUTE_MS))


def texts_of(axes):
    """Everything written in and around a panel; ticks beyond its ends are not drawn."""
    found = [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    found += [*axes.legend_.get_texts(), axes.legend_.get_title()] if axes.legend_ else []
    for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
        low, high = sorted(axis.get_view_interval())
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return found


def drawn(figure):
    """Texts of a figure with the boxes they take on the page [dots]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    texts += [*(text for axes in figure.axes for text in texts_of(axes))]
    texts += [figure._suptitle] if figure._suptitle else []
    written = [text for text in texts if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in dict.fromkeys(written)]


def cut_off(figure, boxes):
    """Texts that leave the page."""
    page = figure.bbox
    return [text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1]


def overlapping(boxes):
    """Pairs of texts that lie over each other by more than a dot."""
    pairs = []
    for first, (one, here) in enumerate(boxes):
        for other, there in boxes[first + 1 :]:
            across = min(here.x1, there.x1) - max(here.x0, there.x0)
            along = min(here.y1, there.y1) - max(here.y0, there.y0)
            if across > 1 and along > 1:
                pairs.append((one, other))
    return pairs


def test_a_ranking_shows_every_coin_with_its_reason(prospects):
    """Name and the words of each coin stand on the page, whole or shortened with an ellipsis."""
    with styled():
        words = [text for text, _ in drawn(ranking(prospects, 1.5))]
    for prospect in prospects:
        assert prospect.coin in words
        assert any(prospect.reason.startswith(text.removesuffix("…")) and len(text) > 20 for text in words)


@pytest.mark.parametrize("rows", [0, 1, 4, 40])
def test_nothing_in_a_ranking_is_cut_off_or_covered(prospects, rows):
    """All texts lie inside the page and none over another, however many coins there are."""
    with styled():
        figure = ranking((4 * prospects)[:rows], -1.5)
        boxes = drawn(figure)
    assert cut_off(figure, boxes) == []
    assert overlapping(boxes) == []


@pytest.mark.parametrize("refused", [True, False])
def test_a_legend_beside_the_bars_says_what_they_are(prospects, refused):
    """The grey of a refused coin and the line of the interval too, whether any coin pays or none does."""
    chosen = [prospect for prospect in prospects if prospect.refused is refused]
    assert chosen
    with styled():
        figure = ranking(chosen, 1.5)
        drawn(figure)
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["quoted", "quoted with widened quotes", "refused", "95 % interval"]
    assert not any(legend.get_window_extent().overlaps(axes.bbox) for axes in figure.axes)


def test_every_column_of_a_ranking_has_its_unit(prospects):
    """But the toxicity, which has none."""
    with styled():
        words = [text for text, _ in drawn(ranking(prospects, 1.5))]
    assert {"net\n[quote currency/h]", "break-even fee\n[bps]", "toxicity\n"} <= set(words)


@pytest.mark.parametrize("with_history", [True, False])
def test_nothing_in_the_picture_of_a_calibration_is_cut_off_or_covered(subject, with_history):
    """With and without a history."""
    with styled():
        figure = calibration_picture(subject if with_history else subject._replace(history=None))
        boxes = drawn(figure)
    assert len(figure.axes) == (6 if with_history else 3)
    assert cut_off(figure, boxes) == []
    assert overlapping(boxes) == []


def with_quote(subject, depth):
    """The same calibration with another ask at inventory zero."""
    table = [list(row) for row in subject.parameters.hjb.ask_depth]
    table[-1][subject.parameters.hjb.inventory.index(0)] = depth
    book = subject.parameters.hjb.model_copy(update={"ask_depth": table})
    return subject._replace(parameters=subject.parameters.model_copy(update={"hjb": book}))


@pytest.mark.parametrize(
    ("in_bps", "said", "marked"),
    [
        (5.0, "our ask: 5 bps", True),
        (93.0, "our ask: 93 bps, beyond the plot", False),
        (None, "our ask: none", False),
    ],
)
def test_our_quote_is_marked_on_the_fitted_law_or_said_to_be_beyond_it(subject, in_bps, said, marked):
    """The legend holds its depth in any case."""
    depth = None if in_bps is None else in_bps / subject.bps
    with styled():
        axes = calibration_picture(with_quote(subject, depth)).axes[0]
    (line,) = [line for line in axes.lines if line.get_label() == said]
    (where,), (rate,) = line.get_data()
    assert (np.isfinite(where) and where <= axes.get_xlim()[1]) == marked
    if marked:
        flow = subject.parameters.buy
        assert where == pytest.approx(in_bps)
        assert rate == pytest.approx(flow.fill_intensity.value * np.exp(-flow.fill_decay.value * depth))


@pytest.mark.parametrize(
    ("fee_bps", "said"),
    [(1.5, "less the fee of 1.5 bps"), (90.0, "less the fee of 90 bps"), (-60.0, "plus the rebate of 60 bps")],
)
def test_what_a_fill_brings_lies_inside_its_panel(subject, fee_bps, said):
    """Whatever the fee: a line in the legend is to be seen."""
    model = subject.parameters.model.model_copy(update={"maker_fee": fee_bps / 1e4})
    changed = subject._replace(parameters=subject.parameters.model_copy(update={"model": model}))
    with styled():
        axes = calibration_picture(changed).axes[2]
    (line,) = [line for line in axes.lines if line.get_label() == f"what it brings: depth {said}"]
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    depth = np.linspace(left, right, 1001)
    brought = np.interp(depth, *line.get_data())
    seen = (brought > low) & (brought < high)
    assert max(seen.mean(), np.ptp(brought[seen]) / (high - low)) > 0.3


def test_every_axis_has_its_unit(subject, prospects):
    """A number without a unit says nothing; time of day needs none."""
    with styled():
        figures = calibration_picture(subject), ranking(prospects, 1.5)
    labels = [label for figure in figures for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    assert all("[" in label for label in labels if label not in ("", "UTC"))
    assert sum("[" in label for label in labels) == 10


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_ending_of_the_file_tells_the_format(prospects, tmp_path, ending, start):
    """Folders on the way are made."""
    path = tmp_path / "new" / f"scan.{ending}"
    plot_scan(prospects, 1.5, path)
    assert path.read_bytes().startswith(start)


def test_an_unknown_ending_is_refused_with_those_that_are_accepted(subject, tmp_path):
    """Nothing is written."""
    with pytest.raises(ConfigurationError, match="png"):
        plot_calibration(subject, tmp_path / "calibration.xyz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("new/a.PNG", None),
        ("there.png", None),
        ("a.xyz", "accepted endings are .*png"),
        ("a", "accepted endings"),
        ("a.pgf", "accepted endings"),
        ("there.png/new/a.png", "there.png is no folder"),
        ("folder.png", "it is no file"),
    ],
)
def test_a_picture_that_cannot_be_written_is_known_before(tmp_path, name, said):
    """By its ending or its place; nothing is written to find out."""
    (tmp_path / "there.png").touch()
    (tmp_path / "folder.png").mkdir()
    if said is None:
        check_picture(tmp_path / name)
    else:
        with pytest.raises(ConfigurationError, match=said):
            check_picture(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "there.png"]


def test_a_picture_where_nobody_may_write_is_known_before(tmp_path, monkeypatch):
    """Neither over a file nor into a folder."""
    (tmp_path / "there.png").touch()
    monkeypatch.setattr("os.access", lambda _path, _mode: False)  # the tests may run as root, who may do anything
    for name in ("there.png", "new.png"):
        with pytest.raises(ConfigurationError, match="may not be written"):
            check_picture(tmp_path / name)


def test_a_picture_of_a_calibration_without_fills_on_a_side(subject, tmp_path):
    """A window with hardly any order is drawn too: what is missing is left out."""
    few = replace(subject.observed, orders=subject.observed.orders.where(slice(0, 12)))
    plot_calibration(subject._replace(observed=few, history=None), tmp_path / "few.png")
    assert (tmp_path / "few.png").stat().st_size > 10_000


def test_no_coin_at_all_is_a_picture_too(tmp_path):
    """Zero of zero coins pay."""
    plot_scan([], 1.5, tmp_path / "none.png")
    assert (tmp_path / "none.png").exists()


def test_only_pictures_need_the_library_that_draws_them():
    """The command line and the scan work where matplotlib is not installed."""
    modules = "sys, market_making.ops.command_line, calibration.scanning.scan"
    program = f"import {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_drawing_leaves_the_readers_settings_alone(prospects, tmp_path):
    """What other code had set for its own pictures comes back."""
    import matplotlib as mpl

    before = mpl.rcParams["font.size"]
    plot_scan(prospects, 1.5, tmp_path / "scan.png")
    assert mpl.rcParams["font.size"] == before
    assert np.isfinite(before)
