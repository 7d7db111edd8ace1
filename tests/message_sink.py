"""Where stock Freqtrade's messages arrive: an address for its webhook, which keeps what was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOLD_AS_STATUS = ("status", "startup", "warning", "exception")
ORDERS = ("entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel")


class MessageSink:
    """A server on 127.0.0.1; `messages` are pairs of kind and text, in the order of their arrival."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.messages.append((body["kind"], body.get("text", "")))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def config(self) -> dict[str, Any]:
        """The `webhook` section that makes Freqtrade send every kind of message here."""
        texts = dict.fromkeys(TOLD_AS_STATUS, "{status}") | {"strategy_msg": "{msg}"} | dict.fromkeys(ORDERS, "")
        address = f"http://127.0.0.1:{self._server.server_port}"
        kinds = {kind: {"kind": kind, "text": text} for kind, text in texts.items()}
        return {"enabled": True, "url": address, "format": "json", "allow_custom_messages": True, **kinds}

    def notices(self) -> list[str]:
        """What the strategy said."""
        return [text for kind, text in self.messages if kind == "strategy_msg"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
