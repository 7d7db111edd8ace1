"""What is checked: the configuration, and the answers of the exchange about account and markets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from market_making.hyperliquid.information import ask, clock_offset_ms
from market_making.market.errors import MalformedMessage
from market_making.settings.settings import Settings


@dataclass(frozen=True)
class Subject:
    """Merged configuration with its settings; `answers` by question, None where the exchange did not answer.

    `answers` holds the raw JSON of ``meta``, ``allMids``, ``userFees``, ``userRateLimit``, ``userRole``,
    ``extraAgents``, ``userAbstraction``, ``openOrders`` and ``clearinghouseState``, and the clock's offset [ms].
    """

    config: Mapping[str, Any]
    settings: Settings
    now_ms: int
    refusals: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    clock_offset_ms: float | None = None
    network_error: str = ""

    @property
    def account(self) -> str | None:
        """Address of the account; None if none is configured."""
        return self.settings.account

    @property
    def pairs(self) -> tuple[str, ...]:
        """Pairs of the whitelist."""
        return tuple(map(str, self.config.get("exchange", {}).get("pair_whitelist", ())))

    @property
    def is_live(self) -> bool:
        """Whether the configuration trades money."""
        return not self.config.get("dry_run", True)


_OF_MARKET = ("meta", "allMids")
_OF_ACCOUNT = (
    "userFees",
    "userRateLimit",
    "userRole",
    "extraAgents",
    "userAbstraction",
    "openOrders",
    "clearinghouseState",
)


async def answers_of(settings: Settings) -> tuple[dict[str, Any], float | None, str]:
    """Ask the exchange everything the checks need.

    Returns
    -------
    dict, float or None, str
        Answers by question, the clock's offset [ms], and the first error.
    """
    found: dict[str, Any] = {}
    offset, error = None, ""
    async with aiohttp.ClientSession() as session:
        questions: list[dict[str, Any]] = [{"type": name} for name in _OF_MARKET]
        if settings.account is not None:
            questions += [{"type": name, "user": settings.account} for name in _OF_ACCOUNT]
        for question in questions:
            try:
                found[question["type"]] = await ask(session, settings.url, question)
            except (aiohttp.ClientError, TimeoutError, MalformedMessage) as refused:
                error = error or f"{question['type']}: {refused or type(refused).__name__}"
        try:
            offset = await clock_offset_ms(session, settings.url)
        except (aiohttp.ClientError, TimeoutError, MalformedMessage) as refused:
            error = error or f"exchangeStatus: {refused or type(refused).__name__}"
    return found, offset, error
