"""Guesses from candles: nothing looks ahead, units do not matter, and the stated errors are those seen."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.candles.from_candles import estimate_from_candles, window_candles
from calibration.candles.history import FLAG, days_from_candles, history_table, write_candle_history
from calibration.publication.history import FLOW, SCHEMA, SCHEMA_1_0, read_history, row_flow
from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.quoting.value.quote_table import CarteaJaimungalSettings, solve_table
from market_making.recording.candles.from_ticks import Candles, candles
from market_making.simulation.presets import coin_universe
from market_making.simulation.simulation import simulate_tape

MINUTE = 60_000
START = 1_753_056_000_000
MARKETS = 24


def walk(number=200, seed=1, scale=1.0):
    """One-minute candles of a random walk with ticks of a tenth."""
    random = np.random.default_rng(seed)
    path = (3000 + random.normal(0, 1, number * 6).cumsum()).round(1).reshape(number, 6)
    before = np.append(3000.0, path[:-1, -1])
    low, high = np.minimum(path.min(axis=1), before), np.maximum(path.max(axis=1), before)
    prices = (np.round(price * scale, 9) for price in (before, high, low, path[:, -1]))
    return Candles(START + MINUTE * np.arange(number), *prices, random.uniform(10, 90, number))


def columns(some, times_ms=None, window_s=None):
    """All columns of the history of some candles."""
    times_ms = some.open_ms + MINUTE if times_ms is None else times_ms
    table = history_table(estimate_from_candles(some, MINUTE, times_ms, window_s))
    return {name: table[name].to_numpy() for name in SCHEMA.names}


def part(some, keep):
    """Some of the candles."""
    return Candles(*(column[keep] for column in some))


@given(st.integers(61, 199), st.integers(0, 2**32 - 1), st.lists(st.integers(1, 199), max_size=20, unique=True))
def test_nothing_looks_ahead(split, seed, missing):
    """Whatever candles come later, and whether any do, changes no earlier row."""
    keep = np.setdiff1d(np.arange(200), missing)
    some, other = part(walk(), keep), part(walk(seed=seed), keep)
    before = int(np.searchsorted(keep, split))
    later = Candles(*(np.append(ours[:before], theirs[before:]) for ours, theirs in zip(some, other, strict=True)))
    rows = [columns(version) for version in (some, later, part(some, slice(before)))]
    closed = [row["created_ms"] <= START + split * MINUTE for row in rows]
    for name in SCHEMA.names:
        first, *others = (row[name][known] for row, known in zip(rows, closed, strict=True))
        for again in others:
            np.testing.assert_array_equal(again, first)


def test_a_row_is_published_when_its_last_candle_has_closed():
    """Never before, and it says what it knew."""
    rows = columns(walk())
    np.testing.assert_array_equal(rows["created_ms"], rows["window_end_ms"])
    assert ((rows["created_ms"] - START) % MINUTE == 0).all()
    some = walk()
    closes = dict(zip(some.open_ms + MINUTE, some.close, strict=True))
    assert [closes[time_ms] for time_ms in rows["created_ms"]] == rows["mid"].tolist()


@given(st.integers(-3, 3))
def test_the_unit_of_price_does_not_matter(power):
    """A coin of a thousandth: prices by c, volumes by 1/c, then depths and moves by c, rates as before."""
    scale = 10.0**power
    one, other = columns(walk()), columns(walk(scale=scale)._replace(volume=walk().volume / scale))
    scaled = ("mid", "half_spread", "volatility", "adverse_selection")
    for name in SCHEMA_1_0.names[:-1]:
        factor = scale if name.startswith(scaled) else 1 / scale if name.startswith("fill_decay") else 1.0
        factor = 1.0 if name.endswith("_n") else factor
        np.testing.assert_allclose(other[name], one[name] * factor, rtol=1e-6, err_msg=name)


def test_volatility_is_that_of_the_closes():
    """Root mean square of the moves per root second, over the window and no more."""
    some = walk()
    moves = np.diff(some.close[-61:])
    assert columns(some)["volatility"][-1] == pytest.approx(np.sqrt(np.mean(moves**2) / 60))


def test_a_hole_is_no_move():
    """A jump over missing candles is not taken for volatility, and the covered time says that they are missing."""
    some = walk()
    keep = np.delete(np.arange(200), slice(170, 180))
    moved = np.where(np.arange(200) >= 180, 500.0, 0.0)[keep]
    holed = part(some, keep)
    holed = Candles(holed.open_ms, *(price + moved for price in holed[1:5]), holed.volume)
    rows = columns(holed)
    assert rows["volatility"].max() < 2 * columns(some)["volatility"].max()
    assert rows["exposure_s"][-1] == 50 * 60
    assert set(START + MINUTE * np.arange(171, 181)).isdisjoint(rows["created_ms"].tolist())


def test_a_market_without_trades_has_no_row():
    """Less than half of a window traded is too little, and so is less than half a window."""
    some = walk()
    dead = some._replace(volume=np.where(np.arange(200) < 100, some.volume, 0.0))
    times = (columns(dead)["created_ms"] - START) // MINUTE
    assert (times[0], times[-1]) == (30, 130)
    with pytest.raises(NotEnoughData, match="at most 29 traded candles of 60 s in a window of 60, need 30"):
        columns(part(some, slice(29)))


def test_rows_between_closes_repeat_what_was_known():
    """Asked for more often than candles close, a row differs from the last only in its time."""
    some = walk()
    times = np.arange(some.open_ms[100], some.open_ms[110], MINUTE // 4)
    rows = columns(some, times)
    assert len(rows["created_ms"]) == len(times)
    np.testing.assert_array_equal(rows["window_end_ms"], times // MINUTE * MINUTE)
    np.testing.assert_array_equal(rows["volatility"], np.repeat(rows["volatility"][::4], 4))


def test_the_window_is_an_hour_or_48_candles():
    """At least an hour, at least 48 candles, or what is asked for."""
    assert [window_candles(minutes * MINUTE) for minutes in (1, 5, 60)] == [60, 48, 48]
    assert window_candles(MINUTE, 1800.0) == 30


@pytest.fixture(scope="module")
def guesses():
    """Guess over truth, and whether the interval holds it, of different simulated markets."""
    ratios, held = {}, {}
    for seed, truth in enumerate(coin_universe(MARKETS, seed=5)):
        some = candles(simulate_tape(truth, seed=seed, seconds=3600), MINUTE)
        found, flow = estimate_from_candles(some, MINUTE, some.open_ms[-1:] + MINUTE), truth.order_flow()
        ratios.setdefault("volatility", []).append(found.volatility[0] / flow.volatility)
        for name in FLOW:
            value, low, high = (bound[0] for bound in found.flow[name])
            true = getattr(flow, name).buy
            ratios.setdefault(name, []).append(value / true)
            held.setdefault(name, []).append(low <= true <= high)
    return ratios, held


def test_volatility_of_simulated_markets_is_found(guesses):
    """Within 25 % on average: orders that sweep the book make closes noisier than mid."""
    assert 0.9 < np.exp(np.mean(np.log(guesses[0]["volatility"]))) < 1.25


@pytest.mark.parametrize("name", FLOW)
def test_the_stated_interval_holds_the_truth_of_simulated_markets(guesses, name):
    """Nine times of ten, though these markets are not those from which the ratios come."""
    assert np.mean(guesses[1][name]) >= 0.9


def test_the_bias_on_simulated_markets_is_the_documented_one(guesses):
    """Decay and loss of a fill too high, intensity too low, by the factors the documentation states."""
    bias = {name: np.exp(np.mean(np.log(values))) for name, values in guesses[0].items()}
    stated = {"arrival_rate": 0.64, "fill_decay": 1.6, "fill_intensity": 0.23, "adverse_selection_on_fill": 1.7}
    for name, factor in stated.items():
        assert factor / 1.5 < bias[name] < factor * 1.5, name


def test_a_history_reads_back_as_one_and_says_that_it_is_guessed(tmp_path):
    """The promised columns in the promised order, then two that mark it; it can be quoted from."""
    some = walk()
    written = write_candle_history(some, tmp_path, "ETH", between_ms=(START + 90 * MINUTE, None))
    assert (written.start_ms, written.end_ms) == (START + 90 * MINUTE, START + 200 * MINUTE)
    (file,) = (tmp_path / "history" / "ETH").iterdir()
    table = pq.read_table(file)
    assert table.column_names == [*SCHEMA.names, "source"]
    assert {value for name in ("status", "source", "flags") for value in table[name].to_pylist()} == {
        "weak",
        "prior",
        FLAG,
    }
    assert days_from_candles(tmp_path, "ETH", (START, START)) == ["2025-07-21"]
    assert days_from_candles(tmp_path, "ETH", (0, START - 1)) == []
    history = read_history(tmp_path, "ETH", 0, 2 * START)
    assert len(history) == written.rows == 111
    row = history.as_of(START + 100 * MINUTE + 1)
    assert row["created_ms"] == START + 100 * MINUTE
    assert all(row[f"{name}_{side}_n"] == 0 for name in FLOW for side in ("buy", "sell"))
    table = solve_table(row_flow(row), row["mid"], CarteaJaimungalSettings(maximum_inventory=3))
    assert np.isfinite(table.depths.ask).any()


def test_a_guess_is_not_put_beside_a_calibration_from_ticks(tmp_path):
    """A day with rows of another origin is refused by name; a guess of the same day is replaced."""
    write_candle_history(walk(), tmp_path, "ETH")
    write_candle_history(walk(), tmp_path, "ETH")
    folder = tmp_path / "history" / "ETH"
    assert len(list(folder.iterdir())) == 1
    (folder / "2025-07-21-1753056000000.parquet").touch()
    with pytest.raises(ConfigurationError, match=r"2025-07-21-1753056000000\.parquet is a calibration from ticks"):
        write_candle_history(walk(), tmp_path, "ETH")


def test_a_period_without_candles_is_named():
    """What was asked for and what there is."""
    with pytest.raises(NotEnoughData, match=r"no candle closes between 2001.* they close between 2025-07-21T00:01:00"):
        write_candle_history(walk(), None, "ETH", between_ms=(10**12, 10**12 + MINUTE))
