"""The page's server, as `mm dashboard` runs it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import requests

from market_making.dashboard.server import PageServer
from market_making.dashboard.watcher import Watcher
from market_making.market.clock import now_ms
from market_making.ops.demo.processes import free_port
from market_making.settings.settings import Settings


class Served:
    """The page of a folder, on a port of its own."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.watcher = Watcher(settings, clock)
        self._server = PageServer(settings, "127.0.0.1", port, watcher=self.watcher)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def close(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join(10)

    def get(self, address: str, **params: str) -> requests.Response:
        """Ask for an address as it stands, dots and all."""
        return self.request("GET", address, params=params)

    def request(self, method: str, address: str, **options: Any) -> requests.Response:
        """Ask with any method."""
        with requests.Session() as session:
            session.trust_env = False
            asked = session.prepare_request(requests.Request(method, self.url + "/", **options))
            query = asked.path_url.partition("?")[2]
            asked.url = self.url + address + (f"?{query}" if query else "")
            return session.send(asked, timeout=10)
