"""An account as the questions about it show it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from market_making.hyperliquid.accounts import AccountState, PositionState, leverage_fields
from market_making.hyperliquid.balances import SpotBalance
from market_making.hyperliquid.orders import decimal_text
from market_making.market.names import USDC
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
from market_making.venue.accounts.purse import Purse
from market_making.venue.accounts.spot import held_by_orders
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin

# The spans of ``portfolio``; a venue is younger than the shortest of them, so all of them show the same.
PORTFOLIO_SPANS = ("day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime")
CODE_VOLUME = Decimal(10_000)
MICRO = 6


def account_state(account: Account, state: State, dex: str = "") -> AccountState:
    """Everything about the money of an account on a dex at the mark prices of now."""
    purse, prices = account.on(dex), state.prices
    return AccountState(
        total=summary(purse, prices),
        cross=cross_summary(purse, prices),
        cross_maintenance=cross_maintenance(purse, prices),
        withdrawable=withdrawable(purse, prices),
        positions=tuple(
            position_state(purse, coin, prices) for coin in purse.held() if state.by_name[coin].market.dex.name == dex
        ),
        time_ms=state.now_ms,
    )


def spot_balances(account: Account, state: State, token_index: Callable[[str], int]) -> list[SpotBalance]:
    """Tokens of an account; of a unified one the USDC is that of its perpetuals, too."""
    spot, orders = account.spot, state.spot_orders(account)
    held = {token: held_by_orders(orders, token) for token in (USDC, *spot.tokens)}
    total = spot.total(USDC)
    if spot.purse is account.purse:
        if not state.config.is_unified:
            return []
        margin = summary(account.purse, state.prices)
        total, held[USDC] = margin.account_value, held[USDC] + margin.used
    others = [SpotBalance(token, token_index(token), spot.total(token), held[token], spot.entry(token))
              for token in spot.tokens]  # fmt: skip
    return [SpotBalance(USDC, 0, total, held[USDC]), *others]


def position_state(purse: Purse, coin: str, prices: Prices) -> PositionState:
    """One open position at these mark prices."""
    position, price = purse.positions[coin], prices[coin]
    return PositionState(
        coin=coin,
        size=position.size,
        leverage=position.leverage,
        isolated_cash=None if position.is_cross else position.isolated_cash,
        entry_price=position.entry_price,
        value=abs(position.value(price)),
        unrealised=position.unrealised(price),
        liquidation_price=liquidation_price(purse, coin, prices),
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
    purse = account.home(name)
    position = purse.position(coin.instrument, coin.listing.maximum_leverage)
    mark = prices.get(name, Decimal(1))
    free = withdrawable(purse, prices)
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
    worth, done = equity(account, state.prices, state.token_prices), account.statistics
    deposits = account.total("deposits")
    profit = worth - deposits
    history = {
        "accountValueHistory": _points(state, deposits, worth),
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
