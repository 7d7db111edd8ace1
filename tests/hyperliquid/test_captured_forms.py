"""Answers in the forms that the exchange was seen to give in 2026, with numbers of our own: read, or refused.

They differ from the documentation: fields come in any order and are absent where they would say no, accounts hold
outcomes beside tokens, a delisted market has no mid, and some fills were never orders.
"""

import pytest

from market_making.hyperliquid.balances import parse_balances
from market_making.hyperliquid.contexts import parse_every_context
from market_making.hyperliquid.exchange_listings import Answers, parse_exchange
from market_making.hyperliquid.fees import BASE_TIER
from market_making.hyperliquid.listings import require_listed
from market_making.hyperliquid.market_data import parse_frame
from market_making.hyperliquid.open_orders import (
    parse_account_fills,
    parse_open_orders,
    parse_order_updates,
    parse_positions,
)
from market_making.market.errors import MalformedMessage, MarketMakingError, UnknownCoin
from market_making.market.selection import Selection
from market_making.market.sides import Side


def perpetual(name, **more):
    """An entry of a listing, its fields as the exchange orders them today."""
    return {**more, "maxLeverage": 20, "name": name, "szDecimals": 3}


def token(index, name):
    """A token without the fields that front ends fill in."""
    return {"index": index, "isCanonical": True, "name": name, "szDecimals": 2, "tokenId": hex(index), "weiDecimals": 8}


def meta(collateral, *universe):
    """A listing of one dex."""
    return {"collateralToken": collateral, "marginTables": [], "universe": list(universe)}


LISTED = Answers(
    meta(0, perpetual("BTC")),
    [None, {"name": "km"}, {"name": "hyna"}, {"name": "xyz"}],
    [
        meta(0, perpetual("BTC")),
        meta(360, perpetual("km:US500", growthMode="enabled", deployerFeeScale="1.0")),
        meta(235, perpetual("hyna:BTC", growthMode="enabled")),
        meta(0, perpetual("xyz:NVDA", growthMode="enabled"), perpetual("xyz:GONE", isDelisted=True)),
    ],
    {"tokens": [token(0, "USDC"), token(360, "USDH"), token(235, "USDE")], "universe": []},
)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("km:US500", "collateral is USDH"), ("hyna:BTC", "collateral is USDE"), ("xyz:GONE", "delisted")],
)
def test_a_market_held_in_another_currency_is_refused_by_its_name(name, reason):
    """Tokens are found by their number, in whatever order they come; a list of no pairs costs no perpetual."""
    with pytest.raises(UnknownCoin, match=reason):
        require_listed(Selection((name,), strict=True), parse_exchange(LISTED))


def test_a_market_of_a_dex_that_tells_no_scale_is_listed_and_has_no_fee():
    """Growth mode alone does not say it."""
    market = parse_exchange(LISTED).named("xyz:NVDA")
    assert market.listing.growth
    with pytest.raises(MarketMakingError, match="xyz:NVDA"):
        BASE_TIER.on(market)


def position(coin, size, value, leverage):
    """A position as it comes, other fields left out."""
    fields = {"coin": coin, "szi": size, "positionValue": value, "entryPx": "1.0", "liquidationPx": None}
    return {"type": "oneWay", "position": fields | {"leverage": {"type": "cross", "value": leverage}}}


def test_positions_of_several_dexes_keep_their_names():
    """One share on two dexes is two positions; a state without positions and without a time is empty, not wrong."""
    held = [position("BTC", "0.2", "19000.0", 5), position("xyz:TSLA", "7.0", "1930.5", 3)]
    held.append(position("cash:TSLA", "-4.0", "1101.0", 2))
    found = parse_positions({"assetPositions": held, "withdrawable": "1"})
    assert {coin: (each.size, each.value, each.leverage) for coin, each in found.items()} == {
        "BTC": (0.2, 19000.0, 5.0), "xyz:TSLA": (7.0, 1930.5, 3.0), "cash:TSLA": (-4.0, 1101.0, 2.0),
    }  # fmt: skip
    assert parse_positions({"assetPositions": [], "withdrawable": "2"}) == {}


