"""Margin of an account: what it is worth, what it uses, what it may still open, where it would be liquidated.

Source: the exchange's documentation, "Margining" and "Liquidations": maintenance margin is half of the initial margin
at maximum leverage; ``liq = price − side · available / size / (1 − l · side)`` with ``l = 1 / (2 · maximum leverage)``.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from market_making.hyperliquid.accounts import MarginSummary
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.position import ZERO, Position
from market_making.venue.accounts.purse import Purse
from market_making.venue.order_book.order import Order

Prices = Mapping[str, Decimal]
WITHDRAWAL_SHARE = Decimal("0.1")


def position_margin(position: Position, price: Decimal) -> Decimal:
    """Margin a position uses [USDC]: its own collateral if isolated, notional over leverage if cross."""
    if position.is_cross:
        return abs(position.value(price)) / position.leverage
    return position.isolated_cash + position.value(price)


def maintenance_margin(position: Position, price: Decimal) -> Decimal:
    """Margin below which a position is liquidated [USDC]."""
    return abs(position.value(price)) / (2 * position.maximum_leverage)


def summary(purse: Purse, prices: Prices) -> MarginSummary:
    """Sums over all positions."""
    return _summary(purse, prices, purse.held())


def cross_summary(purse: Purse, prices: Prices) -> MarginSummary:
    """Sums over the positions that share the account's cash."""
    return _summary(purse, prices, {coin: held for coin, held in purse.held().items() if held.is_cross})


def _summary(purse: Purse, prices: Prices, positions: Mapping[str, Position]) -> MarginSummary:
    raw = purse.cash + sum((position.isolated_cash for position in positions.values()), ZERO)
    values = [position.value(prices[coin]) for coin, position in positions.items()]
    used = sum((position_margin(position, prices[coin]) for coin, position in positions.items()), ZERO)
    return MarginSummary(raw + sum(values, ZERO), sum(map(abs, values), ZERO), raw, used)


def equity(account: Account, prices: Prices, spot_prices: Prices | None = None) -> Decimal:
    """Worth of an account over all its purses and tokens [USDC]; `spot_prices` are by token.

    It is made from deposits and profits; `summary` says the same of a purse from cash and values.
    """
    worth = account.spot.worth(dict(spot_prices or {}))
    for purse in account.all_purses:
        unrealised = sum((position.unrealised(prices[coin]) for coin, position in purse.held().items()), ZERO)
        worth += purse.deposits + purse.realised - purse.fees + purse.funding - purse.seized + unrealised
    return worth


def withdrawable(purse: Purse, prices: Prices) -> Decimal:
    """Cash that may leave the cross balance [USDC]."""
    cross = cross_summary(purse, prices)
    return max(cross.account_value - max(cross.used, WITHDRAWAL_SHARE * cross.notional), ZERO)


def cross_maintenance(purse: Purse, prices: Prices) -> Decimal:
    """Maintenance margin of all cross positions [USDC]."""
    return sum((maintenance_margin(held, prices[coin]) for coin, held in purse.held().items() if held.is_cross), ZERO)


def liquidation_price(purse: Purse, coin: str, prices: Prices) -> Decimal | None:
    """Mark price at which a position would be liquidated, everything else unchanged; None where there is none."""
    position, price = purse.positions[coin], prices[coin]
    if position.is_cross:
        available = cross_summary(purse, prices).account_value - cross_maintenance(purse, prices)
    else:
        available = position_margin(position, price) - maintenance_margin(position, price)
    side = 1 if position.lots > 0 else -1
    share = 1 - Decimal(side) / (2 * position.maximum_leverage)
    liquidation = price - side * available / abs(position.size) / share
    return liquidation if liquidation > 0 else None


def order_requirement(purse: Purse, prices: Prices, orders: Iterable[Order]) -> Decimal:
    """Initial margin that these open orders and the cross positions bind in the worst case [USDC].

    Of each coin the worse of "all bids are filled" and "all asks are filled" counts. Reduce-only orders and
    orders that wait for the mark price bind nothing.
    """
    orders = [order for order in orders if not order.reduce_only and not order.waits_for_mark]
    coins = {order.coin for order in orders} | set(purse.held())
    return sum((_coin_requirement(purse, coin, prices, orders) for coin in coins), ZERO)


def _coin_requirement(purse: Purse, coin: str, prices: Prices, orders: Iterable[Order]) -> Decimal:
    position = purse.positions[coin]
    value = position.value(prices[coin])
    bids, asks = (
        sum((order.size(order.lots) * Decimal(repr(order.price)) for order in orders
             if order.coin == coin and order.side is side), ZERO)
        for side in Side
    )  # fmt: skip
    worst = max(abs(value + bids), abs(value - asks), abs(value))
    # An isolated position has paid for itself; only what would be added to it comes out of the account's cash.
    bound = worst if position.is_cross else worst - abs(value)
    return bound / position.leverage
