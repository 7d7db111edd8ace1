"""Questions that nobody is in a hurry for let the bots of this machine go first, and are counted with theirs.

The exchange counts the weight of all requests of an IP address: what the collector, the calibrator or a command asks
is missing to a bot beside it a moment later.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from market_making.hyperliquid.shared_bucket import LEFT_TO_BOTS, SharedBucket, bucket_path
from market_making.hyperliquid.weights import question_weight

_LONGEST_WAIT_S = 4.0  # of the time that a question has, ten seconds
_PAUSE_S = 0.1
_NOW = "exchangeStatus"  # the clock is measured by how long it takes


@asynccontextmanager
async def unhurried_session(state: Path | None, url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for `information.ask`, which lets the bots go first.

    Each question waits until it leaves enough to them, but not for long, and takes its weight from their bucket. Rows
    of an answer are not counted: nothing that is asked this way has many.

    Parameters
    ----------
    state : Path or None
        Folder in which the bots of this machine share their pace. It is not made: without one there are no bots.
    url : str
        Base address of the exchange.
    """
    bucket = None if state is None else SharedBucket(bucket_path(state, url))

    async def wait(_: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams) -> None:
        question: dict[str, Any] | None = context.trace_request_ctx  # None for a websocket
        if question is not None and bucket is not None and state is not None and state.is_dir():
            await _take(bucket, str(question["type"]))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    try:
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            yield session
    finally:
        if bucket is not None:
            bucket.close()


async def _take(bucket: SharedBucket, kind: str) -> None:
    weight = question_weight(kind)
    until_s = time.monotonic() + (0.0 if kind == _NOW else _LONGEST_WAIT_S)
    while bucket.take(weight, floor=LEFT_TO_BOTS) > 0:
        if time.monotonic() >= until_s:
            bucket.charge(weight)
            return
        await asyncio.sleep(_PAUSE_S)
