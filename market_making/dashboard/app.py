"""The web server: it answers GET and HEAD, from this machine's files, and nothing else.

Every answer forbids the page to load anything from elsewhere, to be framed, and to be kept. Another name for this
machine than the loopback's is refused, so that no foreign page can reach it through a name of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.trustedhost import TrustedHostMiddleware

from market_making.dashboard.documents import coins_view, header, pair_view, safety_view
from market_making.dashboard.metrics import exposition
from market_making.dashboard.past import calibrations, last_decisions, last_fills
from market_making.dashboard.replays import replay_page, replays
from market_making.dashboard.scan import Scan
from market_making.dashboard.watcher import Seen, Watcher
from market_making.market.errors import NotEnoughData
from market_making.settings.settings import Settings

PAGE = Path(__file__).parent / "page"
_FILES = {"/": "index.html", "/page.css": "page.css"} | {
    f"/{path.name}": path.name for path in sorted(PAGE.glob("*.js"))
}
_ONLY_US = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
_NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _ONLY_US + _NOTHING_ELSE,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# A tear-sheet is one file with its script in it; the sandbox keeps it from this page and from the network.
_TEAR_SHEET = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
_TEAR_SHEET += "style-src 'unsafe-inline'; img-src data: blob:"
_READ_ONLY = ("GET", "HEAD")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_WAIT_S = 0.1
_DECISIONS = 12


def dashboard(settings: Settings, watcher: Watcher, names: Sequence[str] = ()) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    settings : Settings
        Where everything is written.
    watcher : Watcher
        Reads the state files; the application starts and ends it.
    names : sequence of str
        By which this machine may be called, beside those of the loopback.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        yield
        await asyncio.to_thread(watcher.close)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*_LOOPBACK, *names])
    app.middleware("http")(_guarded)
    app.add_exception_handler(NotEnoughData, _missing)
    _add_files(app)
    _add_views(app, settings, watcher)
    return app


async def _guarded(request: Request, go_on: Callable[[Request], Any]) -> Response:
    if request.method not in _READ_ONLY:
        return Response("this page only reads", 405, {**_HEADERS, "Allow": ", ".join(_READ_ONLY)})
    answer: Response = await go_on(request)
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _missing(_: Request, error: Exception) -> Response:
    return _json({"missing": str(error)}, 404)


def _json(document: Any, status: int = 200) -> Response:
    content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, media_type="application/json")


def _add_files(app: FastAPI) -> None:
    for address, name in _FILES.items():

        def answer(name: str = name) -> FileResponse:
            return FileResponse(PAGE / name)

        app.add_api_route(address, answer, methods=list(_READ_ONLY), response_model=None)


def _add_views(app: FastAPI, settings: Settings, watcher: Watcher) -> None:
    views = Views(settings, watcher)
    answers: dict[str, Callable[..., Any]] = {
        "/api/stream": views.stream,
        "/api/view": views.once,
        "/api/samples": views.samples,
        "/api/fills": views.fills,
        "/api/calibrations": views.calibrations,
        "/api/scan": views.scan,
        "/api/replays": views.replays,
        "/replays/{name}": views.tear_sheet,
        "/metrics": views.metrics,
    }
    for address, answer in answers.items():
        app.add_api_route(address, answer, methods=list(_READ_ONLY), response_model=None)


class Views:
    """What each address answers."""

    def __init__(self, settings: Settings, watcher: Watcher) -> None:
        self._settings = settings
        self._watcher = watcher
        self._scan = Scan(settings)

    async def stream(self, request: Request, show: str = "coins", bot: str = "", pair: str = "") -> Response:
        """One view again and again, as server-sent events."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        events = self._events(request, lambda seen: self._view(seen, show, bot, pair))
        return StreamingResponse(events, media_type="text/event-stream")

    def once(self, show: str = "coins", bot: str = "", pair: str = "") -> Response:
        """One view as it is now."""
        return _json(self._view(self._watcher.seen, show, bot, pair))

    def samples(self, bot: str, pair: str) -> Response:
        """The last half hour of a pair."""
        return _json(self._watcher.samples.of(bot, pair))

    def fills(self, bot: str, pair: str) -> Response:
        """The fills of the last half hour of a pair."""
        now_ms = self._watcher.seen.overview.now_ms
        return _json(last_fills(self._settings, _plain_name(bot), pair, now_ms))

    def calibrations(self, coin: str) -> Response:
        """The last calibrations of a coin."""
        return _json(calibrations(self._settings, _plain_name(coin), self._watcher.seen.overview.now_ms))

    def scan(self) -> Response:
        """What each coin would earn."""
        return _json(self._scan.document(self._watcher.seen.overview.now_ms))

    def replays(self) -> Response:
        """The tear-sheets there are."""
        return _json(replays(self._settings))

    def tear_sheet(self, name: str) -> Response:
        """One of them."""
        return FileResponse(replay_page(self._settings, name), headers={"Content-Security-Policy": _TEAR_SHEET})

    def metrics(self) -> Response:
        """The same numbers for Prometheus."""
        return Response(exposition(self._watcher.seen.overview), media_type=CONTENT_TYPE_LATEST)

    def _view(self, seen: Seen, show: str, bot: str, pair: str) -> dict[str, Any]:
        found = seen.overview
        shown: dict[str, Any] = {"header": header(found, self._settings.venue)}
        if show == "coins":
            shown["coins"] = coins_view(found)
        elif show == "safety":
            shown["safety"] = safety_view(found)
        elif show == "pair":
            try:
                shown["pair"] = pair_view(found, bot, pair)
            except NotEnoughData as error:
                return shown | {"missing": str(error)}
            shown["pair"]["decisions"] = last_decisions(self._settings, bot, pair, _DECISIONS)
        return shown

    async def _events(self, request: Request, view: Callable[[Seen], dict[str, Any]]) -> AsyncIterator[bytes]:
        """A document for every reading of the state files, until the reader goes."""
        last = -1
        while not self._watcher.has_ended and not await request.is_disconnected():
            seen = self._watcher.seen
            if seen.number == last:
                await asyncio.sleep(_WAIT_S)
                continue
            last = seen.number
            document = await asyncio.to_thread(view, seen)
            yield b"data: " + orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n\n"


def _plain_name(name: str) -> str:
    """A bot's or coin's name becomes part of a path; what leads out of its folder is nobody's name."""
    if not name or name.startswith(".") or any(letter in name for letter in "/\\\0*?["):
        raise NotEnoughData(f"nothing here is called {name!r}")
    return name
