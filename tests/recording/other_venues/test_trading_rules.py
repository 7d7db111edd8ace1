"""What the strategy would trade by on other venues, from ccxt's own reading of their market descriptions."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import rapidjson

from market_making.trading.freqtrade.exchange_rules import instrument_of, post_only_flag
from tests.live_bot import ROOT
from tests.recording.other_venues.conftest import market_of

LISTED = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8, "quoteAsset": "USDT",
    "quotePrecision": 8, "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"],
    "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def binance() -> Any:
    """ccxt's Binance with one market, read from the exchange's own description of it."""
    margin = {"crossMarginPairsData": [], "isolatedMarginPairsData": []}
    client = ccxt.binance({"apiKey": "key", "secret": "secret", "options": margin})
    client.set_markets([client.parse_market(LISTED)])
    return client


def test_binances_rules_become_an_instrument(binance):
    """Tick, lot and smallest order are the exchange's; rounding never makes a quote more aggressive."""
    instrument = instrument_of("binance", binance.market("BTC/USDT"))
    assert (instrument.coin, instrument.pair, instrument.lot) == ("BTC", "BTC/USDT", Decimal("0.00001"))
    assert instrument.tick(64_123.45) == 0.01
    assert instrument.minimum_notional == 5.0
    assert (instrument.bid_price(64_123.456), instrument.ask_price(64_123.451)) == (64_123.45, 64_123.46)


def test_the_flag_makes_an_order_on_binance_post_only(binance):
    """The flag leads ccxt to LIMIT_MAKER, which the exchange rejects when it would trade at once."""
    parameters = {"timeInForce": post_only_flag("binance")}
    request = binance.create_order_request("BTC/USDT", "limit", "buy", 0.1, 60_000.0, parameters)
    assert request["type"] == "LIMIT_MAKER"
    assert "timeInForce" not in request


@pytest.mark.parametrize(
    ("exchange", "identity", "name", "value"),
    [("bybit", "BTCUSDT", "timeInForce", "PostOnly"), ("okx", "BTC-USDT-SWAP", "ordType", "post_only")],
)
def test_the_flag_makes_an_order_post_only_elsewhere(exchange, identity, name, value):
    """Each exchange has its own word for it; Hyperliquid's would be dropped in silence here."""
    client = getattr(ccxt, exchange)({"apiKey": "key", "secret": "secret", "password": "password"})
    symbol = "BTC/USDT:USDT"
    client.set_markets({symbol: market_of(symbol, identity)})
    asked = {"timeInForce": post_only_flag(exchange)}
    assert client.create_order_request(symbol, "limit", "buy", 1, 100.0, asked)[name] == value
    asked = {"timeInForce": post_only_flag("hyperliquid")}
    assert client.create_order_request(symbol, "limit", "buy", 1, 100.0, asked).get(name) != value


def test_freqtrade_accepts_the_configuration_of_binance_spot():
    """`freqtrade show-config` merges and validates it: spot, post-only, a dry run."""
    files = [word for name in ("config.json", "config-binance-spot.json") for word in ("-c", f"user_data/{name}")]
    command = [sys.executable, "-m", "freqtrade", "show-config", *files]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    document = rapidjson.loads(shown[shown.index("{") : shown.rindex("}") + 1])
    assert (document["dry_run"], document["trading_mode"], document["exchange"]["name"]) == (True, "spot", "binance")
    assert document["order_time_in_force"] == {"entry": "PO", "exit": "PO"}
