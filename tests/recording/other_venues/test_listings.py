"""Which market a coin means, told from the venues' own listings as ccxt reads them."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from market_making.market.clock import now_ms
from market_making.market.errors import UnknownCoin
from market_making.recording.other_venues.binance import BinanceFutures, BinanceSpot
from market_making.recording.other_venues.bybit import Bybit
from market_making.recording.other_venues.collector import client_of
from market_making.recording.other_venues.directory import VenueDirectory
from market_making.recording.other_venues.dydx import Dydx
from market_making.recording.other_venues.okx import Okx
from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.other_venues.structures import coins_per_unit
from market_making.recording.other_venues.venues import pair_of
from tests.recording.other_venues.conftest import SmallVenue
from tests.recording.other_venues.test_trading_rules import LISTED

PERPETUAL = {"contractType": "PERPETUAL", "deliveryDate": 4133404800000, "onboardDate": 1569398400000,
             "pair": "BTCUSDT", "marginAsset": "USDT", "underlyingType": "COIN", "pricePrecision": 2,
             "quantityPrecision": 3}  # fmt: skip
BYBIT = {"symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
         "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1585526400000", "deliveryTime": "0",
         "priceScale": "2", "leverageFilter": {"minLeverage": "1", "maxLeverage": "100"},
         "priceFilter": {"minPrice": "0.50", "maxPrice": "999999", "tickSize": "0.50"},
         "lotSizeFilter": {"maxOrderQty": "100", "minOrderQty": "0.001", "qtyStep": "0.001"}}  # fmt: skip
OKX = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "ctType": "linear", "ctVal": "0.01", "ctValCcy": "BTC",
       "ctMult": "1", "settleCcy": "USDT", "uly": "BTC-USDT", "instFamily": "BTC-USDT", "lotSz": "0.01",
       "minSz": "0.01", "tickSz": "0.1", "state": "live", "baseCcy": "", "quoteCcy": "", "lever": "100",
       "expTime": "", "listTime": "1573557408000", "category": "1", "alias": "", "optType": "", "stk": ""}  # fmt: skip
DYDX = {"clobPairId": "0", "ticker": "BTC-USD", "status": "ACTIVE", "tickSize": "1", "stepSize": "0.0001"}

VENUES: dict[str, tuple[VenueQuirks, str, Any, str, float]] = {
    "binance": (BinanceSpot(), "/api/v3/exchangeInfo", {"symbols": [LISTED]}, "BTC/USDT", 1.0),
    "binanceusdm": (BinanceFutures(), "/fapi/v1/exchangeInfo", {"symbols": [LISTED | PERPETUAL]}, "BTC/USDT:USDT", 1.0),
    "bybit": (Bybit(), "/v5/market/instruments-info",
              {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": [BYBIT]}},
              "BTC/USDT:USDT", 1.0),
    "okx": (Okx(), "/api/v5/public/instruments", {"code": "0", "data": [OKX]}, "BTC/USDT:USDT", 0.01),
    "dydx": (Dydx(), "/v4/perpetualMarkets", {"markets": {"BTC-USD": DYDX}}, "BTC/USDC:USDC", 1.0),
}  # fmt: skip


@contextlib.asynccontextmanager
async def directory_of(name: str, dialects: dict[str, Any], **more: Any) -> AsyncIterator[VenueDirectory]:
    """The directory of a venue that answers by REST only."""
    quirks, path, answer, _, _ = VENUES[name]
    dialect = dialects[name]()
    dialect = dialect._replace(rest=dialect.rest | {path: lambda: answer})
    async with SmallVenue(dialect) as venue:
        settings = dialect.settings(venue.address) | {"markets": None, "timeout_on_exit": 0} | more
        directory = VenueDirectory(quirks, lambda: client_of(quirks, settings))
        try:
            yield directory
        finally:
            await directory.close()


@pytest.mark.parametrize("name", VENUES)
async def test_a_coin_means_the_venues_usual_market(name, dialects):
    """The spot market or the linear perpetual against the usual quote currency, with its contract size."""
    async with directory_of(name, dialects) as directory:
        market = (await directory.markets_of(["BTC"], None))["BTC"]
    assert (market["symbol"], coins_per_unit(market)) == VENUES[name][3:]
    assert pair_of(name, "BTC") == market["symbol"]


@pytest.mark.parametrize("name", VENUES)
async def test_the_clock_of_every_venue_is_in_milliseconds(name, dialects):
    """Also where ccxt passes seconds on."""
    async with directory_of(name, dialects) as directory:
        await directory.measure_clock()
        assert directory.clock_offset_ms is not None
        assert abs(directory.clock_offset_ms) < 500
        assert abs(directory.exchange_ms(now_ms()) - now_ms()) < 500


async def test_waiting_for_a_turn_is_not_mistaken_for_distance(dialects):
    """Half of what ccxt lets a second question wait would otherwise be added to the clock."""
    async with directory_of("bybit", dialects, rateLimit=1000) as directory:
        for _ in range(2):  # the very first question never waits
            await directory.measure_clock()
        assert abs(directory.clock_offset_ms) < 300


async def test_another_quote_currency_is_another_market(dialects):
    """What is not listed against the quote that was asked for is unknown."""
    async with directory_of("binance", dialects) as directory:
        with pytest.raises(UnknownCoin, match=r"BTC not listed.*binance lists 0 spot markets against EUR"):
            await directory.markets_of(["BTC"], "EUR")


async def test_a_clock_that_is_not_told_is_this_machines(dialects):
    """A venue that does not answer costs the correction, not the recording."""
    async with directory_of("okx", dialects) as directory:
        directory._client.urls["api"]["rest"] = "http://127.0.0.1:1"
        await directory.measure_clock()
        assert directory.clock_offset_ms is None
        assert directory.exchange_ms(1_000) == 1_000
