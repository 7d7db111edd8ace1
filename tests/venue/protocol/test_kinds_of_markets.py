"""HIP-3 dexes and spot on the venue: ccxt and the official SDK list, place, fill, read and cancel there as they come.

Each market charges what the exchange's formula says, in the token it is paid in, and of each account every wallet is
booked apart.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import requests
from eth_account import Account as Key
from hyperliquid.exchange import Exchange as SdkExchange
from hyperliquid.info import Info as SdkInfo

from market_making.hyperliquid.exchange_listings import Answers, parse_exchange
from market_making.hyperliquid.fees import BASE_TIER
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.simulation.known_markets import KNOWN_MARKETS
from market_making.venue.config import AccountConfig, VenueConfig
from tests.venue.conftest import serving

KEY = Key.from_key("0x" + "51" * 32)
MARKETS = {market.key: (market, price) for market, price in KNOWN_MARKETS}
SYMBOLS = {
    "xyz-NVDA": "XYZ-NVDA/USDC:USDC", "xyz-GOLD": "XYZ-GOLD/USDC:USDC", "xyz-TSLA": "XYZ-TSLA/USDC:USDC",
    "HYPE_USDC": "HYPE/USDC", "UBTC_USDC": "BTC/USDC", "PURR_USDC": "PURR/USDC",
}  # fmt: skip
TAKER_BPS = {"xyz-NVDA": 0.9, "xyz-GOLD": 9.0, "xyz-TSLA": 0.9, "HYPE_USDC": 7.0, "UBTC_USDC": 7.0, "PURR_USDC": 7.0}


class StillMarkets:
    """Every kind of market, each with a book that stands still."""

    listings = tuple(market for market, _ in KNOWN_MARKETS)

    def truth(self) -> None:
        """Nobody knows."""

    def events(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        """One book of each, and then nothing."""
        for market, price in KNOWN_MARKETS:
            bids, asks = (
                tuple(Level(rounded(price * (1 + sign * 1e-4 * (level + 1))), 1e6 / price) for level in range(20))
                for sign, rounded in ((-1, market.instrument.bid_price), (1, market.instrument.ask_price))
            )
            yield BookSnapshot(market.wire, start_ms, bids, asks)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A venue with one account."""
    with serving(VenueConfig(accounts=(AccountConfig(KEY.address),)), StillMarkets()) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def client(url: str) -> Any:
    """Stock ccxt, which only knows another address."""
    exchange = ccxt.hyperliquid({"walletAddress": KEY.address, "privateKey": KEY.key.hex()})
    exchange.urls["api"] = {"public": url, "private": url}
    exchange.options |= {"builderFee": False, "approvedBuilderFee": True, "refSet": True}
    exchange.load_markets()
    return exchange


def ask(url: str, **request: Any) -> Any:
    """An answer of ``/info``."""
    return requests.post(f"{url}/info", json=request, timeout=10).json()


def fills(url: str) -> dict[int, dict[str, Any]]:
    """Fills of the account by order."""
    return {fill["oid"]: fill for fill in ask(url, type="userFills", user=KEY.address)}


def test_our_listings_and_those_of_ccxt_agree(url, client):
    """Wire names, pairs, numbers and lots of every kind."""
    answers = [ask(url, type=kind) for kind in ("meta", "perpDexs", "allPerpMetas", "spotMeta")]
    markets = parse_exchange(Answers(*answers))
    assert sorted(market.key for market in markets) == sorted(MARKETS)
    for key, symbol in SYMBOLS.items():
        ours, theirs = markets.named(key), client.market(symbol)
        wire = theirs["id"] if theirs["spot"] else theirs["baseName"]
        assert (ours.pair, ours.wire, str(ours.asset)) == (symbol, wire, str(theirs["baseId"]))
        assert float(ours.instrument.lot) == theirs["precision"]["amount"]
        listed = MARKETS[key][0].listing
        assert (ours.listing.growth, ours.listing.fee_scale) == (listed.growth, listed.fee_scale)


@pytest.mark.parametrize("key", SYMBOLS)
def test_ccxt_trades_and_reads_there(key, url, client):
    """A post-only order rests and is cancelled; one that takes pays the market's own rate in the token it is due in."""
    (market, price), symbol = MARKETS[key], SYMBOLS[key]
    size = market.instrument.size(100 / price)
    resting = client.create_order(symbol, "limit", "buy", size, market.instrument.bid_price(price * 0.99),
                                  {"timeInForce": "Alo"})  # fmt: skip
    assert [order["id"] for order in client.fetch_open_orders(symbol)] == [resting["id"]]
    client.cancel_order(resting["id"], symbol)
    assert client.fetch_open_orders(symbol) == []
    taken = client.create_order(symbol, "market", "buy", size, price)
    fill = fills(url)[int(taken["id"])]
    value = Decimal(fill["sz"]) * Decimal(fill["px"])
    token = "USDC" if market.tokens is None else market.tokens.base
    paid = float(Decimal(fill["fee"]) / (value if token == "USDC" else Decimal(fill["sz"])))
    assert fill["feeToken"] == token
    assert 1e4 * paid == pytest.approx(TAKER_BPS[key], rel=6e-3)
    assert paid == pytest.approx(BASE_TIER.on(market).taker, rel=6e-3)
    if market.tokens is not None:
        code = symbol.partition("/")[0]
        assert client.fetch_balance({"type": "spot"})[code]["total"] == pytest.approx(size * (1 - paid))
    else:
        (position,) = client.fetch_positions([symbol])
        assert (position["contracts"], position["side"]) == (size, "long")


