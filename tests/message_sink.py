"""Where stock Freqtrade's messages arrive: an address for its webhook, which keeps what was sent."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.local_server import LocalServer

TOLD_AS_STATUS = ("status", "startup", "warning", "exception")
ORDERS = ("entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel")


class MessageSink(LocalServer):
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

        super().__init__(Handler)

    @property
    def config(self) -> dict[str, Any]:
        """The `webhook` section that makes Freqtrade send every kind of message here."""
        texts = dict.fromkeys(TOLD_AS_STATUS, "{status}") | {"strategy_msg": "{msg}"} | dict.fromkeys(ORDERS, "")
        kinds = {kind: {"kind": kind, "text": text} for kind, text in texts.items()}
        return {"enabled": True, "url": self.url, "format": "json", "allow_custom_messages": True, **kinds}

    def notices(self) -> list[str]:
        """What the strategy said."""
        return [text for kind, text in self.messages if kind == "strategy_msg"]
