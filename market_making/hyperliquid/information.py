"""Questions to Hyperliquid's ``/info`` endpoint that need no account: what is listed, what time it is."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from market_making.hyperliquid.exchange_listings import Answers, parse_exchange
from market_making.hyperliquid.fees import AccountFees
from market_making.hyperliquid.listings import parse_contexts, perpetual_volumes
from market_making.hyperliquid.market_data import parse_book
from market_making.hyperliquid.numbers import milliseconds
from market_making.hyperliquid.spot_listings import spot_volumes
from market_making.market.errors import MalformedMessage
from market_making.market.events import AssetContext, BookSnapshot
from market_making.market.identity import Kind, Markets

TIMEOUT = aiohttp.ClientTimeout(total=10)
CLOCK_QUESTIONS = 3
_OTHER_MARKETS = ("perpDexs", "allPerpMetas", "spotMeta")

log = logging.getLogger(__name__)


async def markets(session: aiohttp.ClientSession, url: str) -> Markets:
    """Markets that the venue lists: perpetuals of every dex, and spot.

    Raises
    ------
    MalformedMessage
        If the answer of the main dex is not one.
    aiohttp.ClientError, TimeoutError
        If the venue does not answer.
    """
    meta = await ask(session, url, {"type": "meta"})
    others = [await _ask_if_known(session, url, kind) for kind in _OTHER_MARKETS]
    return parse_exchange(Answers(meta, *others))


async def markets_by_parts(
    session: aiohttp.ClientSession, url: str, room: Callable[[str], Awaitable[None]]
) -> AsyncIterator[tuple[Markets, bool]]:
    """The main dex's markets, and later all of them, with whether these are all; `room` comes before each question.

    Raises
    ------
    MalformedMessage, aiohttp.ClientError, TimeoutError
        As `markets`.
    """
    await room("meta")
    meta = await ask(session, url, {"type": "meta"})
    yield parse_exchange(Answers(meta)), False
    others = []
    for kind in _OTHER_MARKETS:
        await room(kind)
        others.append(await _ask_if_known(session, url, kind))
    yield parse_exchange(Answers(meta, *others)), True


async def _ask_if_known(session: aiohttp.ClientSession, url: str, kind: str) -> Any:
    """Ask what a venue need not know; None where it refuses the question."""
    try:
        return await ask(session, url, {"type": kind})
    except MalformedMessage as error:
        log.warning("markets that %s tells of are left out: %s", kind, error)
        return None


async def volumes(session: aiohttp.ClientSession, url: str, found: Markets) -> dict[str, float]:
    """Value traded within a day by name on the wire [quote currency]; errors as in `markets`."""
    told = spot_volumes(await ask(session, url, {"type": "spotMetaAndAssetCtxs"}))
    for dex in {market.dex.name for market in found if market.kind is Kind.PERPETUAL}:
        question = {"type": "metaAndAssetCtxs"} | ({"dex": dex} if dex else {})
        told |= perpetual_volumes(await ask(session, url, question))
    return told


async def contexts(session: aiohttp.ClientSession, url: str) -> tuple[AssetContext, ...]:
    """Funding, mark price and open interest of every listed coin; errors as in `markets`."""
    return parse_contexts(await ask(session, url, {"type": "metaAndAssetCtxs"}))


async def book(session: aiohttp.ClientSession, url: str, coin: str) -> BookSnapshot:
    """Book of one coin, 20 levels; errors as in `markets`."""
    answer = await ask(session, url, {"type": "l2Book", "coin": coin})
    try:
        return parse_book(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedMessage(f"l2Book answer for {coin} lacks {error}: {answer!r:.200}") from None


async def account_fees(session: aiohttp.ClientSession, url: str, account: str) -> AccountFees:
    """Base rates of an account; errors as in `markets`."""
    return AccountFees.parse(await ask(session, url, {"type": "userFees", "user": account}))


async def clock_offset_ms(session: aiohttp.ClientSession, url: str) -> float:
    """Exchange clock minus local clock [ms], up to half of the shortest round trip; errors as in `markets`."""
    # The first question may have to wait for a connection, so it is not the one to measure by.
    measured = [await _measure_clock(session, url) for _ in range(CLOCK_QUESTIONS)]
    return min(measured)[1]


async def _measure_clock(session: aiohttp.ClientSession, url: str) -> tuple[float, float]:
    """Round trip and offset of one question [ms]."""
    before = time.time()
    answer = await ask(session, url, {"type": "exchangeStatus"})
    after = time.time()
    stamp = answer.get("time") if isinstance(answer, dict) else answer
    return (after - before) * 1e3, milliseconds(stamp) - (before + after) / 2 * 1e3


async def ask(session: aiohttp.ClientSession, url: str, question: dict[str, Any]) -> Any:
    """Ask one question, whose ``type`` names it; errors as in `markets`: one that asks too much gets no answer."""
    address = f"{url.rstrip('/')}/info"
    # The session may count what is asked: `unhurried.unhurried_session`.
    async with session.post(address, json=question, timeout=TIMEOUT, trace_request_ctx=question) as answer:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            answer.raise_for_status()
        content = await answer.read()
        if answer.status != HTTPStatus.OK:
            raise MalformedMessage(f"{question['type']}: status {answer.status}, {content[:200]!r}")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise MalformedMessage(f"{question['type']}: the answer is not JSON: {content[:200]!r}") from None