def test_an_isolated_position_has_the_leverage_of_a_cross_one():
    """With the debt of its own beside it, and, in a state of a sub-account, nothing held."""
    alone = position("flx:CRCL", "0.25", "17.5", 3)
    alone["position"] |= {"leverage": {"type": "isolated", "value": 3, "rawUsd": "-12.1"}, "liquidationPx": "64.2"}
    assert parse_positions({"assetPositions": [alone]})["flx:CRCL"] == (0.25, 17.5, 3.0)


def test_a_wallet_that_is_lent_is_read_as_any_other():
    """Portfolio margin tells more of each token, and more beside them."""
    told = {"coin": "USDC", "token": 0, "total": "890.5", "hold": "140.0", "entryNtl": "0.0", "ltv": "0.0",
            "supplied": "746.0"}  # fmt: skip
    lent = {"portfolioMarginEnabled": True, "balances": [told], "portfolioMarginRatio": "0.02",
            "tokenToPortfolioSupplyRatio": [], "tokenToAvailableAfterMaintenance": [[0, "870.5"]]}  # fmt: skip
    assert parse_balances(lent) == {"USDC": 890.5}


def test_outcomes_lie_beside_tokens_in_a_wallet_and_are_none_of_them():
    """Their names begin with a sign, their cost may be missing, and a borrowed token is negative."""
    told = [
        {"coin": "USDC", "token": 0, "total": "-12.5", "hold": "0.0", "entryNtl": "0.0"},
        {"coin": "HYPE", "token": 150, "total": "6.25", "hold": "1.0", "entryNtl": "81.0"},
        {"coin": "#810", "token": 810, "total": "40.0", "hold": "10.0"},
        {"coin": "+10", "token": 100000010, "total": "15", "hold": "0", "entryNtl": "7.5"},
    ]
    assert parse_balances({"balances": told}) == {"USDC": -12.5, "HYPE": 6.25, "#810": 40.0, "+10": 15.0}


def test_a_stop_that_was_triggered_is_told_from_a_quote():
    """With `isMarket`, `tpsl` and `triggerActivated` beside what all orders have, and without a name."""
    both = {"coin": "ETH", "origSz": "1.5", "timestamp": 1769916001000, "triggerCondition": "N/A", "triggerPx": "0.0"}
    quote = both | {"oid": 1, "side": "B", "limitPx": "3000.0", "sz": "0.5", "orderType": "Limit", "tif": "Alo",
                    "isTrigger": False, "isPositionTpsl": False, "reduceOnly": False, "cloid": "0xab"}  # fmt: skip
    stop = both | {"oid": 2, "side": "A", "limitPx": "2400.0", "sz": "1.5", "orderType": "Stop Market", "tpsl": "sl",
                   "isTrigger": True, "isPositionTpsl": True, "reduceOnly": True, "isMarket": True,
                   "triggerActivated": True, "cloid": None}  # fmt: skip
    resting, stopping = parse_open_orders([quote, stop])
    assert (resting.side, resting.filled, resting.is_trigger, resting.reduce_only) == (Side.BID, 1.0, False, False)
    assert (stopping.side, stopping.filled, stopping.is_trigger, stopping.reduce_only) == (Side.ASK, 0.0, True, True)


def test_an_order_in_the_short_form_does_not_say_what_it_is():
    """Neither a trigger order nor none: a reader that needs to know must ask otherwise."""
    short = {"coin": "@107", "side": "B", "limitPx": "30.0", "sz": "0.25", "oid": 1, "timestamp": 5, "origSz": "0.5"}
    (rests,) = parse_open_orders([short])
    assert (rests.filled, rests.is_trigger, rests.reduce_only) == (0.25, None, None)
    (update,) = parse_order_updates([{"order": short, "status": "open", "statusTimestamp": 6}])
    assert (update.order, update.is_open) == (rests, True)


