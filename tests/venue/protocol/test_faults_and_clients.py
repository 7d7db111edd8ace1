"""Stock clients meet every preset: they fail in their own way, the venue never breaks, and afterwards all is well."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ccxt
import ccxt.async_support
import pytest
import requests
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.error import Error

from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.faults.document import Faults
from market_making.venue.faults.presets import PRESETS

pytestmark = pytest.mark.timeout(60)
ETH = "ETH/USDC:USDC"
ALO = {"timeInForce": "ALO"}
HASTE = 60.0  # a preset plays so many times faster than for a user
TRADING_S = 2.0
# What a client may meet in an answer that is not what it expects: its own error, or one of Python's.
CCXT_FAILS = (ccxt.BaseError, TypeError, ValueError, KeyError, AttributeError, IndexError)
SDK_FAILS = (Error, requests.RequestException, TypeError, ValueError, KeyError, IndexError)


def hastened(name: str) -> Faults:
    """A preset with all its times shortened."""
    times = ("from_s", "until_s", "repeat_s", "every_s", "seconds")
    entries = [
        {key: value / HASTE if key in times else value for key, value in entry.items()} for entry in PRESETS[name]
    ]
    return Faults.parse({"faults": entries})


def ccxt_settings(url: str, key: Any) -> dict[str, Any]:
    return {
        "walletAddress": key.address, "privateKey": key.key.hex(), "rateLimit": 1, "timeout": 500,
        "urls": {"api": {"public": url, "private": url}},
    }  # fmt: skip


def until(end_s: float, calls: list[Callable[[], Any]], fails: tuple[type[Exception], ...]) -> None:
    while time.monotonic() < end_s:
        for call in calls:
            with suppress(*fails):
                call()


def trade_by_ccxt(url: str, key: Any, end_s: float) -> None:
    client = ccxt.hyperliquid(ccxt_settings(url, key))
    until(end_s, [
        client.load_markets, lambda: client.create_order(ETH, "limit", "buy", 0.1, 2999.5, ALO),
        client.fetch_balance, client.fetch_positions, lambda: client.fetch_order_book(ETH),
        lambda: [client.cancel_order(order["id"], ETH) for order in client.fetch_open_orders(ETH)],
    ], CCXT_FAILS)  # fmt: skip
    client.session.close()


def trade_by_async_ccxt(url: str, key: Any, end_s: float) -> None:
    async def trade() -> None:
        client = ccxt.async_support.hyperliquid(ccxt_settings(url, key))
        while time.monotonic() < end_s:
            with suppress(*CCXT_FAILS):
                order = await client.create_order(ETH, "limit", "sell", 0.1, 3000.5, ALO)
                await client.fetch_order(order["id"], ETH)
                await client.cancel_order(order["id"], ETH)
        await client.close()

    asyncio.run(trade())


def trade_by_sdk(url: str, key: Any, end_s: float) -> None:
    client = None
    while client is None and time.monotonic() < end_s + 5:
        with suppress(*SDK_FAILS):
            client = Exchange(key, url, timeout=0.5)
    assert client is not None
    info = client.info

    def place_and_cancel() -> None:
        answer = client.order("ETH", True, 0.1, 2999.0, {"limit": {"tif": "Alo"}})
        client.cancel("ETH", answer["response"]["data"]["statuses"][0]["resting"]["oid"])

    until(
        end_s,
        [place_and_cancel, lambda: info.user_state(key.address), lambda: info.open_orders(key.address)],
        SDK_FAILS,
    )
    client.session.close()
    info.session.close()


def all_is_well(url: str, key: Any) -> None:
    info = Info(url, skip_ws=True)
    client = Exchange(key, url)
    for order in info.open_orders(key.address):
        client.cancel(order["coin"], order["oid"])
    assert info.open_orders(key.address) == []
    oid = client.order("ETH", True, 0.1, 2999.0, {"limit": {"tif": "Alo"}})["response"]["data"]["statuses"][0]
    assert client.cancel("ETH", oid["resting"]["oid"])["response"]["data"]["statuses"] == ["success"]
    for session in (info.session, client.session, client.info.session):
        session.close()


@pytest.mark.parametrize("name", PRESETS)
def test_clients_survive_a_preset(name: str, serve: Any, scripted: Any, keys: Any, caplog: pytest.LogCaptureFixture):
    """Three clients trade at once while everything of the preset goes wrong; not one error in the venue's log, and each
    account works as soon as it is over."""
    accounts = tuple(AccountConfig(key.address, balance=100_000) for key in keys)
    config = VenueConfig(accounts=accounts, history_s=60, faults=hastened(name), fault_seed=5)
    traders = (trade_by_ccxt, trade_by_async_ccxt, trade_by_sdk)
    with caplog.at_level(logging.WARNING), serve(config, scripted()) as url:
        end_s = time.monotonic() + TRADING_S
        threads = [
            threading.Thread(target=trade, args=(url, key, end_s)) for trade, key in zip(traders, keys, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        report = requests.get(f"{url}/faults", timeout=5).json()
        requests.delete(f"{url}/faults", timeout=5)
        for key in keys:
            all_is_well(url, key)
    idle = ("on-request", "clock-ahead", "clock-behind", "liquidation", "lying-socket")  # none of them listens
    assert bool(report["strikes"]) == (name not in idle)
    of_the_venue = [record for record in caplog.records if not record.name.startswith(("urllib3", "ccxt"))]
    assert not of_the_venue, [record.getMessage() for record in of_the_venue]
