"""Debian's Prometheus, which scrapes the page of a folder by the shipped configuration and rules."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import yaml

from market_making.dashboard.alerts import alert_name, alert_rules
from market_making.ops.demo.processes import free_port
from market_making.safety.condition import Severity
from market_making.safety.notices import CONDITIONS
from market_making.settings.settings import Settings
from tests.dashboard.served import Served

CONFIG = Path(__file__).resolve().parents[1] / "monitoring/prometheus.yml"
INSTALLED = shutil.which("prometheus") is not None
SCRAPED_S = 15.0  # a scrape, an evaluation, what a rule waits for, on a busy machine


def alerts_of(*names: str) -> set[str]:
    """The alerts of these conditions; what is only told has none."""
    told_only = {condition.name for condition in CONDITIONS if condition.severity is Severity.INFO}
    return {alert_name(name) for name in names if name not in told_only}


class Prometheus:
    """The server, while the context lasts; only ports and pace differ from what is shipped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._port = free_port()

    def __enter__(self) -> Self:
        self._page = Served(self._settings)
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        config = yaml.safe_load(CONFIG.read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [self._page.url.removeprefix("http://")]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (folder / "alerts.yml").write_text(alert_rules().replace("for: 10s", "for: 2s"))
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb"]
        with (folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{self._port}"],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._folder.cleanup()
        self._page.close()

    def asked(self, what: str, **query: str) -> Any:
        """Ask its interface; one that is still starting knows nothing."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(f"http://127.0.0.1:{self._port}/api/v1/{what}", params=query, timeout=5)
            except requests.ConnectionError:
                return {}
            starting = answer.status_code == requests.codes.service_unavailable
            return {} if starting else answer.json()["data"]

    def firing(self, pair: str | None = None) -> set[str]:
        """Names of the alerts that fire, of one pair or of all."""
        return {
            alert["labels"]["alertname"]
            for alert in self.asked("alerts").get("alerts", ())
            if alert["state"] == "firing" and pair in (None, alert["labels"].get("pair"))
        }

    def until(self, condition: Callable[[], bool], what: str, seconds: float = SCRAPED_S) -> None:
        """Wait until it says so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what} not within {seconds:g} s; firing: {self.firing()}"
            time.sleep(0.2)
