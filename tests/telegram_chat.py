"""Telegram as stock Freqtrade finds it behind a proxy: api.telegram.org on this machine, with one chat."""

import json
import os
import queue
import ssl
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import trustme

from tests.local_server import LocalServer

HOST = "api.telegram.org"
TOKEN, CHAT = "123456:a-token-of-a-test", 42
_POLL_S = 0.5
_ME = {"id": 1, "is_bot": True, "first_name": "Maker", "username": "maker_bot"}
_YOU = {"id": CHAT, "is_bot": False, "first_name": "You"}


class Message(NamedTuple):
    """What the bot has sent: its text, and whether the phone stays silent."""

    text: str
    is_silent: bool


class TelegramChat(LocalServer):
    """A proxy on 127.0.0.1 that lets nobody through but answers as api.telegram.org itself.

    Freqtrade's Telegram has no setting for another address, but it obeys HTTPS_PROXY, and SSL_CERT_FILE for whom to
    trust. `messages` are what the chat has received.

    Parameters
    ----------
    folder : Path
        Where the certificate of the authority is written.
    """

    def __init__(self, folder: Path) -> None:
        self.messages: list[Message] = []
        self._typed: queue.Queue[str] = queue.Queue()
        self._number = 0
        authority, self._context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(self._context)
        self._trusted = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self._trusted))
        super().__init__(_handler(self._context, self._answer))

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program's way to Telegram here, and no other."""
        proxy, local = self.url, "127.0.0.1,localhost"
        places = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": local, "no_proxy": local}
        return os.environ | places | {"SSL_CERT_FILE": str(self._trusted)}

    @property
    def config(self) -> dict[str, Any]:
        """The `telegram` section, as commands.md prints it."""
        return {"enabled": True, "token": TOKEN, "chat_id": str(CHAT)}

    def write(self, command: str) -> None:
        """Send a command, as the owner of the chat does."""
        self._typed.put(command)

    def _answer(self, method: str, asked: dict[str, str]) -> Any:
        if method == "getMe":
            return _ME
        if method == "getUpdates":
            return self._updates(min(float(asked.get("timeout", 0)), _POLL_S))
        if method != "sendMessage":
            return True
        assert asked["chat_id"] == str(CHAT)
        self.messages.append(Message(asked["text"], asked.get("disable_notification", "").lower() == "true"))
        return self._message(asked["text"], _ME)

    def _updates(self, seconds: float) -> list[dict[str, Any]]:
        try:
            command = self._typed.get(timeout=max(seconds, 0.01))
        except queue.Empty:
            return []
        message = self._message(command, _YOU)
        length = len(command.split()[0])
        return [
            {
                "update_id": self._number,
                "message": message | {"entities": [{"type": "bot_command", "offset": 0, "length": length}]},
            }
        ]

    def _message(self, text: str, sender: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        chat = {"id": CHAT, "type": "private", "first_name": "You"}
        return {"message_id": self._number, "date": int(time.time()), "chat": chat, "from": sender, "text": text}


def _handler(context: ssl.SSLContext, answer: Callable[[str, dict[str, str]], Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            if self.path != f"{HOST}:443":
                self.send_error(403)
                return
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            _, token, method = self.path.split("/")
            is_known = token == f"bot{TOKEN}"
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            told = {"ok": True, "result": answer(method, asked)} if is_known else {"ok": False, "error_code": 401}
            sent = json.dumps(told).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # what was wrapped; the server closes the plain one only

        def log_message(self, format: str, *args: Any) -> None:
            """Be silent."""

    return Handler
