"""What only `mm status` can see: recorder, calibrator, guard and bot that hang, fail, or have left something behind.

Where Prometheus is installed it has the alert of each as long as it lasts.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from market_making.ops.demo.processes import Programs, free_port
from market_making.safety.notices import CONDITIONS
from market_making.safety.state_file import BotState, SidecarState, read_states
from market_making.settings.files import load_all
from market_making.settings.settings import Settings
from tests.live_bot import ROOT, merged
from tests.prometheus_server import INSTALLED, SCRAPED_S, Prometheus, alerts_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.environ.get("EVERY_NOTICE"), reason="takes five minutes: EVERY_NOTICE=1"),
]

SEVERITY = {condition.name: condition.severity.value for condition in CONDITIONS if condition.by_reader}
MM = [sys.executable, "-m", "market_making.ops"]
SILENT_S, MINUTE_S, LOOPS_S = 30.0, 60.0, 15.0
CALM = {"edge": {"socket": False}}


class House:
    """Venue, recorder, calibrator, guard and bot of one folder, started as commands.md says."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        self.own = folder / "local.json"
        self._files = [ROOT / "user_data" / "config.json", self.own]
        self._configs = [word for file in self._files for word in ("-c", str(file))]
        self._commands = {
            "collect": [*MM, "collect", *self._configs],
            "calibrate": [*MM, "calibrate", *self._configs],
            "guard": [*MM, "guard", *self._configs],
            "trade": [sys.executable, "-m", "freqtrade", "trade", "--strategy", "MarketMaking", *self._configs],
        }
        market = ["--simulate", "--coin=ETH", "--seed=3", "--faults=on-request", f"--port={free_port()}"]
        programs.start("venue", [*MM, "venue", *market, f"--new-account={self.own}"])
        self.until(self.own.exists, 60, "the configuration")
        sides = {"market_making": CALM | {"sides": "alternate", "calibration": {"period_s": 5.0}}}
        self.own.write_text(json.dumps(merged(load_all([self.own]), sides)))
        self.config = load_all(self._files)
        self.section = self.config["market_making"]
        self.state = Path(self.section["state"])
        self.prometheus: Prometheus | None = None

    def start(self, name: str) -> None:
        self.programs.start(name, self._commands[name])

    def restart(self, name: str) -> None:
        self.programs.stop(name)
        self.start(name)

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> float:
        """Wait until something holds while all programs run; return how long it took [s]."""
        began = time.monotonic()
        while not condition():
            self.programs.check()
            assert time.monotonic() - began < seconds, f"{what} not within {seconds:g} s; shown: {self.shown()}"
            time.sleep(0.3)
        return time.monotonic() - began

    def status(self) -> tuple[int, dict[str, Any]]:
        done = subprocess.run([*MM, "status", "--json", *self._configs], capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def shown(self) -> dict[str, str]:
        """Severity of each notice that `mm status` shows, by name; one is shown once for what it is about."""
        code, document = self.status()
        keys = [(notice["name"], notice["pair"]) for notice in document["notices"]]
        assert len(keys) == len(set(keys)), keys
        shown = {notice["name"]: notice["severity"] for notice in document["notices"]}
        assert code == (4 if "alarm" in shown.values() else 0)
        return shown

    def expect(self, *names: str, within_s: float) -> None:
        """Wait until all these are shown as grave as their condition says, and their alerts fire."""
        wanted, what = {name: SEVERITY[name] for name in names}, ", ".join(names)
        self.until(lambda: wanted.items() <= self.shown().items(), within_s + LOOPS_S, what)
        if (prometheus := self.prometheus) is not None:
            alerts = alerts_of(*names)
            self.until(lambda: alerts <= prometheus.firing(), within_s + SCRAPED_S, f"the alerts of {what}")
            assert wanted.items() <= self.shown().items()

    def expect_end(self, *names: str, within_s: float) -> None:
        what = f"the end of {', '.join(names)}"
        self.until(lambda: not set(names) & set(self.shown()), within_s + LOOPS_S, what)
        if (prometheus := self.prometheus) is not None:
            alerts = alerts_of(*names)
            self.until(lambda: not alerts & prometheus.firing(), SCRAPED_S, f"{what} as alerts")

    def inject(self, *faults: dict[str, Any]) -> None:
        answer = requests.post(f"{self.section['url']}/faults", json={"faults": list(faults)}, timeout=5)
        assert answer.ok, answer.text

    def heal(self) -> None:
        requests.delete(f"{self.section['url']}/faults", timeout=5)

    def resting(self) -> list[Any]:
        query = {"user": self.config["exchange"]["walletAddress"], "orders": "yes"}
        return list(requests.get(f"{self.section['url']}/audit", params=query, timeout=5).json()["orders"])

    def held(self) -> dict[str, float]:
        query = {"user": self.config["exchange"]["walletAddress"]}
        return dict(requests.get(f"{self.section['url']}/audit", params=query, timeout=5).json()["positions"])

    def pids(self) -> list[int]:
        """Of all programs that write a state."""
        states: list[BotState | SidecarState] = read_states(self.state)
        return [state.pid for state in states if not state.stopped]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        pids = self.pids()
        assert len(pids) == 4
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def unwritable(self, name: str) -> Iterator[None]:
        """A file stands where a folder was."""
        place = Path(self.section[name])
        aside = place.with_name(f"{place.name}-aside")
        place.rename(aside)
        place.touch()
        yield
        place.unlink()
        aside.rename(place)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Nothing but the venue and the calibrator runs at first."""
    folder: Path = tmp_path_factory.mktemp("house")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with Programs(folder / "logs") as programs, ExitStack() as stack:
            house = House(programs, folder)
            if INSTALLED:
                house.prometheus = stack.enter_context(Prometheus(Settings.from_section(house.section)))
            yield house
    finally:
        os.chdir(before)


def test_a_calibrator_without_a_recorder_says_that_it_has_nothing_fresh(house: House) -> None:
    """Until the recorder runs."""
    house.start("calibrate")
    house.expect("calibrator_not_publishing", within_s=30.0 + MINUTE_S)
    house.start("collect")
    house.expect_end("calibrator_not_publishing", within_s=MINUTE_S)
    house.start("guard")
    house.start("trade")
    house.until(house.resting, 60, "a quote")
    house.until(lambda: not house.shown(), MINUTE_S, "all is well")


def test_programs_that_hang_are_told(house: House) -> None:
    """After half a minute, each by its name; and again when they go on."""
    silent = ("collector_silent", "calibrator_silent", "guard_silent", "bot_silent")
    with house.frozen():
        house.expect(*silent, within_s=SILENT_S)
    house.expect_end(*silent, within_s=LOOPS_S)


def test_programs_that_cannot_write_are_told(house: House) -> None:
    """Recorder, calibrator, and the guard as soon as it has something to write down."""
    with house.unwritable("market_data"):
        house.expect("collector_failing", within_s=SILENT_S)
    house.expect_end("collector_failing", within_s=SILENT_S)
    with house.unwritable("parameters"):
        house.expect("calibrator_failing", within_s=SILENT_S)
    house.expect_end("calibrator_failing", within_s=SILENT_S)
    house.until(house.resting, 60, "a quote")
    (bot,) = [state.pid for state in read_states(house.state) if state.kind == "bot"]
    with house.unwritable("decisions"):
        os.kill(bot, signal.SIGSTOP)
        try:
            house.expect("guard_failing", within_s=SILENT_S)
        finally:
            os.kill(bot, signal.SIGCONT)
    house.expect_end("guard_failing", within_s=MINUTE_S)


def test_a_recording_that_breaks_off_is_told(house: House) -> None:
    """A minute without news of the coin; the gap it leaves is told too, and a clock that differs."""
    house.inject({"fault": "drop", "stream": "any"})
    house.expect("collector_not_writing", within_s=MINUTE_S)
    house.heal()
    house.expect_end("collector_not_writing", within_s=SILENT_S)
    house.inject({"fault": "disconnect"})
    house.expect("collector_gaps", within_s=SILENT_S)
    house.heal()
    house.inject({"fault": "clock", "offset_ms": 5_000})
    house.restart("collect")  # it asks the exchange for the time at its start, and every five minutes
    house.expect("clock_off", within_s=SILENT_S)
    house.heal()
    house.restart("collect")
    house.expect_end("clock_off", within_s=SILENT_S)


def test_a_bot_that_ends_with_a_position_is_told_until_it_is_started_again(house: House) -> None:
    """It names what is left."""
    house.until(house.held, 120, "a position")
    house.programs.stop("trade")
    assert house.held()
    house.expect("stopped_with_position", within_s=LOOPS_S)
    house.start("trade")
    house.expect_end("stopped_with_position", within_s=60)
