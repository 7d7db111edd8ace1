"""A fee in the bought token has the word that Freqtrade has for it."""

import inspect

import ccxt
import pytest

from market_making.trading.freqtrade.edge.fee_token import name_fee_tokens

FILL = {
    "coin": "@142", "px": "110000.0", "sz": "0.001", "side": "B", "time": 1_700_000_000_000, "startPosition": "0.0",
    "dir": "Buy", "closedPnl": "0.0", "hash": "0x1", "oid": 1, "crossed": False, "fee": "0.0000004", "tid": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("token", "stock", "named"), [("UBTC", "UBTC", "BTC"), ("HYPE", "HYPE", "HYPE"), ("USDC", "USDC", "USDC")]
)
def test_the_token_of_a_fee_is_called_as_the_pair_is(token, stock, named):
    """Only a token that ccxt has another word for is renamed; the amount stays."""
    client = ccxt.hyperliquid()
    market = client.safe_market_structure(
        {"id": "@142", "symbol": "BTC/USDC", "base": "BTC", "quote": "USDC", "type": "spot", "spot": True}
    )
    before = client.parse_trade(FILL | {"feeToken": token}, market)["fee"]
    assert before["currency"] == stock
    name_fee_tokens(client)
    parsed = client.parse_trade(FILL | {"feeToken": token}, market)
    assert parsed["fee"] == before | {"currency": named}
    assert [fee["currency"] for fee in parsed["fees"]] == [named]


def test_ccxt_reads_fills_that_were_asked_for_by_this_method():
    """So they, too, name the token."""
    assert list(inspect.signature(ccxt.hyperliquid.parse_trade).parameters) == ["self", "trade", "market"]
    client = ccxt.hyperliquid()
    name_fee_tokens(client)
    (parsed,) = client.parse_trades([FILL | {"feeToken": "UBTC"}])
    assert parsed["fee"]["currency"] == "BTC"
