"""An account as ``clearinghouseState`` shows it."""

from market_making.hyperliquid.accounts import AccountState, PositionState
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import (
    Prices,
    cross_maintenance,
    cross_summary,
    liquidation_price,
    position_margin,
    summary,
    withdrawable,
)


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
