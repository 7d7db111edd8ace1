"""Markets of every kind are found by the names and numbers of the listings, and one that cannot be read costs no other.

The answers are shortened from messages of September 2026.
"""

import logging

import ccxt
import pytest

from market_making.hyperliquid.exchange_listings import Answers, parse_exchange
from market_making.hyperliquid.listings import require_listed
from market_making.hyperliquid.spot_listings import (
    CCXT_CODES,
    ccxt_code,
    pair_fields,
    parse_spot_markets,
    parse_tokens,
    spot_volumes,
    token_fields,
)
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.identity import Kind
from market_making.market.selection import Selection

MAIN = {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40},
                     {"name": "HYPE", "szDecimals": 2, "maxLeverage": 10}], "collateralToken": 0}  # fmt: skip
XYZ = {
    "universe": [
        {"szDecimals": 3, "name": "xyz:NVDA", "maxLeverage": 20, "growthMode": "enabled", "deployerFeeScale": "1.0"},
        {"szDecimals": 4, "name": "xyz:GOLD", "maxLeverage": 25, "deployerFeeScale": "1.0"},
        {"szDecimals": 2, "name": "xyz:SPACEX", "maxLeverage": 3, "onlyIsolated": True, "isDelisted": True,
         "marginMode": "strictIsolated", "deployerFeeScale": "1.0"},
    ],
    "collateralToken": 0,
}  # fmt: skip
FLX = {"universe": [{"szDecimals": 3, "name": "flx:TSLA", "maxLeverage": 10}], "collateralToken": 360}
DEXS = [None, {"name": "xyz"}, {"name": "flx", "deployerFeeScale": "0.5"}]
TOKENS = [
    token_fields(0, "USDC", 8), token_fields(1, "PURR", 0), token_fields(150, "HYPE", 2, "Hyperliquid"),
    token_fields(197, "UBTC", 5, "Unit Bitcoin"), token_fields(268, "USDT0", 2), token_fields(360, "USDH", 2),
    token_fields(440, "LATE", 1), token_fields(479, "WARS", 0),
]  # fmt: skip
PAIRS = [
    pair_fields("PURR/USDC", 0, 1, 0), pair_fields("@107", 107, 150, 0), pair_fields("@142", 142, 197, 0),
    pair_fields("@166", 166, 268, 0), pair_fields("@232", 232, 150, 360), pair_fields("@350", 350, 440, 0),
    pair_fields("@400", 400, 150, 268), pair_fields("@401", 401, 360, 0), pair_fields("@9", 9, 999, 0),
]  # fmt: skip
SPOT = {"tokens": TOKENS, "universe": PAIRS}
ANSWERS = Answers(MAIN, DEXS, [MAIN, XYZ, FLX], SPOT)


@pytest.mark.parametrize(
    ("name", "wire", "key", "asset", "kind"),
    [
        ("BTC", "BTC", "BTC", 0, Kind.PERPETUAL),
        ("HYPE", "HYPE", "HYPE", 1, Kind.PERPETUAL),
        ("XYZ-NVDA/USDC:USDC", "xyz:NVDA", "xyz-NVDA", 110_000, Kind.PERPETUAL),
        ("flx:TSLA", "flx:TSLA", "flx-TSLA", 120_000, Kind.PERPETUAL),
        ("PURR/USDC", "PURR/USDC", "PURR_USDC", 10_000, Kind.SPOT),
        ("HYPE/USDC", "@107", "HYPE_USDC", 10_107, Kind.SPOT),
        ("HYPE/USDH", "@232", "HYPE_USDH", 10_232, Kind.SPOT),
        ("BTC/USDC", "@142", "UBTC_USDC", 10_142, Kind.SPOT),
        ("LATE/USDC", "@350", "LATE_USDC", 10_350, Kind.SPOT),
    ],
)
def test_each_kind_is_found_by_its_names(name, wire, key, asset, kind):
    """A spot token that shares a perpetual's name is another market, and holes in the lists move no name."""
    markets = parse_exchange(ANSWERS)
    market = markets.named(name)
    assert (market.wire, market.key, market.asset, market.kind) == (wire, key, asset, kind)
    assert markets.numbered(asset) is market
    assert len(markets) == 14


