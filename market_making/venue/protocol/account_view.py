"""An account as the questions about it show it."""

from decimal import Decimal
from typing import Any

from market_making.hyperliquid.accounts import AccountState, PositionState, leverage_fields
from market_making.hyperliquid.orders import decimal_text
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import (
    Prices,
    cross_maintenance,
    cross_summary,
    equity,
    liquidation_price,
    position_margin,
    summary,
    withdrawable,
)
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin

# The spans of ``portfolio``; a venue is younger than the shortest of them, so all of them show the same.
PORTFOLIO_SPANS = ("day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime")
CODE_VOLUME = Decimal(10_000)
MICRO = 6


def account_state(account: Account, prices: Prices, now_ms: int) -> AccountState:
    """Everything about the money of an account at these mark prices."""
    return AccountState(
        total=summary(account, prices),
        cross=cross_summary(account, prices),
        cross_maintenance=cross_maintenance(account, prices),
        withdrawable=withdrawable(account, prices),
        positions=tuple(position_state(account, coin, prices) for coin in account.held()),
        time_ms=now_ms,
    )


def position_state(account: Account, coin: str, prices: Prices) -> PositionState:
    """One open position at these mark prices."""
    position, price = account.positions[coin], prices[coin]
    return PositionState(
        coin=coin,
        size=position.size,
        leverage=position.leverage,
        isolated_cash=None if position.is_cross else position.isolated_cash,
        entry_price=position.entry_price,
        value=abs(position.value(price)),
        unrealised=position.unrealised(price),
        liquidation_price=liquidation_price(account, coin, prices),
        margin_used=position_margin(position, price),
        maximum_leverage=position.maximum_leverage,
        funding_all_time=position.funding_all_time,
        funding_since_open=position.funding_since_open,
        funding_since_change=position.funding_since_change,
    )


def asset_data(account: Account, coin: ListedCoin, prices: Prices) -> dict[str, Any]:
    """``activeAssetData``: what the account may buy and sell of a coin at its leverage.

    An order that turns a position first closes it, then opens with the margin that this frees.
    """
    name = coin.listing.coin
    position = account.position(coin.instrument, coin.listing.maximum_leverage)
    mark = prices.get(name, Decimal(1))
    free = withdrawable(account, prices)
    turned = {Side.BID: 2 * max(-position.size, Decimal(0)), Side.ASK: 2 * max(position.size, Decimal(0))}
    sizes = [
        (free * position.leverage / mark + turned[side]) // coin.instrument.lot * coin.instrument.lot for side in Side
    ]
    available = [free + turned[side] * mark / position.leverage for side in Side]
    return {
        "user": account.address,
        "coin": name,
        "leverage": leverage_fields(position.leverage, None if position.is_cross else position.isolated_cash),
        "maxTradeSzs": [decimal_text(size) for size in sizes],
        "availableToTrade": [decimal_text(round(amount, MICRO)) for amount in available],
        "markPx": decimal_text(mark),
    }


def history_fields(account: Account, state: State) -> list[Any]:
    """``portfolio``: what the account was worth at the start and is worth now."""
    worth, done = equity(account, state.prices), account.statistics
    profit = worth - account.deposits
    history = {
        "accountValueHistory": _points(state, account.deposits, worth),
        "pnlHistory": _points(state, Decimal(0), profit),
        "vlm": decimal_text(done.maker_volume + done.taker_volume),
    }
    return [[span, history] for span in PORTFOLIO_SPANS]


def _points(state: State, before: Decimal, now: Decimal) -> list[list[Any]]:
    return [[time_ms, decimal_text(round(value, MICRO))]
            for time_ms, value in ((state.start_ms, before), (state.now_ms, now))]  # fmt: skip


def referral_fields(account: Account) -> dict[str, Any]:
    """``referral`` of an account that refers nobody."""
    traded = account.budget.volume
    stage: dict[str, Any] = {"stage": "needToCreateCode"}
    if traded < CODE_VOLUME:
        stage = {"stage": "needToTrade", "data": {"required": decimal_text(CODE_VOLUME)}}
    code = account.referrer
    return {
        "referredBy": None if code is None else {"referrer": "0x" + "0" * 40, "code": code},
        "cumVlm": decimal_text(traded),
        "unclaimedRewards": "0.0",
        "claimedRewards": "0.0",
        "builderRewards": "0.0",
        "tokenToState": [],
        "referrerState": stage,
        "rewardHistory": [],
    }
