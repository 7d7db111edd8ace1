"""Checks of the configuration and the machine: promises, clock, database, API, disk, kill switch."""

import shutil
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from market_making.preflight.outcome import Outcome, attempted, judged, passed, unknown
from market_making.preflight.subject import Subject
from market_making.safety.account_lock import account_holder
from market_making.safety.claim import port_fault
from market_making.safety.kill_switch import read_kill

_FURTHEST_CLOCK_MS = 1_000.0
_SMALLEST_DISK = 1e9
_KNOWN_PASSWORDS = {"", "SuperSecurePassword", "SuperSecret1!", "freqtrader", "password", "changeme"}
_SHORTEST_SECRET = 16


def machine_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield every check that needs no account."""
    yield judged(
        "configuration",
        not subject.refusals,
        "; ".join(subject.refusals) or "Freqtrade and the strategy accept it",
        "change the keys that are named",
    )
    yield judged(
        "network",
        not subject.network_error,
        subject.network_error or f"{subject.settings.url} answers",
        "check the network and market_making.url",
    )
    yield _running(subject)
    yield _clock(subject.clock_offset_ms)
    yield _builder(subject)
    yield _database(subject)
    yield from _server(subject.config.get("api_server", {}))
    yield attempted("api-port", partial(_port, subject, "api-port"))
    yield _legs(subject)
    free = shutil.disk_usage(_existing(subject.settings.state)).free
    yield judged(
        "disk", free > _SMALLEST_DISK, f"{free / 1e9:.1f} GB are free", "free some space: the bot records and logs"
    )
    kill = read_kill(subject.settings.state)
    yield judged(
        "kill-switch", kill is None, "it is off" if kill is None else "it is on", "mm stop --resume turns it off"
    )
    yield passed("ladder", _step(subject))


def _clock(offset_ms: float | None) -> Outcome:
    if offset_ms is None:
        return unknown("clock", "the exchange did not tell its time", "check the network and market_making.url")
    reason = f"the exchange's clock is {round(offset_ms):+d} ms from this machine's"
    return judged("clock", abs(offset_ms) <= _FURTHEST_CLOCK_MS, reason, "switch time synchronisation on (timedatectl)")


def _builder(subject: Subject) -> Outcome:
    options = subject.config.get("exchange", {}).get("ccxt_config", {}).get("options", {})
    good = subject.settings.venue != "hyperliquid" or (
        options.get("builderFee") is False and options.get("refSet") is True
    )
    remedy = 'set exchange.ccxt_config.options to {"builderFee": false, "approvedBuilderFee": true, "refSet": true}'
    reason = f"ccxt {'adds no' if good else 'would add its'} builder fee or referrer"
    return judged("builder-fee", good, reason, remedy)


def _database(subject: Subject) -> Outcome:
    """Dry and live trades in one database make false profits, a default name two databases."""
    url = subject.config.get("db_url")
    mode = "live" if subject.is_live else "dry run"
    if url is None:
        reason, remedy = (
            "db_url is not set: shell and container use different files",
            'set "db_url" in the private file',
        )
        return judged("database", False, reason, remedy)
    return passed("database", f"{url} holds this {mode}")


def _server(server: dict[str, Any]) -> Iterator[Outcome]:
    if not server.get("enabled"):
        yield passed("api-server", "it is off")
        return
    address = str(server.get("listen_ip_address", ""))
    local = address == "localhost" or (address[:1].isdigit() and ip_address(address).is_loopback)
    secrets = [str(server.get(key, "")) for key in ("password", "jwt_secret_key", "ws_token")]
    weak = server.get("password") in _KNOWN_PASSWORDS or min(map(len, secrets)) < _SHORTEST_SECRET
    reason = f"it listens on {address}" + (", a password or secret is a default or short" if weak else "")
    yield judged("api-server", local and not weak, reason, "bind it to 127.0.0.1 and write long random secrets")


def _running(subject: Subject) -> Outcome:
    """Two bots on one account double each other's orders."""
    account, name = subject.account, "not-running"
    holder = account_holder(subject.settings.state, account) if account is not None and subject.is_live else None
    if holder is None:
        return passed(name, "no other process is the bot of this account")
    remedy = "nothing, if that is the bot you ask about: it runs; else stop it, or give this one an account of its own"
    return judged(name, False, f"{holder}, is the bot of this account", remedy)


def _port(subject: Subject, name: str) -> Outcome:
    """Freqtrade waits for ever where its API's port is taken; a running bot has taken its own."""
    server = subject.config.get("api_server", {})
    if not server.get("enabled"):
        return passed(name, "the API is off")
    host, port = str(server.get("listen_ip_address", "127.0.0.1")), int(server.get("listen_port", 8080))
    fault = port_fault(host, port)
    reason = f"{port} on {host} is {'taken' if fault else 'free'}{fault and f': {fault}'}"
    return judged(name, not fault, reason, "stop what listens there, or change api_server.listen_port")


def _legs(subject: Subject) -> Outcome:
    """A leg needs an account and a database of its own."""
    leg = subject.settings.role.leg
    if leg is None:
        return passed("legs", "one bot on its own")
    named = f"{leg}" in str(subject.config.get("db_url", ""))
    reason = f"this is the {leg} leg, its database is {subject.config.get('db_url')}"
    return judged("legs", named, reason, f'give each leg a db_url of its own with "{leg}" in its name')


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())


def _step(subject: Subject) -> str:
    """Which step of the ladder this configuration is: local venue, dry run, testnet, smallest live size."""
    host = urlparse(subject.settings.url).hostname or ""
    if host in ("127.0.0.1", "localhost"):
        return "step 1 of 4, the local exchange; next: a dry run"
    if not subject.is_live:
        return "step 2 of 4, a dry run; next: the testnet"
    if "testnet" in host:
        return "step 3 of 4, the testnet; next: the smallest live size"
    return f"step 4 of 4, live with orders of {subject.settings.model.order_notional:g}; start with the smallest"
