"""How an answer reaches a client by HTTP, or fails to."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from market_making.venue.faults.course import UNDISTURBED, Course, Delivery

Answer = dict[str, Any]
JSON = "application/json"
TOO_MANY_REQUESTS = 429
# A client that has no time limit of its own is let go after this.
_LONGEST_HOLD_S = 600.0
_LOOK_AGAIN_S = 0.2


def refusal_of_items(kind: str, text: str, items: int) -> Answer:
    """The answer to a batch each item of which is refused."""
    statuses = [{"error": text}] * items
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}}


async def follow(course: Course, refusal: Answer, arrive: Callable[[], Awaitable[Any]], *, again: bool) -> Any:
    """Let a request take its course; return the answer the client gets.

    Parameters
    ----------
    course : Course
        What becomes of it.
    refusal : dict
        The answer if its course is to be refused.
    arrive : Callable[[], Awaitable]
        Lets it take effect once and returns the true answer.
    again : bool
        Whether a doubled request arrives twice.
    """
    if course == UNDISTURBED:
        return await arrive()
    await asyncio.sleep(course.hold_s)
    answer: Any = refusal if course.refusal is not None else None
    if course.takes_effect:
        answer = await arrive()
        if again and course.delivery is Delivery.TWICE:
            answer = await arrive()
    await asyncio.sleep(course.late_s)
    return answer if course.rewrite is None else course.rewrite(answer)


async def respond(request: web.Request, course: Course, answer: Any) -> web.StreamResponse:
    """Answer a request by HTTP as its course says."""
    response = failure(course.status) if course.status != HTTPStatus.OK else _whole(answer)
    match course.delivery:
        case Delivery.NEVER:
            await _hold(request)
        case Delivery.CUT:
            _close(request, at_once=True)
        case Delivery.HALF:
            return await _half(request, response.body if isinstance(response.body, bytes) else b"")
    return response


def failure(status: int) -> web.Response:
    """An HTTP status without an answer; a limit is told by ``null``, everything else by a page of the web server."""
    if status == TOO_MANY_REQUESTS:
        return web.Response(status=status, body=b"null", content_type=JSON)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown Error"
    page = f"<html><head><title>{status} {phrase}</title></head><body><h1>{status} {phrase}</h1></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def _whole(answer: Any) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type=JSON)


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _close(request, at_once=False)
    return response


async def _hold(request: web.Request) -> None:
    """Say nothing until the client has gone."""
    waited_s = 0.0
    while waited_s < _LONGEST_HOLD_S and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(_LOOK_AGAIN_S)
        waited_s += _LOOK_AGAIN_S
    _close(request, at_once=True)


def _close(request: web.Request, *, at_once: bool) -> None:
    if request.transport is not None:
        (request.transport.abort if at_once else request.transport.close)()
