"""Check the local venue's answers against a third party's strict types of the real exchange.

Needs node and npm with a network: @nktkas/hyperliquid, whose author keeps its types by the live exchange, and the
compiler that checks against them are installed in a temporary folder; a field that is missing is a fault, and so is one
that is not known. An account trades, is refused, is liquidated and pays for it; every question is asked, of another dex
and of spot where it has such, and every stream is listened to all the while. Prints a line per type and the share of
valid ones; the exit status is the number of invalid types. Run: python benchmarks/clients/strict_schemas.py
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
from eth_account import Account as Key
from hyperliquid.utils.signing import sign_l1_action

from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import AccountConfig, AgentConfig, VenueConfig
from market_making.venue.faults.document import Faults
from market_making.venue.server import LocalVenue

PACKAGES = ("@nktkas/hyperliquid@0.33.3", "typescript@5.9.3")
COMPILER = {"strict": True, "noEmit": True, "module": "nodenext", "target": "es2022", "skipLibCheck": True}
# In summer 2026 the exchange moved the fee scale from the dex to each asset; these types still have it at the dex.
SCALE, OLD_SCALE = (
    ("deployerFeeScale", "lastFeeScaleChangeTime"),
    ("deployerFeeScale", "lastDeployerFeeScaleChangeTime"),
)
SUB = "0x" + "5" * 40
STREAMS_S = 5.0  # in which every stream that is sent again and again has been
KINDS = (
    "activeAssetData", "allMids", "allPerpMetas", "candleSnapshot", "clearinghouseState", "exchangeStatus",
    "extraAgents", "frontendOpenOrders", "fundingHistory", "historicalOrders", "l2Book", "marginTable",
    "maxBuilderFee", "meta", "metaAndAssetCtxs", "openOrders", "orderStatus", "perpDexs",
    "perpsAtOpenInterestCap", "portfolio", "predictedFundings", "recentTrades", "referral",
    "spotClearinghouseState", "spotMeta", "spotMetaAndAssetCtxs", "subAccounts", "userFees", "userFills",
    "userFillsByTime", "userFunding", "userNonFundingLedgerUpdates", "userRateLimit", "userRole",
    "userVaultEquities", "webData2",
)  # fmt: skip
MARKETS = ("ETH", "xyz:NVDA", "BTC/USDC")
COINS = ("ETH", "xyz:NVDA", "@142")
OF_A_DEX = ("meta", "metaAndAssetCtxs", "allMids", "clearinghouseState", "openOrders", "frontendOpenOrders",
            "perpsAtOpenInterestCap")  # fmt: skip
OF_A_COIN = ("l2Book", "candleSnapshot", "recentTrades", "fundingHistory", "activeAssetData")
OF_A_USER = ("userFills", "orderUpdates", "userEvents", "userFundings", "userNonFundingLedgerUpdates", "spotState",
             "clearinghouseState", "webData3", "notification")  # fmt: skip


def subscriptions(user: str) -> list[dict[str, Any]]:
    """Every stream, of every kind of market."""
    markets: list[dict[str, Any]] = [
        {"type": kind, "coin": coin} for coin in COINS for kind in ("l2Book", "bbo", "trades", "activeAssetCtx")
    ]
    markets += [{"type": "l2Book", "coin": "ETH", "fast": True}, {"type": "allDexsAssetCtxs"}, {"type": "allMids"}]
    markets += [{"type": "candle", "coin": coin, "interval": "1m"} for coin in COINS]
    markets += [{"type": kind, "dex": "xyz", "user": user} for kind in ("allMids", "clearinghouseState")]
    accounts = [{"type": kind, "user": user} for kind in OF_A_USER]
    return [*markets, *accounts, *({"type": "activeAssetData", "user": user, "coin": coin} for coin in COINS[:2])]


async def listen(socket: aiohttp.ClientWebSocketResponse, heard: dict[str, list[Any]]) -> None:
    """Keep what streams say, by channel."""
    async for frame in socket:
        message = json.loads(frame.data)
        heard[message["channel"]].append(message.get("data"))


async def everything() -> dict[str, Any]:
    """One answer of each type, of an account that has been through everything, and what streams have said of it."""
    key, agent = Key.create(), Key.create()
    account = AccountConfig(key.address, (AgentConfig(agent.address),), balance=500.0)
    config = VenueConfig((account, AccountConfig(SUB, master=key.address)), history_s=120, faults=Faults())
    venue, heard = LocalVenue(SimulatedSource(default_truths(MARKETS)), config), defaultdict(list)
    async with aiohttp.ClientSession(await venue.start()) as session, session.ws_connect("/ws") as socket:
        for subscription in subscriptions(key.address):
            await socket.send_json({"method": "subscribe", "subscription": subscription})
        listening = asyncio.create_task(listen(socket, heard))
        mid = float((await ask(session, {"type": "allMids"}))["ETH"])
        for action in actions(mid):
            await act(session, key, action)
        first = await questions(session, key.address)
        async with session.post("/faults", json={"faults": [{"fault": "liquidate"}]}):
            await asyncio.sleep(0.5)
        last = await questions(session, key.address)
        await asyncio.sleep(STREAMS_S)
        listening.cancel()
    await venue.stop()
    heard.pop("subscriptionResponse")
    # The liquidated account has fills and a ledger, the one before orders and a position.
    told = {kind: last[kind] if kind.startswith("user") else answer for kind, answer in first.items()}
    return {"answers": told, "messages": heard}


def actions(mid: float) -> list[dict[str, Any]]:
    """An isolated position, a resting order, a refused one, a stop."""

    def order(buys: bool, price: float, kind: dict[str, Any], *, reduces: bool = False) -> dict[str, Any]:
        wire = {"a": 0, "b": buys, "p": f"{price:.0f}", "s": "0.1", "r": reduces, "t": kind}
        return {"type": "order", "orders": [wire], "grouping": "na"}

    stop = {"trigger": {"isMarket": True, "triggerPx": f"{0.9 * mid:.0f}", "tpsl": "sl"}}
    return [
        {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 20},
        order(True, 1.05 * mid, {"limit": {"tif": "Ioc"}}),
        order(True, 0.99 * mid, {"limit": {"tif": "Alo"}}),
        order(True, 1.01 * mid, {"limit": {"tif": "Alo"}}),
        order(False, 0.85 * mid, stop, reduces=True),
        {"type": "setReferrer", "code": "ABC"},
        order(True, 1.05 * mid, {"limit": {"tif": "Ioc"}}),
    ]


async def act(session: aiohttp.ClientSession, key: Any, action: dict[str, Any]) -> None:
    """Send one signed action; what the exchange says to it does not matter here."""
    nonce = time.time_ns() // 1_000_000
    body = {"action": action, "nonce": nonce, "signature": sign_l1_action(key, action, None, nonce, None, True)}
    async with session.post("/exchange", json=body) as answer:
        answer.raise_for_status()
    await asyncio.sleep(0.01)


async def questions(session: aiohttp.ClientSession, user: str) -> dict[str, Any]:
    """Every question once."""
    now_ms = int(time.time() * 1000)
    request = {"coin": "ETH", "interval": "1m", "startTime": 0, "endTime": now_ms}
    common = {"user": user, "coin": "ETH", "id": 25, "oid": 100_000_002, "startTime": now_ms - 7_200_000,
              "builder": SUB, "req": request}  # fmt: skip
    found = {kind: await ask(session, {"type": kind, **common}) for kind in KINDS}
    for kind in OF_A_DEX:
        found[f"{kind} xyz"] = await ask(session, {"type": kind, **common, "dex": "xyz"})
    for coin in COINS[1:]:
        for kind in OF_A_COIN[: 3 if coin.startswith("@") else None]:
            asked = common | {"coin": coin, "req": request | {"coin": coin}}
            found[f"{kind} {coin}"] = await ask(session, {"type": kind, **asked})
    return found


async def ask(session: aiohttp.ClientSession, question: dict[str, Any]) -> Any:
    """Ask ``/info``."""
    async with session.post("/info", json=question) as answer:
        answer.raise_for_status()
        return await answer.json()


def declared(seen: dict[str, Any]) -> dict[str, list[str]]:
    """By what was asked or heard, the constants that the compiler shall accept: a type and a value."""
    found = {
        kind: [f"info.{type_of(kind)}Response = {as_known(kind, answer)}"] for kind, answer in seen["answers"].items()
    }
    for channel, messages in seen["messages"].items():
        kind = type_of("userEvents" if channel == "user" else channel)
        found[f"stream {channel}"] = [f"subscription.{kind}Event = {json.dumps(message)}" for message in messages]
    return found


def type_of(kind: str) -> str:
    """Beginning of the name of a type: what was asked, without the dex or coin it was asked of."""
    name = kind.split(" ", maxsplit=1)[0]
    return name[0].upper() + name[1:]


def as_known(kind: str, answer: Any) -> str:
    """An answer as JSON, its fee scales where these types have them."""
    if kind == "perpDexs":
        answer = [dex and {**dict.fromkeys(OLD_SCALE, "1.0"), **dex} for dex in answer]
    elif "meta" in kind.lower():
        answer = without(answer, SCALE)
    return json.dumps(answer)


def without(value: Any, names: tuple[str, ...]) -> Any:
    """The same JSON without these keys, wherever they stand."""
    if isinstance(value, list):
        return [without(each, names) for each in value]
    if isinstance(value, dict):
        return {key: without(each, names) for key, each in value.items() if key not in names}
    return value


def compiled(folder: Path, constants: dict[str, list[str]]) -> dict[str, list[str]]:
    """What the compiler says against each kind; a constant has a line of its own."""
    heads = [f'import type * as {name} from "@nktkas/hyperliquid/api/{name}";' for name in ("info", "subscription")]
    lines = [(kind, each) for kind, found in constants.items() for each in found]
    text = "\n".join([*heads, *(f"export const c{number}: {each};" for number, (_, each) in enumerate(lines))])
    (folder / "seen.ts").write_text(text)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": COMPILER, "files": ["seen.ts"]}))
    command = [shutil.which("npx") or "npx", "tsc", "--pretty", "false"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said: dict[str, list[str]] = defaultdict(list)
    for line in filter(str.strip, run.stdout.splitlines()):
        place = re.match(r"seen\.ts\((\d+),", line)
        number = int(place[1]) - len(heads) - 1 if place else -1
        said[lines[number][0] if 0 <= number < len(lines) else "the compiler"].append(line.strip())
    return said


def main() -> int:
    """Collect, install, compare."""
    npm = shutil.which("npm")
    if npm is None:
        print("node and npm are needed")
        return 2
    with tempfile.TemporaryDirectory() as name:
        constants = declared(asyncio.run(everything()))
        subprocess.run([npm, "install", "--silent", "--prefix", name, *PACKAGES], check=True)
        said = compiled(Path(name), constants)
    for kind, found in constants.items():
        print(f"{kind}, {len(found)}: " + ("INVALID: " + said[kind][0][:300] if kind in said else "valid"))
    others = said.keys() - constants.keys()
    print(*(line for kind in others for line in said[kind]), sep="\n")
    print(f"{len(constants) - len(said.keys() & constants.keys())} of {len(constants)} types are valid")
    return len(said)


if __name__ == "__main__":
    sys.exit(main())
