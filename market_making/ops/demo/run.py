"""The whole product on one machine: local venue, collector, calibrator and stock Freqtrade in live mode.

Nothing here is a stand-in: the programs are the ones a user runs, the orders are signed and post-only, and what is
reported is the venue's own account of them.
"""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from calibration.publication.parameters import Parameters, read_parameters
from market_making.market.errors import ParameterError
from market_making.ops.demo.files import ApiAccess, Credentials, DemoFiles, showy, write_config
from market_making.ops.demo.freqtrade_api import FreqtradeApi
from market_making.ops.demo.processes import ProcessFailed, Programs, free_port
from market_making.ops.demo.schedule import Schedule
from market_making.simulation.known_markets import market_called

logger = logging.getLogger(__name__)

CONFIGS = (Path("user_data/config.json"), Path("user_data/config-demo.json"))
_PATIENCE_S = 120.0
_FORCED_EXIT_S = 15.0
_POLL_S = 0.5
_DUST = 2.0  # of each spot market, what is less than a lot and no order [USDC]
_ENDED_ON_REQUEST = (0, 130)  # Freqtrade ends with 130 when it is told to stop


@dataclass(frozen=True)
class DemoOptions:
    """What to play and for how long."""

    schedule: Schedule
    coins: tuple[str, ...]
    seed: int = 1
    recording: Path | None = None
    faults: str | None = None
    root: Path = Path("user_data/demo")
    strategy: str = "MarketMaking"