def test_an_order_that_the_exchange_placed_to_liquidate_has_ended():
    """Its kind of time in force is no client's."""
    order = {"coin": "BTC", "side": "A", "limitPx": "60000.0", "sz": "0.0", "oid": 7, "timestamp": 5, "origSz": "0.01",
             "tif": "LiquidationMarket", "cloid": None, "reduceOnly": True}  # fmt: skip
    (update,) = parse_order_updates([{"order": order, "status": "filled", "statusTimestamp": 5}])
    assert (update.is_open, update.order.filled, update.order.reduce_only) == (False, 0.01, True)


def test_fills_that_were_no_orders_are_read_with_the_others():
    """A conversion of dust has trade id 0, no hash and no name; a liquidation says whom it hit."""
    usual = {"px": "160.3", "sz": "1.25", "side": "B", "time": 1762697535160, "oid": 11, "tid": 5, "twapId": None}
    dust = usual | {"coin": "@142", "sz": "0.0000086", "side": "A", "oid": 12, "tid": 0, "dir": "Spot Dust Conversion"}
    hit = usual | {"coin": "BTC", "oid": 13, "cloid": "0x" + "cd" * 16,
                   "liquidation": {"liquidatedUser": "0x01", "markPx": "66607.0", "method": "market"}}  # fmt: skip
    bought, converted, forced = parse_account_fills([usual | {"coin": "@156", "feeToken": "USOL"}, dust, hit])
    assert (bought.coin, bought.size, bought.name) == ("@156", 1.25, None)
    assert (converted.coin, converted.size) == ("@142", -0.0000086)
    assert forced.name == "0x" + "cd" * 16


def context(mid, **changes):
    """A context of a perpetual as it comes; without a mid it has neither premium nor impact prices."""
    known = None if mid is None else [mid, mid]
    fields = {"funding": "-0.0000015", "openInterest": "605822.2557999999", "prevDayPx": "2094.6", "dayNtlVlm": "5.9",
              "premium": None if mid is None else "0.0", "oraclePx": "2124.6", "markPx": "2123.7", "midPx": mid,
              "impactPxs": known, "dayBaseVlm": "281686.8"}  # fmt: skip
    return fields | changes


def test_contexts_of_every_dex_are_found_by_place_whoever_is_delisted_among_them():
    """A delisted one has no mid and keeps its place; one without a price is none; a wrong one costs no other."""
    priceless, wrong = context("7.1", markPx=None), context("7.2", markPx="-1")
    listed = [context("2123.95"), context(None), priceless, wrong, context("9.5")]
    every = parse_every_context({"ctxs": [["", listed], ["xyz", [context("222.05")]]]})
    mids = [getattr(every.of("", place, "X"), "mid_price", "none") for place in (0, 1, 2, 4)]
    assert mids == [2123.95, None, "none", 9.5]
    found = every.of("xyz", 0, "xyz:NVDA")
    assert found is not None
    assert (found.coin, found.mid_price, found.open_interest) == ("xyz:NVDA", 222.05, 605822.2557999999)
    with pytest.raises(MalformedMessage, match="markPx"):
        every.of("", 3, "X")
    assert every.of("", 5, "X") is None
    assert every.of("flx", 0, "flx:TSLA") is None


@pytest.mark.parametrize("torn", [None, 7, ["x"]])
def test_a_torn_context_costs_no_other_one(torn):
    """Neither one of the same dex, nor, where a whole dex tells nothing, one of another; what is torn is told."""
    every = parse_every_context({"ctxs": [["", [torn, context("9.5")]], ["xyz", torn], ["flx", [context("222.05")]]]})
    assert (every.of("", 1, "X").mid_price, every.of("flx", 0, "X").mid_price) == (9.5, 222.05)
    for dex in ("", "xyz"):
        with pytest.raises(MalformedMessage, match="context"):
            every.of(dex, 0, "X")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":0.1,"openInterest":1,"oraclePx":2,"markPx":2}}}',
         "must be a decimal string, got 0.1"),
        ('{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[]]}}', "l2Book message lacks"),
    ],
)  # fmt: skip
def test_what_is_no_message_of_the_exchange_is_refused_with_what_was_seen(text, reason):
    """Numbers are texts on this wire, and a book has two sides."""
    with pytest.raises(MalformedMessage, match=reason):
        parse_frame(text)