def test_the_sdk_trades_there(url):
    """By the numbers it makes of the same answers; it takes a spot token by its place."""
    info = SdkInfo(url, skip_ws=True, perp_dexs=["", "xyz"])
    exchange = SdkExchange(KEY, url, perp_dexs=["", "xyz"])
    assert info.name_to_asset("xyz:GOLD") == 110_001
    for name, price in (("xyz:NVDA", 210.0), ("HYPE/USDC", 44.0), ("PURR/USDC", 0.2)):
        answer = exchange.order(name, True, 100.0, price, {"limit": {"tif": "Alo"}})
        (status,) = answer["response"]["data"]["statuses"]
        assert exchange.cancel(name, status["resting"]["oid"])["response"]["data"]["statuses"] == ["success"]


def test_a_sale_pays_in_the_quote_token_and_needs_the_tokens(url, client):
    """What was not bought cannot be sold, and open orders hold what they would deliver."""
    with pytest.raises(ccxt.ExchangeError, match="insufficient spot balance"):
        client.create_order("ETH/USDC", "limit", "sell", 0.01, 3_500.0)
    market, price = MARKETS["UETH_USDC"]
    bought = client.create_order("ETH/USDC", "market", "buy", 0.1, price)
    held = ask(url, type="spotClearinghouseState", user=KEY.address)["balances"]
    (ether,) = [balance for balance in held if balance["coin"] == "UETH"]
    assert Decimal(ether["total"]) == Decimal("0.1") - Decimal(fills(url)[int(bought["id"])]["fee"])
    offered = client.create_order("ETH/USDC", "limit", "sell", 0.09, market.instrument.ask_price(price * 1.01))
    with pytest.raises(ccxt.ExchangeError, match="insufficient spot balance"):
        client.create_order("ETH/USDC", "limit", "sell", 0.01, market.instrument.ask_price(price * 1.01))
    client.cancel_order(offered["id"], "ETH/USDC")
    order = client.create_order("ETH/USDC", "market", "sell", 0.09, price)
    sold = fills(url)[int(order["id"])]
    value = Decimal(sold["sz"]) * Decimal(sold["px"])
    assert (sold["feeToken"], sold["dir"]) == ("USDC", "Sell")
    assert float(Decimal(sold["fee"]) / value) == pytest.approx(7e-4, rel=1e-4)


def test_each_dex_has_a_wallet_of_its_own(url):
    """Positions, orders and mids are told with their dex; spot orders with the main one; an unknown dex is refused."""
    states = {dex: ask(url, type="clearinghouseState", user=KEY.address, dex=dex) for dex in ("", "xyz")}
    coins = {dex: {each["position"]["coin"] for each in state["assetPositions"]} for dex, state in states.items()}
    assert coins[""] == set()
    assert coins["xyz"] <= {"xyz:NVDA", "xyz:GOLD", "xyz:TSLA"}
    assert states[""]["marginSummary"]["accountValue"] == "10000.0"
    assert set(ask(url, type="allMids", dex="xyz")) == {"xyz:NVDA", "xyz:GOLD", "xyz:TSLA"}
    assert "@107" in ask(url, type="allMids")
    refused = requests.post(f"{url}/info", json={"type": "meta", "dex": "abc"}, timeout=10)
    assert (refused.status_code, "there is no dex 'abc'" in refused.text) == (422, True)


def test_an_isolated_market_refuses_cross_margin(client):
    """It stays as it is."""
    with pytest.raises(ccxt.ExchangeError, match="Cross margin is not allowed"):
        client.set_leverage(3, "XYZ-TSLA/USDC:USDC", {"marginMode": "cross"})
    client.set_leverage(3, "XYZ-TSLA/USDC:USDC", {"marginMode": "isolated"})


def test_growth_mode_earns_a_tenth_of_the_actions(url, client):
    """Of the same value."""
    earned = []
    for symbol, price in (("XYZ-NVDA/USDC:USDC", 222.0), ("HYPE/USDC", 45.0)):
        before = float(ask(url, type="userRateLimit", user=KEY.address)["cumVlm"])
        order = client.create_order(symbol, "market", "buy", round(1000 / price, 2), price)
        fill = fills(url)[int(order["id"])]
        value = float(fill["sz"]) * float(fill["px"])
        earned.append((float(ask(url, type="userRateLimit", user=KEY.address)["cumVlm"]) - before) / value)
    assert earned == pytest.approx([0.1, 1.0], rel=1e-6)


def test_the_audit_names_the_token_of_each_fee_and_its_money_adds_up(url):
    """Deposits and profits are what wallets, tokens and positions are worth now."""
    audit = requests.get(f"{url}/audit", params={"user": KEY.address, "orders": "1"}, timeout=10).json()
    tokens = {fill["coin"]: fill["fee_token"] for fill in audit["fills"] if fill["side"] == "buy"}
    assert {tokens[coin] for coin in ("xyz:NVDA", "xyz:GOLD")} == {"USDC"}
    assert (tokens["@107"], tokens["@142"], tokens["@151"]) == ("HYPE", "UBTC", "UETH")
    worth = sum(float(ask(url, type="clearinghouseState", user=KEY.address, dex=dex)["marginSummary"]["accountValue"])
                for dex in ("", "xyz"))  # fmt: skip
    marks = {market.tokens.base: float(ask(url, type="allMids")[market.wire])
             for market, _ in KNOWN_MARKETS if market.tokens is not None} | {"USDC": 1.0}  # fmt: skip
    balances = ask(url, type="spotClearinghouseState", user=KEY.address)["balances"]
    worth += sum(float(balance["total"]) * marks[balance["coin"]] for balance in balances)
    assert audit["equity"] == pytest.approx(worth, abs=0.02)
    assert audit["deposits"] == 30_000.0
