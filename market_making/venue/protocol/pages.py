"""Pages for people and tests, no part of Hyperliquid's protocol: ``/audit``, ``/statistics`` and ``/faults``."""

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from market_making.market.errors import ConfigurationError
from market_making.venue.engine.state import State
from market_making.venue.protocol.account_info import AccountInfo
from market_making.venue.protocol.audit import audit, orders
from market_making.venue.protocol.delivery import JSON
from market_making.venue.protocol.fault_desk import FaultDesk
from market_making.venue.protocol.weight_meter import WeightMeter


class Pages:
    """Serves what the venue knows beside the protocol.

    Parameters
    ----------
    state : State
        The exchange.
    accounts : AccountInfo
        Its accounts.
    meter : WeightMeter
        Who has asked for how much.
    faults : FaultDesk
        What goes wrong; faults can be injected only if it is open.
    advance : Callable[[], None]
        Lets the exchange know what time it is.
    """

    def __init__(
        self, state: State, accounts: AccountInfo, meter: WeightMeter, faults: FaultDesk, advance: Callable[[], None]
    ) -> None:
        self._state = state
        self._accounts = accounts
        self._meter = meter
        self._faults = faults
        self._advance = advance

    def routes(self) -> list[web.RouteDef]:
        """Paths of the pages."""
        routes = [web.get("/audit", self._audit), web.get("/statistics", self._statistics)]
        if self._faults.is_open:
            routes += [
                web.get("/faults", self._show_faults),
                web.post("/faults", self._inject),
                web.delete("/faults", self._clear_faults),
            ]
        return routes

    async def _audit(self, request: web.Request) -> web.Response:
        self._advance()
        user = request.query.get("user")
        chosen = list(self._state.accounts.values()) if user is None else [self._accounts.account(user.lower())]
        reports = [audit(account, self._state) for account in chosen]
        if "orders" in request.query:
            reports = [{**report, **orders(account)} for report, account in zip(reports, chosen, strict=True)]
        return _json(reports if user is None else reports[0])

    async def _statistics(self, _: web.Request) -> web.Response:
        return _json({"weight": self._meter.report(asyncio.get_running_loop().time())})

    async def _show_faults(self, request: web.Request) -> web.Response:
        _require_program_of_this_machine(request)
        return _json(self._faults.report())

    async def _inject(self, request: web.Request) -> web.Response:
        _require_program_of_this_machine(request)
        try:
            self._faults.inject(orjson.loads(await request.read()))
        except (ConfigurationError, orjson.JSONDecodeError) as error:
            return web.Response(status=400, text=str(error))
        return _json(self._faults.report())

    async def _clear_faults(self, request: web.Request) -> web.Response:
        _require_program_of_this_machine(request)
        self._faults.clear()
        return _json(self._faults.report())


def _require_program_of_this_machine(request: web.Request) -> None:
    """Keep out other machines, and pages in a browser that know the port."""
    address = ipaddress.ip_address(request.remote or "0.0.0.0")  # noqa: S104 - stands for "not known"
    if not address.is_loopback or "Origin" in request.headers:
        raise web.HTTPForbidden(text="faults are injected by programs of this machine only")


def _json(answer: Any) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type=JSON)
