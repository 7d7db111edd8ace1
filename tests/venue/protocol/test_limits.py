"""What an IP address and an account may ask for: weights, budgets, agents, sub-accounts and vaults."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import ccxt
import pytest
import requests
from eth_account import Account as Key
from hyperliquid.api import API
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.error import ClientError
from hyperliquid.utils.signing import sign_l1_action

from market_making.venue.config import AccountConfig, AgentConfig, VenueConfig
from market_making.venue.protocol.weight_meter import WeightMeter
from market_making.venue.server import LocalVenue

pytestmark = pytest.mark.timeout(30)
ETH = "ETH/USDC:USDC"
ALO = {"limit": {"tif": "Alo"}}
SUB, VAULT = "0x" + "5" * 40, "0x" + "6" * 40


@contextmanager
def sdk(key: Any, url: str, **more: Any) -> Iterator[Exchange]:
    client = Exchange(key, url, **more)
    yield client
    client.session.close()
    client.info.session.close()


@contextmanager
def questions(url: str) -> Iterator[Info]:
    info = Info(url, skip_ws=True)
    yield info
    info.session.close()


def the_status(answer: Any) -> Any:
    return answer["response"]["data"]["statuses"][0]


def test_a_minute_rolls():
    """What was asked for sixty seconds ago is free again, and what was refused has cost nothing."""
    meter = WeightMeter(100)
    assert all(meter.admit("me", "l2Book", 20, second) for second in (0, 10, 20, 30, 40))
    assert not meter.admit("me", "l2Book", 2, 59.9)
    assert meter.admit("you", "l2Book", 100, 59.9)
    assert meter.admit("me", "l2Book", 20, 60.0)
    assert not meter.admit("me", "meta", 1, 60.1)
    report = meter.report(60.1)["addresses"]["me"]
    assert report == {
        "weight_in_last_minute": 100,
        "weight_in_last_minute_by_type": {"l2Book": 100},
        "weight_in_worst_minute": 100,
        "requests": {"l2Book": 6},
        "weight": {"l2Book": 120},
        "refused": {"l2Book": 1, "meta": 1},
    }


async def test_the_limit_is_told_as_the_exchange_tells_it(scripted: Any):
    """1,200 a minute and IP address: 2 for a book, 20 for a meta, 60 for a role, more for rows; then 429 and null, by
    websocket too, while another address goes on."""
    venue = LocalVenue(scripted(), VenueConfig(weight_limit=1200))
    url = await venue.start()
    user = "0x" + "1" * 40
    wanted = [
        ({"type": "l2Book", "coin": "ETH"}, 2), ({"type": "clearinghouseState", "user": user}, 2),
        ({"type": "meta"}, 20), ({"type": "userRole", "user": user}, 60),
        ({"type": "fundingHistory", "coin": "ETH", "startTime": 0}, 45),
    ]  # fmt: skip
    async with aiohttp.ClientSession(url) as session:

        async def ask(question: dict[str, Any], who: aiohttp.ClientSession = session) -> tuple[int, str]:
            async with who.post("/info", json=question) as answer:
                return answer.status, await answer.text()

        for question, _ in wanted:
            assert (await ask(question))[0] == 200
        statistics = (await (await session.get("/statistics")).json())["weight"]["addresses"]["127.0.0.1"]
        assert statistics["weight"] == {question["type"]: weight for question, weight in wanted}
        left = 1200 - sum(weight for _, weight in wanted)
        for _ in range(left // 2):
            assert (await ask(wanted[0][0]))[0] == 200
        assert await ask({"type": "meta"}) == (429, "null")
        async with session.ws_connect("/ws") as socket:
            request = {"type": "info", "payload": {"type": "meta"}}
            await socket.send_json({"method": "post", "id": 3, "request": request})
            answer = (await asyncio.wait_for(socket.receive_json(), 5))["data"]
            assert answer["response"] == {"type": "error", "payload": "429 Too Many Requests"}
        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(url, connector=elsewhere) as other:
            assert (await ask({"type": "meta"}, other))[0] == 200
        statistics = (await (await session.get("/statistics")).json())["weight"]["addresses"]
        assert statistics["127.0.0.1"]["weight_in_worst_minute"] <= 1200
        assert statistics["127.0.0.1"]["refused"] == {"meta": 2}
    await venue.stop()


def test_stock_clients_understand_the_limit(serve: Any, scripted: Any, keys: Any):
    """ccxt and the SDK raise what they raise for the real exchange's 429."""
    with serve(VenueConfig(weight_limit=1, accounts=(AccountConfig(keys[0].address),)), scripted()) as url:
        client = ccxt.hyperliquid({"urls": {"api": {"public": url, "private": url}}})
        with pytest.raises(ccxt.RateLimitExceeded):
            client.public_post_info({"type": "meta"})
        client.session.close()
        api = API(url)
        with pytest.raises(ClientError) as caught:
            api.post("/info", {"type": "meta"})
        api.session.close()
        assert (caught.value.status_code, caught.value.error_message) == (429, "null")


