"""What is checked: the configuration, and the answers of the exchange about account and markets."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import aiohttp

from market_making.hyperliquid.exchange_listings import Answers, parse_exchange
from market_making.hyperliquid.information import ask, clock_offset_ms
from market_making.hyperliquid.unhurried import unhurried_session
from market_making.market.errors import MalformedMessage
from market_making.market.identity import Markets
from market_making.market.selection import Choice, Selection
from market_making.recording.other_venues.recorded import names_among
from market_making.settings.pairs import pairs_of
from market_making.settings.settings import Settings

_OF_LISTINGS = ("meta", "perpDexs", "allPerpMetas", "spotMeta")
_OF_MARKET = (*_OF_LISTINGS, "allMids")
_OF_ACCOUNT = (
    "userFees",
    "userRateLimit",
    "userRole",
    "extraAgents",
    "userAbstraction",
    "openOrders",
    "clearinghouseState",
    "spotClearinghouseState",
)


@dataclass(frozen=True)
class Subject:
    """Merged configuration with its settings; `answers` by question, None where the exchange did not answer.

    `answers` holds the raw JSON of ``meta``, ``allMids``, ``userFees``, ``userRateLimit``, ``userRole``,
    ``extraAgents``, ``userAbstraction``, ``openOrders``, ``clearinghouseState`` and ``spotClearinghouseState``, and the
    clock's offset [ms]. Orders and positions are those of every dex; ``dexes`` has each dex's own state. For a
    sub-account or vault ``extraAgents`` are those of its owner, whose keys sign; a vault has ``vaultDetails``.
    `as_typed` are the options that named folder and configuration, for a command that is to be typed next.
    """

    config: Mapping[str, Any]
    settings: Settings
    now_ms: int
    refusals: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    clock_offset_ms: float | None = None
    network_error: str = ""
    as_typed: str = ""

    @property
    def account(self) -> str | None:
        """Address of the account; None if none is configured."""
        return self.settings.account

    @property
    def pairs(self) -> tuple[str, ...]:
        """Pairs of the whitelist, or regular expressions of them."""
        return pairs_of(dict(self.config), "the configuration")

    @cached_property
    def markets(self) -> Markets | None:
        """What the exchange lists; None where it did not answer, or not as expected."""
        try:
            meta, *others = (self.answers.get(question) for question in _OF_LISTINGS)
            return parse_exchange(Answers(meta, *others))
        except (KeyError, MalformedMessage):
            return None

    @cached_property
    def choice(self) -> Choice:
        """The markets of the whitelist that are not black-listed, and what of it is not listed.

        Where the exchange has not told what it lists, those that are calibrated.
        """
        exchange = self.config.get("exchange", {})
        blacklist = tuple(map(str, exchange.get("pair_blacklist", ())))
        selection = Selection(self.pairs, blacklist)
        if self.markets is not None:
            return selection.choose(market.names for market in self.markets)
        published = (path.stem for path in self.settings.parameters.glob("*.json"))
        return selection.choose(names_among(self.settings.market_data, self.settings.venue, published, selection))

    @property
    def is_live(self) -> bool:
        """Whether the configuration trades money."""
        return not self.config.get("dry_run", True)


async def answers_of(settings: Settings) -> tuple[dict[str, Any], float | None, str]:
    """Ask the exchange everything the checks need.

    Returns
    -------
    dict, float or None, str
        Answers by question, the clock's offset [ms], and the first error.
    """
    found: dict[str, Any] = {}
    offset, error = None, ""
    async with unhurried_session(settings.state, settings.url) as session:
        questions: list[dict[str, Any]] = [{"type": name} for name in _OF_MARKET]
        if settings.account is not None:
            questions += [{"type": name, "user": settings.account} for name in _OF_ACCOUNT]
        for question in questions:
            try:
                found[question["type"]] = await ask(session, settings.url, question)
            except (aiohttp.ClientError, TimeoutError, MalformedMessage) as refused:
                error = error or f"{question['type']}: {refused or type(refused).__name__}"
        error = error or await _ask_dexes(session, settings, found)
        await _ask_caps(session, settings, found)
        error = error or await _ask_for_owner(session, settings, found)
        try:
            offset = await clock_offset_ms(session, settings.url)
        except (aiohttp.ClientError, TimeoutError, MalformedMessage) as refused:
            error = error or f"exchangeStatus: {refused or type(refused).__name__}"
    return found, offset, error


async def _ask_dexes(session: aiohttp.ClientSession, settings: Settings, found: dict[str, Any]) -> str:
    """Add orders and positions of every other dex to those of the main one, and mids of those that are traded.

    Where a dex does not answer, orders and positions of the account are not known: half of them are none.

    Returns
    -------
    str
        The error; empty if there was none.
    """
    markets = Subject({}, settings, 0, answers=found).markets or ()
    chosen = settings.selection.choose(market.names for market in markets).chosen
    traded = {market.dex.name for market in markets if market.names in chosen}
    dex = ""
    try:
        for dex in sorted({market.dex.name for market in markets if market.dex.name}):
            if dex in traded:
                found["allMids"] |= await ask(session, settings.url, {"type": "allMids", "dex": dex})
            if settings.account is not None:
                await _ask_about_account(session, settings, found, dex)
    except (aiohttp.ClientError, TimeoutError, MalformedMessage, KeyError, TypeError) as refused:
        found |= dict.fromkeys(("openOrders", "clearinghouseState"))
        return f"dex {dex}: {refused or type(refused).__name__}"
    return ""


async def _ask_caps(session: aiohttp.ClientSession, settings: Settings, found: dict[str, Any]) -> None:
    """Ask which of the traded dexes' perpetuals are at their cap of open interest; without an answer none is known."""
    markets = Subject({}, settings, 0, answers=found).markets or ()
    chosen = settings.selection.choose(market.names for market in markets).chosen
    capped: list[str] = []
    for dex in sorted({market.dex.name for market in markets if market.names in chosen}):
        question = {"type": "perpsAtOpenInterestCap"} | ({"dex": dex} if dex else {})
        with suppress(aiohttp.ClientError, TimeoutError, MalformedMessage, TypeError):
            capped += await ask(session, settings.url, question)
    found["perpsAtOpenInterestCap"] = capped


