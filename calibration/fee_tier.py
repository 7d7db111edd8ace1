"""The maker fee of the account that will trade: the exchange knows its tier, a configuration goes stale."""

import asyncio
import logging

import aiohttp

from market_making.hyperliquid import information
from market_making.market.errors import MalformedMessage
from market_making.settings.settings import Settings

_REFRESH_S = 3600.0
_RETRY_S = 300.0

log = logging.getLogger(__name__)


class FeeTier:
    """Settings with the fee of their account, asked for once an hour.

    A fee that is written in the configuration holds, and so does the base fee where no account is named or the venue
    is not Hyperliquid. While the exchange does not answer, the last known fee stays.

    Parameters
    ----------
    settings : Settings
        As configured.
    """

    def __init__(self, settings: Settings) -> None:
        self._asks = settings.asks_for_fee
        self._settings = settings
        self._next_s = float("-inf")

    def applied(self, now_s: float) -> Settings:
        """Return the settings with the fee of now [Unix time, s]."""
        if self._asks and now_s >= self._next_s:
            fee = _asked(self._settings)
            self._next_s = now_s + (_RETRY_S if fee is None else _REFRESH_S)
            if fee is not None:
                log.info("the maker fee of %s is %g bps", self._settings.account, 1e4 * fee)
                self._settings = self._settings.with_maker_fee(fee)
        return self._settings


def _asked(settings: Settings) -> float | None:
    """The account's maker fee, None if it cannot be had."""
    try:
        return asyncio.run(_ask(settings.url, str(settings.account)))
    except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
        reason = f"{type(error).__name__}: {error}"
        log.warning("%s does not tell the fee (%s); using %g bps", settings.url, reason, 1e4 * settings.model.maker_fee)
        return None


async def _ask(url: str, account: str) -> float:
    async with aiohttp.ClientSession() as session:
        return await information.maker_fee(session, url, account)
