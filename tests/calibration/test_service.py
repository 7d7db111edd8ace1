"""The service: cycles at the multiples of its period, whatever the clock does, and an orderly end."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from calibration.publication.history import read_history
from calibration.service import run_service
from market_making.market.errors import ConfigurationError
from market_making.safety.claim import claimed
from market_making.safety.state_file import read_state
from market_making.settings.settings import Settings
from tests.calibration.conftest import START
from tests.length import often

PERIOD_MS = round(1e3 * Settings().calibration.period_s)


def test_the_service_runs_at_multiples_of_its_period_until_it_is_stopped(settings):
    """Cycles fall on the grid of the period whatever they take, and stopping writes the history."""
    settings = settings.model_copy(update={"calibration": settings.calibration.model_copy(update={"period_s": 0.25})})
    offset = START / 1e3 + 900 - time.time()
    stop = threading.Event()
    timer = threading.Timer(1.6, stop.set)
    timer.start()
    run_service(settings, stop=stop, clock=lambda: time.time() + offset)
    timer.join()
    created = read_history(settings.parameters, "ETH", 0, 2 * START).column("created_ms")
    assert len(created) >= 3
    assert (created % 250 == 0).all()
    assert (np.diff(created) >= 250).all()


def test_a_clock_that_is_put_back_delays_one_cycle_only(settings):
    """Whenever it happens, no wait is longer than a period, and nothing is published from the future."""
    for jumps_at in range(2, 75, often(4, 12)):
        clock = JumpingClock(START / 1e3 + 1400, jumps_at, -300)
        stop = FakeStop(clock, rounds=40)
        folder = settings.parameters / str(jumps_at)
        run_service(settings.model_copy(update={"parameters": folder}), stop=stop, clock=clock)
        assert max(stop.waits) <= PERIOD_MS / 1e3
        created = read_history(folder, "ETH", 0, 2 * START).column("created_ms")
        before, after = created[created > START + 1_300_000], created[created < START + 1_300_000]
        assert len(after) >= 2
        assert (np.diff(after) == PERIOD_MS).all()
        assert not len(before) or before.max() <= START + 1_400_000 + PERIOD_MS * len(before)


def test_a_clock_that_is_put_forward_costs_no_more_than_what_it_passes_over(settings):
    """What was due meanwhile is not made up for: each later cycle is at its own multiple, once."""
    for jumps_at in range(2, 75, often(6, 18)):
        clock = JumpingClock(START / 1e3 + 900, jumps_at, 301)
        folder = settings.parameters / str(jumps_at)
        run_service(settings.model_copy(update={"parameters": folder}), stop=FakeStop(clock, rounds=40), clock=clock)
        created = read_history(folder, "ETH", 0, 2 * START).column("created_ms")
        steps = np.diff(created)
        assert (created % PERIOD_MS == 0).all()
        assert len(created) >= 5
        assert (steps > 0).all()
        assert np.count_nonzero(steps != PERIOD_MS) <= 1


def test_the_state_file_says_how_each_coin_is(settings):
    """The age and quality of what is published, why a coin is not, and in the end that the program has ended."""
    settings = settings.model_copy(update={"coins": ("ETH", "NONE"), "venue": "hyperliquid"})
    clock = JumpingClock(START / 1e3 + 900)
    run_service(settings, stop=FakeStop(clock, rounds=20), clock=clock)
    state = read_state(settings.state / "calibrator.json")
    assert (state.kind, state.pid, state.venue, state.stopped) == ("calibrator", os.getpid(), "hyperliquid", True)
    eth, none = state.coins
    assert (eth.coin, eth.status) == ("ETH", "ok")
    assert 0 <= eth.age_ms <= 20_000
    assert (none.coin, none.status, none.age_ms) == ("NONE", "refused", None)
    assert "it holds ETH, SOL" in none.detail
    assert state.figures["published"] == 1.0
    assert state.figures["coins"] == 2.0
    assert state.failures == ()


def test_what_cannot_be_written_is_in_the_state_file(settings):
    """A parameter file that is a folder fails in every cycle."""
    (settings.parameters / "ETH.json").mkdir(parents=True)
    clock = JumpingClock(START / 1e3 + 900)
    run_service(settings, stop=FakeStop(clock, rounds=20), clock=clock)
    (failure,) = read_state(settings.state / "calibrator.json").failures
    assert failure.startswith("the parameters of ETH are not written: ")


def test_a_coin_that_nobody_records_is_said_once(settings, caplog):
    """With the coins that are recorded; every other reason is said again, ever more seldom."""
    settings = settings.model_copy(update={"coins": ("ETHH", "SOL")})
    clock = JumpingClock(START / 1e3 + 900)
    with caplog.at_level(logging.WARNING):
        run_service(settings, stop=FakeStop(clock, rounds=100), clock=clock)
    assert caplog.text.count("ETHH is not calibrated") == 1
    assert "holds no ETHH of hyperliquid; it holds ETH, SOL" in caplog.text


@pytest.mark.parametrize("name", ["parameters", "state"])
def test_a_folder_that_cannot_be_written_is_refused_at_once(settings, name):
    """Instead of running for days without publishing anything."""
    settings = settings.model_copy(update={name: Path("/proc/nope")})
    with pytest.raises(ConfigurationError, match="/proc/nope cannot be written"):
        run_service(settings, stop=threading.Event())


def test_a_second_calibrator_on_the_same_folder_is_refused(settings):
    """It would overwrite the files of the first; another folder is free."""
    settings.parameters.mkdir()
    with claimed(settings.parameters, "calibrator"):
        with pytest.raises(ConfigurationError, match=rf"another calibrator .*: process {os.getpid()}, started"):
            run_service(settings, stop=threading.Event())
        clock = JumpingClock(START / 1e3 + 900)
        other = settings.model_copy(update={"parameters": settings.parameters / "other"})
        run_service(other, stop=FakeStop(clock, rounds=1), clock=clock)


class JumpingClock:
    """Goes on with every wait, and jumps at the n-th reading."""

    def __init__(self, start_s: float, jumps_at: int = 0, by_s: float = 0.0) -> None:
        self.now_s = start_s
        self._readings_left = jumps_at
        self._by_s = by_s

    def __call__(self) -> float:
        self._readings_left -= 1
        if self._readings_left == 0:
            self.now_s += self._by_s
        return self.now_s


class FakeStop(threading.Event):
    """Waits at once, and is set after a number of waits."""

    def __init__(self, clock: JumpingClock, rounds: int) -> None:
        super().__init__()
        self._clock = clock
        self._rounds = rounds
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Let the clock go on."""
        self.waits.append(timeout or 0.0)
        self._clock.now_s += timeout or 0.0
        if len(self.waits) >= self._rounds:
            self.set()
        return self.is_set()


def test_sigterm_ends_the_service_cleanly(settings, root, tmp_path):
    """The program ends with status 0 and no temporary file."""
    config = tmp_path / "config.json"
    body = settings.model_dump_json(include={"coins", "market_data", "parameters", "state"})
    config.write_text(f'{{"market_making": {body}}}')
    process = subprocess.Popen(
        [sys.executable, "-m", "market_making.ops", "calibrate", "-c", str(config)], stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "calibrating" in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert not list(settings.parameters.rglob("*.tmp"))