def test_a_spent_budget_leaves_one_action_in_ten_seconds_and_cancels(serve: Any, scripted: Any, keys: Any):
    """At the limit one order passes, the next is refused in the exchange's words, cancels pass up to their own limit,
    and userRateLimit tells the truth all along."""
    account = AccountConfig(keys[0].address, used_actions=10_040, volume=40.0)
    with (
        serve(VenueConfig(accounts=(account,)), scripted()) as url,
        sdk(keys[0], url) as client,
        questions(url) as info,
    ):
        limits = info.user_rate_limit(keys[0].address)
        assert limits == {"cumVlm": "40.0", "nRequestsUsed": 10_040, "nRequestsCap": 10_040, "nRequestsSurplus": 0}
        oid = the_status(client.order("ETH", True, 0.1, 2999.5, ALO))["resting"]["oid"]
        refused = client.order("ETH", True, 0.1, 2999.4, ALO)["response"]
        assert refused.startswith(
            "Too many cumulative requests sent (10042 > 10040) for cumulative volume traded $40.00"
        )
        assert the_status(client.cancel("ETH", oid)) == "success"
        assert info.user_rate_limit(keys[0].address)["nRequestsUsed"] == 10_042


def signed(key: Any, action: dict[str, Any]) -> dict[str, Any]:

    nonce = time.time_ns() // 1_000_000
    return {"action": action, "nonce": nonce, "signature": sign_l1_action(key, action, None, nonce, None, True)}


def test_what_was_bought_is_used_first(serve: Any, scripted: Any, keys: Any):
    """Bought actions are a surplus until they are used; what is used counts beyond them."""
    with serve(VenueConfig(accounts=(AccountConfig(keys[0].address),)), scripted()) as url, questions(url) as info:
        body = {"type": "reserveRequestWeight", "weight": 100}
        requests.post(f"{url}/exchange", json=signed(keys[0], body), timeout=5)
        limits = info.user_rate_limit(keys[0].address)
        assert (limits["nRequestsUsed"], limits["nRequestsCap"], limits["nRequestsSurplus"]) == (0, 10_000, 99)


def test_the_dead_mans_switch_needs_volume(serve: Any, scripted: Any, keys: Any):
    """With 1,000,000 USDC traded before the start scheduleCancel is accepted, with a dollar less it is not."""
    for volume, accepted in ((1_000_000.0, True), (999_999.0, False)):
        account = AccountConfig(keys[0].address, volume=volume)
        with serve(VenueConfig(accounts=(account,)), scripted()) as url, sdk(keys[0], url) as client:
            answer = client.schedule_cancel(int(time.time() * 1000) + 60_000)
            assert (answer["status"] == "ok") == accepted, answer


