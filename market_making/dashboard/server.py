"""The page's server: when it is told to end, open streams end first."""

import socket
from collections.abc import Sequence

import uvicorn

from market_making.dashboard.app import dashboard
from market_making.dashboard.watcher import Watcher
from market_making.settings.settings import Settings


class PageServer(uvicorn.Server):
    """Serves the page of one folder.

    Parameters
    ----------
    settings : Settings
        Where everything is written.
    address, port : str, int
        Where it listens.
    names : sequence of str
        By which it may be called, beside those of the loopback.
    watcher : Watcher, optional
        Reads the state files.
    """

    def __init__(
        self,
        settings: Settings,
        address: str,
        port: int,
        *,
        names: Sequence[str] = (),
        watcher: Watcher | None = None,
    ) -> None:
        self._watcher = watcher or Watcher(settings)
        app = dashboard(settings, self._watcher, names)
        super().__init__(
            uvicorn.Config(
                app, host=address, port=port, log_config=None, timeout_graceful_shutdown=2, server_header=False
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams of open pages, then the server: it would wait for them otherwise."""
        self._watcher.end()
        await super().shutdown(sockets)