def test_fee_fields_come_with_the_listing():
    """The scale of the asset, else that of its dex; a pair of two quote assets is told from others."""
    markets = parse_exchange(ANSWERS)
    nvda, tesla = markets.named("xyz:NVDA").listing, markets.named("flx:TSLA").listing
    assert (nvda.growth, nvda.fee_scale) == (True, 1.0)
    assert (tesla.growth, tesla.fee_scale) == (False, 0.5)
    stable = [market.wire for market in markets if market.tokens is not None and market.tokens.is_stable]
    assert stable == ["@166", "@401"]


def test_a_pair_of_tokens_that_are_not_described_has_no_name():
    """Its lot is not known either."""
    assert all(market.wire != "@9" for market in parse_spot_markets(SPOT))


@pytest.mark.parametrize(
    ("name", "reason"), [("xyz:SPACEX", "delisted"), ("flx:TSLA", "its collateral is USDH, supported is USDC")]
)
def test_what_cannot_be_traded_is_refused_with_its_reason(name, reason):
    """Delisted, or held in a currency the bot has none of."""
    with pytest.raises(UnknownCoin, match=rf"\({reason}\)"):
        require_listed(Selection((name,), strict=True), parse_exchange(ANSWERS))


@pytest.mark.parametrize(
    "metas",
    [
        [MAIN, {"universe": None}, FLX],
        [MAIN, FLX, FLX],
        [MAIN, XYZ | {"collateralToken": 77}, FLX],
        [MAIN, None, FLX],
    ],
    ids=["torn", "another dex's answer", "unknown collateral", "nothing"],
)
def test_a_dex_that_cannot_be_read_costs_no_other_market(metas, caplog):
    """And it is told of; above all no market gets another dex's number."""
    with caplog.at_level(logging.WARNING):
        markets = parse_exchange(ANSWERS._replace(metas=metas))
    assert markets.named("xyz:NVDA") is None
    assert markets.named("flx:TSLA").asset == 120_000
    assert markets.named("BTC/USDC") is not None
    assert "dex 1 is left out" in caplog.text


@pytest.mark.parametrize("metas", [[MAIN, XYZ, FLX, {"universe": []}], [MAIN, XYZ]], ids=["one more", "one less"])
def test_a_dex_that_is_deployed_between_two_questions_costs_no_other_a_market(metas):
    """The names of the markets tell whose answer is whose, so that none gets another's number."""
    markets = parse_exchange(ANSWERS._replace(metas=metas))
    assert markets.named("xyz:NVDA").asset == 110_000
    assert (markets.named("flx:TSLA") is None) is (len(metas) == 2)


@pytest.mark.parametrize("others", [(None, None, None), (DEXS, [MAIN], SPOT), (DEXS, [MAIN, XYZ, FLX], {"tokens": 1})])
def test_the_main_dex_stands_alone(others):
    """Whatever the other answers are."""
    assert parse_exchange(Answers(MAIN, *others)).named("HYPE").asset == 1
    with pytest.raises(MalformedMessage):
        parse_exchange(Answers({}, *others))


def test_an_index_that_stands_twice_is_refused():
    """One of the two names would be wrong."""
    with pytest.raises(MalformedMessage, match="index of its own"):
        parse_tokens({"tokens": [token_fields(7, "A", 1), token_fields(7, "B", 1)]})


def test_ccxt_has_the_same_words_for_tokens():
    """The table, and what it adds to it as it reads the tokens."""
    client = ccxt.hyperliquid()
    assert client.options["spotCurrencyMapping"] == CCXT_CODES
    described = [*TOKENS, token_fields(900, "UPUMP", 0, "Unit Pump Fun"), token_fields(901, "uncased", 0)]
    client.options["cachedCurrenciesById"] = {}
    client.parse_currencies(described)
    mapped = client.options["spotCurrencyMapping"]
    for token in described:
        name = token["name"]
        assert ccxt_code(name, token["fullName"]) == client.safe_currency_code(mapped.get(name, name))


def test_volumes_are_found_by_index():
    """Contexts stand at the places that the indices name."""
    contexts = [None] * 360
    contexts[0], contexts[107], contexts[350] = ({"dayNtlVlm": str(volume)} for volume in (5, 70, 3))
    assert spot_volumes([SPOT, contexts]) == {"PURR/USDC": 5.0, "@107": 70.0, "@350": 3.0}