@dataclass
class Observations:
    """What was seen while the demo ran."""

    truth: dict[str, dict[str, Any]] | None = None
    last: dict[str, Parameters] = field(default_factory=dict)
    published: set[tuple[str, int]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    audit: dict[str, Any] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    traded_s: float = 0.0
    forced_exit: bool = False


class Demo:
    """One run."""

    def __init__(self, options: DemoOptions, report: Callable[[str, float], None]) -> None:
        self.options = options
        self.files = DemoFiles.create(options.root, time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
        self.credentials = Credentials.throw_away()
        self.api_port, self.page_port = free_port(), free_port()
        self.seen = Observations()
        self._report = report
        self._url = ""

    def run(self) -> Observations:
        """Start everything, watch it trade, wind down, and return what was seen."""
        api = FreqtradeApi(self.api_port, "demo", self.credentials.password)
        with Programs(self.files.logs) as programs, contextlib.closing(api):
            try:
                self._start_venue(programs)
                self._write_config()
                self._start_sidecars(programs)
                self._start_bot(programs, api)
                self._trade(programs)
                self._wind_down(programs, api)
            except (ProcessFailed, requests.RequestException) as error:
                self.seen.failures.append(str(error))
                if self._url:
                    with contextlib.suppress(requests.RequestException):
                        self._audit()
        return self.seen

    def _start_venue(self, programs: Programs) -> None:
        past_s = self.options.schedule.past_s
        self._report(f"starting the local exchange (writing {past_s / 60:.0f} minutes of market before now)", 0.0)
        command = [sys.executable, "-m", "market_making.ops", "venue", "--json", f"--port={free_port()}"]
        command += [f"--coin={coin}" for coin in self.options.coins]
        command += [*self._accounts(), f"--prehistory={self.files.market_data}"]
        command += [f"--prehistory-length={past_s:.0f}s"]
        if self.options.recording is None:
            command += ["--simulate", f"--seed={self.options.seed}"]
        else:
            command += [f"--recording={self.options.recording}", f"--live={self.options.schedule.live_s:.0f}s"]
        if self.options.faults is not None:
            command += [f"--faults={self.options.faults}"]
        announcement = self.files.folder / "venue.json"
        programs.start("venue", command, output=announcement)
        ready = self._wait(programs, lambda: _complete_json(announcement), "the local exchange")
        self._url, self.seen.truth = ready["url"], ready["truth"]

    def _accounts(self) -> list[str]:
        """Options of `mm venue` that open the accounts."""
        return [f"--account={self.credentials.address}"]

    def _changes(self) -> dict[str, Any]:
        """Settings that a recording needs."""
        return {} if self.options.recording is None else showy(self.options.schedule.minimum_exposure_s)

    def _write_config(self) -> None:
        access = ApiAccess(self._url, self.api_port)
        write_config(self.files, self.credentials, self.options.coins, access, self._changes())

    def _start_sidecars(self, programs: Programs) -> None:
        self._report("starting collector, calibrator and the page", 0.0)
        configs = [f"--config={path}" for path in self._sidecar_configs()]
        programs.start("collector", [sys.executable, "-m", "market_making.ops", "collect", *configs])
        programs.start("calibrator", [sys.executable, "-m", "market_making.ops", "calibrate", *configs])
        page = ["dashboard", f"--port={self.page_port}", *configs]
        programs.start("dashboard", [sys.executable, "-m", "market_making.ops", *page])
        self._wait(programs, lambda: self._read_parameters() or None, "the first calibration")

    def _sidecar_configs(self) -> tuple[Path, ...]:
        """Configuration files of collector and calibrator."""
        return (*CONFIGS, self.files.config)

    def _start_bot(self, programs: Programs, api: FreqtradeApi) -> None:
        self._report(f"starting freqtrade trade --strategy {self.options.strategy}", 0.0)
        programs.start("freqtrade", freqtrade_command(self.options.strategy, *CONFIGS, self.files.config))
        self._wait(programs, lambda: api.is_up() or None, "Freqtrade")

    def _trade(self, programs: Programs) -> None:
        total_s = self.options.schedule.minutes * 60
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < total_s:
            programs.check()
            self._read_parameters()
            self._audit()
            audit = self.seen.audit
            self._report(
                f"trading: {len(self.seen.published)} calibrations, {audit['orders_placed']} quotes, "
                f"{audit['fills']} fills, net {audit['net_pnl']:+.4f} USDC",
                elapsed / total_s,
            )
            time.sleep(_POLL_S)
        self.seen.traded_s = time.monotonic() - began

    def _wind_down(self, programs: Programs, api: FreqtradeApi) -> None:
        """Leave the market as a careful user would: lock the pairs, let the exit quotes fill, then stop the bot."""
        self._report("winding down: the bot only closes what it holds", 1.0)
        for coin in self.options.coins:
            api.lock(market_called(coin).pair, "the demo ends")
        if not self._flat_within(programs, self.options.schedule.wind_down_s):
            self.seen.forced_exit = True
            api.force_exit()
            self._flat_within(programs, _FORCED_EXIT_S)
        self._stop(programs, "freqtrade")
        self._audit()
        self.seen.fills = self._fills()

    def _stop(self, programs: Programs, name: str) -> None:
        """End a bot as `docker stop` does; that it fails to end in order is a failure of the run."""
        status = programs.stop(name)
        if status not in _ENDED_ON_REQUEST:
            self.seen.failures.append(f"{name} ended with status {status}; its log is {programs.log(name)}")

    def _flat_within(self, programs: Programs, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            programs.check()
            self._audit()
            if not self.seen.audit["positions"] and self.seen.audit["token_value"] < _DUST * len(self.options.coins):
                return True
            time.sleep(_POLL_S)
        return False

    def _wait(self, programs: Programs, condition: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            programs.check()
            answer = condition()
            if answer is not None:
                return answer
            time.sleep(_POLL_S)
        raise ProcessFailed(f"{what} was not ready after {_PATIENCE_S:.0f} s; the logs are in {self.files.logs}")

    def _audit(self) -> None:
        answer = requests.get(f"{self._url}/audit", params={"user": self.credentials.address}, timeout=10)
        answer.raise_for_status()
        self.seen.audit = answer.json()

    def _fills(self) -> list[dict[str, Any]]:
        """Every fill of ours; the venue's audit tells them whatever faults its protocol plays."""
        query = {"user": self.credentials.address, "orders": "yes"}
        answer = requests.get(f"{self._url}/audit", params=query, timeout=10)
        answer.raise_for_status()
        return list(answer.json()["fills"])

    def _read_parameters(self) -> bool:
        """Note what the calibrator has published; True once every coin has parameters."""
        for coin in self.options.coins:
            with contextlib.suppress(ParameterError):
                published = read_parameters(
                    self.files.parameters, market_called(coin).key, venue="hyperliquid", now_ms=None
                )
                self.seen.last[coin] = published
                self.seen.published.add((coin, published.created_ms))
        return len(self.seen.last) == len(self.options.coins)


def freqtrade_command(strategy: str, *configs: Path) -> list[str]:
    """Start stock Freqtrade with these configuration files."""
    command = [sys.executable, "-m", "freqtrade", "trade", "--strategy", strategy, "--userdir", "user_data"]
    return [*command, *(f"--config={path}" for path in configs)]


def _complete_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
