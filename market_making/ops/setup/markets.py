"""What the coins of a new bot are, perpetuals of any dex or spot, and what its configuration needs for them."""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import aiohttp

from market_making.hyperliquid import information
from market_making.hyperliquid.fees import BASE_TIER
from market_making.hyperliquid.listings import not_listed
from market_making.market.errors import ConfigurationError, MalformedMessage
from market_making.market.identity import Market, Markets
from market_making.market.names import perpetual_names
from market_making.simulation.known_markets import is_spot, market_called

_MAIN = re.compile("[A-Za-z0-9]{1,20}")
_ON_DEX = re.compile("(?P<dex>[A-Za-z0-9]{1,6}):[A-Za-z0-9*?]{1,20}")
_SPOT = re.compile("[A-Za-z0-9]{1,20}/[A-Za-z0-9]{1,10}")
ACCEPTED = "a perpetual such as ETH, kPEPE or xyz:NVDA, or a pair of spot such as HYPE/USDC"
_PATIENCE_S = 15.0

log = logging.getLogger(__name__)


class Traded(NamedTuple):
    """What a bot trades.

    Parameters
    ----------
    pairs : tuple of str
        Freqtrade's names.
    dexes : tuple of str
        Those beside the main one.
    is_spot : bool
        Whether tokens are exchanged.
    fee : float or None
        The highest maker fee among them of an account without volume; None: that of the main dex, or not known.
    """

    pairs: tuple[str, ...]
    dexes: tuple[str, ...] = ()
    is_spot: bool = False
    fee: float | None = None

    @property
    def top_level(self) -> dict[str, Any]:
        """Freqtrade's keys beside `exchange`; its dry run knows no fee of a market but takes the one it is told."""
        fee = {} if self.fee is None else {"fee": round(self.fee, 8)}
        return ({"trading_mode": "spot", "margin_mode": ""} if self.is_spot else {}) | fee

    @property
    def exchange(self) -> dict[str, Any]:
        """Freqtrade's section of that name: a dex that is not named is not traded, and ccxt loads the first ten."""
        section: dict[str, Any] = {"pair_whitelist": list(self.pairs)}
        if self.dexes:
            markets = {"types": ["swap", "hip3"], "hip3": {"limit": len(self.dexes), "dexes": list(self.dexes)}}
            section |= {"hip3_dexes": list(self.dexes), "ccxt_config": {"options": {"fetchMarkets": markets}}}
        return section


def is_name(coin: str) -> bool:
    """Whether a market may be called so."""
    return any(kind.fullmatch(coin) for kind in (_MAIN, _ON_DEX, _SPOT))


def is_mixed(coins: Sequence[str]) -> bool:
    """Whether spot and perpetuals are named together, which one bot cannot trade."""
    return len({bool(_SPOT.fullmatch(coin)) for coin in coins}) > 1


def is_of_spot(coins: Sequence[str]) -> bool:
    """Whether a pair of spot is among them."""
    return any(_SPOT.fullmatch(coin) for coin in coins)


def bot_name(coin: str) -> str:
    """How a bot is called that nobody has named."""
    return re.sub("[^a-z0-9]+", "-", coin.lower()).strip("-")


def on_local_exchange(coins: Sequence[str]) -> Traded:
    """What these coins are on the local exchange."""
    return _traded([market_called(coin) for coin in coins])


def on_exchange(coins: Sequence[str], url: str) -> Traded:
    """What these coins are on the exchange; where it does not answer, what their names say.

    It is asked only about markets beside the perpetuals of the main dex.

    Raises
    ------
    ConfigurationError
        If the exchange lists one of them not, or not so that it could be traded.
    """
    if all(_MAIN.fullmatch(coin) for coin in coins):
        return _by_name(coins)
    try:
        markets = asyncio.run(_listed(url))
    except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
        log.warning("the exchange does not tell what it lists: names and fees are not checked (%s)", error)
        return _by_name(coins)
    return _traded([_one(coin, markets) for coin in coins])


async def _listed(url: str) -> Markets:
    async with asyncio.timeout(_PATIENCE_S), aiohttp.ClientSession(trust_env=True) as session:
        return await information.markets(session, url)


def _one(coin: str, markets: Markets) -> Market:
    market = markets.named(coin)
    if market is None:
        raise ConfigurationError(not_listed((coin,), markets))
    if market.objection:
        raise ConfigurationError(f"{coin} cannot be traded: {market.objection}")
    return market


def _by_name(coins: Sequence[str]) -> Traded:
    found = [_ON_DEX.fullmatch(coin) for coin in coins]
    dexes = tuple(dict.fromkeys(match["dex"] for match in found if match))
    of_spot = is_of_spot(coins)
    return Traded(tuple(coin if of_spot else perpetual_names(coin).pair for coin in coins), dexes, of_spot)


def _traded(markets: Sequence[Market]) -> Traded:
    dexes = tuple(dict.fromkeys(market.dex.name for market in markets if market.dex.name))
    of_spot = any(map(is_spot, markets))
    pairs = tuple(market.pair for market in markets)
    if not dexes and not of_spot:
        return Traded(pairs)
    try:
        return Traded(pairs, dexes, of_spot, max(BASE_TIER.on(market).maker for market in markets))
    except MalformedMessage as error:
        log.warning("%s", error)
        return Traded(pairs, dexes, of_spot)
