"""Observations kept up to date equal those of a batch, whatever order events come in."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial

import numpy as np
import pytest

from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.observations import ObservedWindow
from calibration.observation.rolling import LiveObservations, observe_window
from market_making.market.errors import DataError
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.recording.store.tick_store import TickStore
from market_making.settings.sections import CalibrationSettings
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe
from market_making.simulation.simulation import simulate_tape

START = 1_700_000_000_000
WINDOW_MS = 600_000
SETTINGS = Settings(calibration=CalibrationSettings(window_s=600, minimum_exposure_s=60))


class Recorder:
    """A recorder's store: events arrive late, twice, out of order and not at all in holes; reading sorts them.

    Only events that have arrived by `clock_ms` are there.
    """

    def __init__(self, tape: Tape, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.clock_ms = 0
        self._tape = tape
        self._late = [self._lateness(len(columns.time_ms), random) for columns in (tape.quotes, tape.trades)]
        hole = START + int(random.integers(100_000, 1_000_000))
        self.gaps = np.array([[hole, hole + int(random.integers(5_000, 200_000))]])

    @staticmethod
    def _lateness(n: int, random: np.random.Generator) -> np.ndarray:
        """Half a second, and for a back-log of some twelve seconds and more."""
        usual = random.integers(50, 900, n)
        return np.where(random.random(n) < 0.02, random.integers(2_000, 15_000, n), usual)

    def __call__(self, start_ms: int, end_ms: int) -> Tape:
        """Events after `start_ms` and not after `end_ms` that have arrived, in order, each once."""
        quotes, trades = self._tape.quotes, self._tape.trades
        parts = []
        for columns, late in zip((quotes, trades), self._late, strict=True):
            time_ms = columns.time_ms
            lost = (time_ms > self.gaps[0, 0]) & (time_ms <= self.gaps[0, 1])
            there = (time_ms > start_ms) & (time_ms <= end_ms) & (time_ms + late <= self.clock_ms) & ~lost
            parts.append([column[there] for column in columns])
        gaps = np.clip(self.gaps, start_ms, min(end_ms, max(self.clock_ms, start_ms)))
        return Tape(QuoteTape(*parts[0]), TradeTape(*parts[1]), gaps[gaps[:, 1] > gaps[:, 0]], start_ms, end_ms)


def assert_equal(one: ObservedWindow, other: ObservedWindow) -> None:
    """Every array of two observations is the same, number for number."""
    for part in ("orders", "seconds", "best"):
        for field in fields(getattr(one, part)):
            np.testing.assert_array_equal(
                getattr(getattr(one, part), field.name), getattr(getattr(other, part), field.name), field.name
            )
    np.testing.assert_array_equal(one.gaps, other.gaps)
    assert (one.start_ms, one.end_ms) == (other.start_ms, other.end_ms)


def follow(source: Callable[[int, int], Tape], recorder: Recorder | None, tick: float, steps: range) -> None:
    """Move the clock step by step and compare what is kept with a batch at each."""
    live = LiveObservations(source, tick, WINDOW_MS)
    for now_ms in steps:
        if recorder:
            recorder.clock_ms = now_ms
        kept = live.at(now_ms)
        assert_equal(kept, observe_window(source, tick, now_ms - WINDOW_MS, now_ms))


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(s, marks=pytest.mark.slow) for s in range(5, 100))])
def test_live_equals_batch_with_holes_late_and_shuffled_events(seed):
    """In every cycle of every simulated market the kept observations are those of a batch over the whole window."""
    truth = coin_universe(100, seed=1)[seed]
    tape = simulate_tape(truth, seed=seed, seconds=1300, start_ms=START)
    recorder = Recorder(tape, seed)
    follow(recorder, recorder, truth.tick, range(START + 30_000, START + 1_290_000, 45_000 if seed % 2 else 15_000))


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "WLFI"])
def test_live_equals_batch_on_recorded_coins(recordings, coin):
    """On recorded markets, with their real holes, kept and batch observations are the same."""
    store = TickStore(recordings)
    end_ms = store.extent(coin)[1] // 1000 * 1000
    follow(
        partial(store.tape, coin),
        None,
        {"BTC": 1.0, "ETH": 0.1, "SOL": 0.01}.get(coin, 1e-5),
        range(end_ms - 900_000, end_ms, 60_000),
    )


def test_calibrations_from_both_agree(truth):
    """The same observations give the same calibration to the last digit."""
    tape = simulate_tape(truth, seed=3, seconds=900, start_ms=START)
    recorder = Recorder(tape, 3)
    live = LiveObservations(recorder, truth.tick, WINDOW_MS)
    increments = Increments(truth.tick, 1e-4)
    # The simulated recorder leaves holes longer than the service accepts.
    settings = SETTINGS.model_copy(
        update={"calibration": SETTINGS.calibration.model_copy(update={"maximum_data_age_s": 1e6})}
    )
    for now_ms in range(START + 300_000, START + 890_000, 60_000):
        recorder.clock_ms = now_ms
        kept = calibrate_observed(live.at(now_ms), increments, settings)
        batch = observe_window(recorder, truth.tick, now_ms - WINDOW_MS, now_ms)
        assert kept == calibrate_observed(batch, increments, settings)


def test_a_clock_that_jumps_starts_afresh(truth):
    """After a jump back or far ahead the window is read anew, and still equals the batch."""
    tape = simulate_tape(truth, seed=4, seconds=3000, start_ms=START)
    recorder = Recorder(tape, 4)
    recorder.clock_ms = START + 3_000_000
    live = LiveObservations(recorder, truth.tick, WINDOW_MS)
    for offset in (700_000, 715_000, 650_000, 2_900_000, 2_915_000):
        now_ms = START + offset
        assert_equal(live.at(now_ms), observe_window(recorder, truth.tick, now_ms - WINDOW_MS, now_ms))


def test_only_what_is_new_is_read(truth):
    """After the first cycle no read goes further back than a minute."""
    spans = []
    tape = simulate_tape(truth, seed=5, seconds=900, start_ms=START)

    def source(start_ms: int, end_ms: int) -> Tape:
        spans.append(end_ms - start_ms)
        return Recorder.__call__(recorder, start_ms, end_ms)

    recorder = Recorder(tape, 5)
    recorder.clock_ms = START + 900_000
    live = LiveObservations(source, truth.tick, WINDOW_MS)
    for now_ms in range(START + 700_000, START + 850_000, 15_000):
        live.at(now_ms)
    assert spans[0] > WINDOW_MS
    assert max(spans[1:]) <= 61_000


def test_what_does_not_follow_is_not_joined(half_hour, increments):
    """Observations with a hole between them are refused."""
    recorder = Recorder(half_hour, 0)
    recorder.clock_ms = START + 900_000
    first = observe_window(recorder, increments.tick, START, START + 10_000)
    with pytest.raises(DataError, match="do not follow"):
        first.followed_by(observe_window(recorder, increments.tick, START + 11_000, START + 20_000))


def test_what_is_not_written_yet_is_not_quiet(truth, increments):
    """A recorder that lags five seconds behind changes the rates by less than chance."""
    tape = simulate_tape(truth, seed=6, seconds=900, start_ms=START)
    rates = []
    for lag_ms in (0, 5_000):
        recorder = Recorder(tape, 6)
        recorder.clock_ms = START + 10**7
        now_ms = START + 880_000

        def source(start_ms, end_ms, recorder=recorder, newest=now_ms - lag_ms):
            part = recorder(start_ms, min(end_ms, newest))
            return part._replace(end_ms=end_ms)

        seen = observe_window(source, truth.tick, now_ms - WINDOW_MS, now_ms)
        assert 0 <= now_ms - lag_ms - seen.end_ms < 1_500
        rates.append(calibrate_observed(seen, increments, SETTINGS).flows.buy.arrival_rate.value)
    assert rates[1] == pytest.approx(rates[0], rel=0.03)