def test_an_agent_expires(serve: Any, scripted: Any, keys: Any):
    """An agent trades until its end and is then as unknown as any stranger; its owner can see when that is."""
    owner, agent, other = keys
    ends_ms = int(time.time() * 1000) + 1_500
    account = AccountConfig(owner.address, (AgentConfig(agent.address, ends_ms),))
    with serve(VenueConfig(accounts=(account,)), scripted()) as url, questions(url) as info:
        (shown,) = info.post("/info", {"type": "extraAgents", "user": owner.address})
        assert (shown["address"], shown["validUntil"]) == (agent.address.lower(), ends_ms)
        assert info.user_role(agent.address)["role"] == "agent"
        with sdk(agent, url, account_address=owner.address) as client:
            assert "resting" in the_status(client.order("ETH", True, 0.1, 2999.5, ALO))
            while time.time() * 1000 <= ends_ms:
                time.sleep(0.05)
            refusal = client.order("ETH", True, 0.1, 2999.5, ALO)["response"]
            assert refusal == f"User or API Wallet {agent.address.lower()} does not exist."
        assert info.post("/info", {"type": "extraAgents", "user": owner.address}) == []
        assert info.user_role(agent.address) == {"role": "missing"}
        with sdk(owner, url) as client:
            ends_ms = int(time.time() * 1000) + 60_000
            answer, secret = client.approve_agent(f"bot valid_until {ends_ms}")
            assert answer["status"] == "ok"
        address = Key.from_key(secret).address.lower()
        assert info.post("/info", {"type": "extraAgents", "user": owner.address}) == [
            {"name": "bot", "address": address, "validUntil": ends_ms}
        ]
        assert other.address.lower() not in str(info.post("/info", {"type": "extraAgents", "user": owner.address}))


@pytest.mark.parametrize("prefix", ["0x", ""])
@pytest.mark.parametrize(("target", "role"), [(SUB, "subAccount"), (VAULT, "vault")])
def test_ccxt_trades_for_a_sub_account_and_a_vault(
    serve: Any, scripted: Any, keys: Any, prefix: str, target: str, role: str
):
    """The whole life of an order under ``vaultAddress``, which ccxt sends without 0x, with the master's key: also the
    builder that the master has approved, because a sub-account has no key to approve anything with."""
    accounts = (AccountConfig(keys[0].address), AccountConfig(SUB, master=keys[0].address),
                AccountConfig(VAULT, leader=keys[0].address))  # fmt: skip
    with serve(VenueConfig(accounts=accounts), scripted()) as url, questions(url) as info:
        client = ccxt.hyperliquid({
            "walletAddress": target, "privateKey": keys[0].key.hex(), "rateLimit": 1,
            "urls": {"api": {"public": url, "private": url}}, "options": {"vaultAddress": prefix + target[2:]},
        })  # fmt: skip
        assert client.set_leverage(3, ETH, {"marginMode": "isolated"})["status"] == "ok"
        order = client.create_order(ETH, "limit", "buy", 0.1, 2999.5, {"timeInForce": "ALO"})
        edited = client.edit_order(order["id"], ETH, "limit", "buy", 0.1, 2999.4, {"postOnly": True})
        assert [shown["id"] for shown in client.fetch_open_orders(ETH)] == [edited["id"]]
        client.cancel_order(edited["id"], ETH)
        client.create_order(ETH, "market", "buy", 0.1, 3000.0)
        assert client.fetch_positions([ETH])[0]["contracts"] == 0.1
        client.session.close()
        assert info.user_state(keys[0].address)["assetPositions"] == []
        assert info.user_role(target)["role"] == role
        subs = info.query_sub_accounts(keys[0].address)
        assert [sub["subAccountUser"] for sub in subs] == [SUB]


def test_a_vault_nobody_knows_is_told_as_such(serve: Any, scripted: Any, keys: Any):
    """In the exchange's words, not as an unknown wallet."""
    accounts = (AccountConfig(keys[0].address),)
    with serve(VenueConfig(accounts=accounts), scripted()) as url, sdk(keys[0], url, vault_address=SUB) as client:
        answer = client.order("ETH", True, 0.1, 2999.5, ALO)
        assert answer == {"status": "err", "response": f"L1 error: Vault not registered: {SUB}"}