async def _ask_about_account(
    session: aiohttp.ClientSession, settings: Settings, found: dict[str, Any], dex: str
) -> None:
    """Add orders and positions on one dex; errors are those of the exchange."""
    asked = {"user": settings.account, "dex": dex}
    found["openOrders"] += await ask(session, settings.url, {"type": "openOrders"} | asked)
    state = await ask(session, settings.url, {"type": "clearinghouseState"} | asked)
    found["clearinghouseState"]["assetPositions"] += state["assetPositions"]
    found.setdefault("dexes", {})[dex] = state


async def _ask_for_owner(session: aiohttp.ClientSession, settings: Settings, found: dict[str, Any]) -> str:
    """Ask for the API wallets of whoever owns the account, if it is a sub-account or a vault; return the error."""
    address = settings.account
    try:
        role = found.get("userRole") or {}
        if role.get("role") == "vault":
            details = {"type": "vaultDetails", "vaultAddress": address}
            found["vaultDetails"] = await ask(session, settings.url, details)
        owner = owner_of(found)
        if owner is not None:
            found["extraAgents"] = await ask(session, settings.url, {"type": "extraAgents", "user": owner})
    except (aiohttp.ClientError, TimeoutError, MalformedMessage) as refused:
        return f"the owner of {address}: {refused or type(refused).__name__}"
    except (KeyError, TypeError, AttributeError):
        return f"the owner of {address} is not told as expected"
    return ""


def owner_of(answers: Mapping[str, Any]) -> str | None:
    """Address of who owns a sub-account or leads a vault; None for any other account."""
    role = answers.get("userRole") or {}
    if role.get("role") == "subAccount":
        return str(role["data"]["master"]).lower()
    if role.get("role") == "vault":
        return str(answers["vaultDetails"]["leader"]).lower()
    return None
