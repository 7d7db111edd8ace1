"""The maker fee of the account that will trade: the exchange knows its tier, a configuration goes stale."""

import asyncio
import logging

import aiohttp
from schedule import CancelJob

from market_making.hyperliquid import information
from market_making.market.errors import MalformedMessage
from market_making.market.timetable import Timetable
from market_making.settings.settings import Settings

_REFRESH_S = 3600.0
_RETRY_S = 300.0
_RETRIES = "fee tier"

log = logging.getLogger(__name__)


class FeeTier:
    """Settings with the fee of their account, as the exchange reported it last.

    A fee that is written in the configuration holds, and so does the base fee where no account is named or the venue
    is not Hyperliquid. While the exchange does not answer, the last known fee stays.

    Parameters
    ----------
    settings : Settings
        As configured.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def keep_asking(self, timetable: Timetable) -> None:
        """Ask now and every hour; while there is no answer, every five minutes."""
        if self.settings.asks_for_fee:
            self._ask_or_retry(timetable)
            timetable.every(_REFRESH_S).seconds.do(self._ask_or_retry, timetable)

    def ask(self) -> bool:
        """Take over the fee that the exchange tells, if it is to be asked; return False if it did not answer."""
        if not self.settings.asks_for_fee:
            return True
        fee = _asked(self.settings)
        if fee is not None:
            log.info("the maker fee of %s is %g bps", self.settings.account, 1e4 * fee)
            self.settings = self.settings.with_maker_fee(fee)
        return fee is not None

    def _ask_or_retry(self, timetable: Timetable) -> None:
        if not self.ask() and not timetable.get_jobs(_RETRIES):
            timetable.every(_RETRY_S).seconds.do(self._retry).tag(_RETRIES)

    def _retry(self) -> type[CancelJob] | None:
        return CancelJob if self.ask() else None


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
        fees = await information.account_fees(session, url, account)
    return fees.on_main().maker
