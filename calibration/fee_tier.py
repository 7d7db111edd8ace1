"""The maker fee of the account that will trade, on each market: a configuration goes stale, and one fee is not enough.

The same account pays 1.5 bps on BTC, 0.3 on a perpetual in growth mode and 4 on spot. What the account pays in general
is the exchange's answer, what a market makes of it follows from its listing (`market_making.hyperliquid.fees`).
"""

import asyncio
import logging

import aiohttp
from schedule import CancelJob

from market_making.hyperliquid import information
from market_making.hyperliquid.fees import BASE_TIER, AccountFees, Rates
from market_making.hyperliquid.unhurried import unhurried_session
from market_making.market.errors import MalformedMessage
from market_making.market.identity import Market, Markets
from market_making.market.names import Names
from market_making.market.timetable import Timetable
from market_making.recording.other_venues.venues import THROUGH_CCXT, names_with
from market_making.recording.store.market_file import read_market
from market_making.safety.state_file import masked
from market_making.settings.settings import Settings

_REFRESH_S = 3600.0
_RETRY_S = 300.0
_RETRIES = "fee tier"

log = logging.getLogger(__name__)


class FeeTier:
    """Settings with the fee of their account, as the exchange reported it last.

    A fee that is written in the configuration holds. Where no account is named, the fees are those of an account
    without volume; where the venue is no Hyperliquid, the configuration's. While the exchange does not answer, the last
    known fees stay, and a market's listing is the one that was recorded with it.

    Parameters
    ----------
    settings : Settings
        As configured.

    Attributes
    ----------
    settings : Settings
        The same with the fee on the exchange's own perpetuals.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        own = Rates(settings.model.maker_fee, BASE_TIER.perpetual.taker)
        self._fees = BASE_TIER._replace(perpetual=own)
        self._markets: Markets | None = None

    def settings_of(self, coin: str) -> Settings:
        """Settings with the fee on the market of a folder of recordings.

        Raises
        ------
        MalformedMessage
            If the market's listing does not tell what its fee depends on.
        """
        fee = self.fee_of(coin)
        return self.settings if fee == self.settings.model.maker_fee else self.settings.with_maker_fee(fee)

    def fee_of(self, coin: str) -> float:
        """Maker fee on the market of a folder of recordings [fraction]; errors as in `settings_of`."""
        settings = self.settings
        names, market = self._market(coin)
        own = settings.own_fee(names)
        if own is not None:
            return own
        if market is None or settings.venue in THROUGH_CCXT:
            return settings.model.maker_fee
        return self._fees.on(market).maker

    def market_of(self, coin: str) -> Market | None:
        """The market of a folder of recordings, as it is listed now or was; None where neither is known."""
        return self._market(coin)[1]

    def keep_asking(self, timetable: Timetable) -> None:
        """Ask now and every hour; while there is no answer, every five minutes."""
        if self.settings.asks_for_fee:
            self._ask_or_retry(timetable)
            timetable.every(_REFRESH_S).seconds.do(self._ask_or_retry, timetable)

    def ask(self) -> bool:
        """Take over the fees that the exchange tells, if it is to be asked; return False if it did not answer."""
        if not self.settings.asks_for_fee:
            return True
        answer = _asked(self.settings)
        if answer is None:
            return False
        self._fees, self._markets = answer
        fee = self._fees.on_main().maker
        log.info("the maker fee of %s on perpetuals is %g bps", masked(self.settings.account), 1e4 * fee)
        self.settings = self.settings.with_maker_fee(fee)
        return True

    def _market(self, coin: str) -> tuple[Names, Market | None]:
        """The market of a folder, as it is listed now or was when it was recorded; None where neither is known."""
        settings = self.settings
        listed = None if self._markets is None else self._markets.named(coin)
        if listed is None and settings.venue not in THROUGH_CCXT:
            listed = read_market(settings.market_data, settings.venue, coin)
        if listed is not None:
            return listed.names, listed
        return names_with(None, settings.venue, coin, settings.pairs), None

    def _ask_or_retry(self, timetable: Timetable) -> None:
        if not self.ask() and not timetable.get_jobs(_RETRIES):
            timetable.every(_RETRY_S).seconds.do(self._retry).tag(_RETRIES)

    def _retry(self) -> type[CancelJob] | None:
        return CancelJob if self.ask() else None


def _asked(settings: Settings) -> tuple[AccountFees, Markets] | None:
    """The account's fees and what is listed, None if they cannot be had."""
    try:
        return asyncio.run(_ask(settings))
    except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
        reason = f"{type(error).__name__}: {error}"
        log.warning("%s does not tell the fee (%s); using %g bps", settings.url, reason, 1e4 * settings.model.maker_fee)
        return None


async def _ask(settings: Settings) -> tuple[AccountFees, Markets]:
    async with unhurried_session(settings.state, settings.url) as session:
        fees = await information.account_fees(session, settings.url, str(settings.account))
        return fees, await information.markets(session, settings.url)
