"""What a client may send to the exchange, and how orders and accounts are written."""

from decimal import Decimal
from typing import Any

import pytest
from hyperliquid.utils.signing import order_request_to_order_wire
from hyperliquid.utils.types import Cloid
from hypothesis import given
from hypothesis import strategies as st

from market_making.hyperliquid.accounts import direction_text
from market_making.hyperliquid.actions import read_action
from market_making.hyperliquid.orders import TimeInForce, decimal_text, read_order
from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side

ORDER: dict[str, Any] = {"a": 1, "b": False, "p": "3363.2", "s": "0.0594", "r": False, "t": {"limit": {"tif": "Gtc"}}}


@given(
    is_buy=st.booleans(), size=st.integers(1, 10**7), price=st.integers(1, 10**7), reduce_only=st.booleans(),
    tif=st.sampled_from(["Alo", "Gtc", "Ioc"]), cloid=st.none() | st.integers(0, 2**128 - 1),
)  # fmt: skip
def test_what_the_sdk_writes_is_read_exactly(is_buy, size, price, reduce_only, tif, cloid):
    """Every order the official SDK can write comes out with the same side, price, size, flags and id."""
    request = {
        "coin": "ETH", "is_buy": is_buy, "sz": size / 1e4, "limit_px": price / 1e2, "reduce_only": reduce_only,
        "order_type": {"limit": {"tif": tif}}, "cloid": None if cloid is None else Cloid.from_int(cloid),
    }  # fmt: skip
    terms = read_order(order_request_to_order_wire(request, 3))
    assert terms.asset == 3
    assert terms.side is (Side.BID if is_buy else Side.ASK)
    assert (terms.size, terms.price) == (Decimal(size) / 10_000, Decimal(price) / 100)
    assert (terms.reduce_only, terms.tif, terms.trigger) == (reduce_only, TimeInForce(tif), None)
    assert terms.cloid == (None if cloid is None else f"{cloid:#034x}")


@pytest.mark.parametrize("change", [
    {"a": "1"}, {"a": True}, {"a": -1}, {"b": 1}, {"p": 3363.2}, {"p": "NaN"}, {"p": "1_0"}, {"s": None},
    {"s": "1e400"}, {"p": "1e-30"}, {"s": "1" * 20}, {"r": None},
    {"t": {}}, {"t": {"limit": {"tif": "Po"}}}, {"t": {"limit": {}}}, {"c": "0x12"}, {"c": "0x" + "g" * 32},
    {"t": {"trigger": {"isMarket": True, "triggerPx": "1", "tpsl": "x"}}},
    {"t": {"trigger": {"isMarket": "yes", "triggerPx": "1", "tpsl": "sl"}}},
])  # fmt: skip
def test_a_malformed_order_is_refused(change: dict[str, Any]):
    """A wrong type, an unknown time in force (ccxt can be made to write Po) or no number is an error."""
    with pytest.raises(MalformedMessage):
        read_order({**ORDER, **change})


@pytest.mark.parametrize("action", [
    {}, {"type": "dance"}, {"type": ["order"]}, {"type": "order"}, {"type": "order", "orders": [], "grouping": "na"},
    {"type": "order", "orders": [ORDER], "grouping": "x"},
    {"type": "order", "orders": [ORDER], "grouping": "na", "builder": {"b": "0x1", "f": 1}},
    {"type": "cancel", "cancels": [{"a": 1}]}, {"type": "cancelByCloid", "cancels": [{"asset": 1, "cloid": "7"}]},
    {"type": "modify", "oid": 1}, {"type": "scheduleCancel", "time": "now"},
    {"type": "modify", "oid": 1, "order": ORDER, "a": False},
    {"type": "batchModify", "modifies": [{"oid": 1, "order": ORDER}], "a": 1},
    {"type": "updateLeverage", "asset": 1, "isCross": True, "leverage": "5"},
    {"type": "updateIsolatedMargin", "asset": 1, "ntli": 1.5}, {"type": "setReferrer"},
    {"type": "approveBuilderFee", "builder": "0x" + "1" * 40, "maxFeeRate": "much"}, {"type": "reserveRequestWeight"},
])  # fmt: skip
def test_a_malformed_action_is_refused(action: dict[str, Any]):
    """Every action without what it must have is an error, never a guess."""
    with pytest.raises(MalformedMessage):
        read_action(action)


@given(st.decimals(-(10**9), 10**9, places=8))
def test_a_decimal_is_written_exactly_and_plainly(value: Decimal):
    """Text reads back as the same number, has a decimal point and no exponent."""
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "." in text
    assert "E" not in text.upper()


@pytest.mark.parametrize(("start", "side", "size", "text"), [
    ("0", Side.BID, "1", "Open Long"), ("1", Side.BID, "1", "Open Long"), ("2", Side.ASK, "1", "Close Long"),
    ("1", Side.ASK, "1", "Close Long"), ("1", Side.ASK, "2", "Long > Short"), ("0", Side.ASK, "1", "Open Short"),
    ("-2", Side.BID, "1", "Close Short"), ("-1", Side.BID, "2", "Short > Long"),
])  # fmt: skip
def test_a_fill_says_what_it_did_to_the_position(start: str, side: Side, size: str, text: str):
    """The direction text follows from the position before the fill."""
    assert direction_text(Decimal(start), side, Decimal(size)) == text
