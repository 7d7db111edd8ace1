"""The few calls of a running bot's REST API that operations need."""

import datetime
from typing import Any

import requests

_TIMEOUT_S = 10


class FreqtradeApi:
    """A bot's own API on 127.0.0.1."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1"
        self._session = requests.Session()
        self._session.auth = (user, password)
        self._session.trust_env = False  # no proxy for 127.0.0.1

    def is_up(self) -> bool:
        """Whether the bot answers."""
        try:
            return self._session.get(f"{self._base}/ping", timeout=1).ok
        except requests.RequestException:
            return False

    def lock(self, pair: str, reason: str, minutes: int = 60) -> None:
        """Lock a pair: the bot opens and adds nothing any more and only closes what it holds."""
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        lock = {"pair": pair, "side": "*", "until": until.isoformat(timespec="seconds"), "reason": reason}
        self._post("locks", [lock])

    def unlock_all(self) -> None:
        """End every lock that is in force."""
        answer = self._session.get(f"{self._base}/locks", timeout=_TIMEOUT_S)
        answer.raise_for_status()
        for lock in answer.json()["locks"]:
            self._session.delete(f"{self._base}/locks/{lock['id']}", timeout=_TIMEOUT_S).raise_for_status()

    def force_exit(self) -> None:
        """Leave every position at the market."""
        self._post("forceexit", {"tradeid": "all", "ordertype": "market"})

    def _post(self, path: str, document: Any) -> None:
        answer = self._session.post(f"{self._base}/{path}", json=document, timeout=_TIMEOUT_S)
        answer.raise_for_status()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
