"""The account's open orders; Freqtrade's exchange can only ask for orders that it already knows."""

from typing import Any

import ccxt
from freqtrade.exceptions import TemporaryError

from market_making.trading.freqtrade.edge.dexes import dexes_of, on_dex
from market_making.trading.open_orders import AccountOrder


def open_orders_of(exchange: Any) -> list[AccountOrder]:
    """Ask for every open order of the account on each dex that the bot trades on (weight 20 a dex on Hyperliquid).

    Left out is what only protects a position: a trigger order that may only reduce, whoever has placed it.

    Raises
    ------
    TemporaryError
        If the exchange does not answer for one of them: half of an account is none.
    """
    try:
        found = [_fetched(exchange, dex) for dex in dexes_of(exchange)]
    except ccxt.BaseError as error:
        raise TemporaryError(str(error)) from error
    return [
        AccountOrder(
            pair=str(order["symbol"]),
            order_id=str(order["id"]),
            side=str(order["side"]),
            price=float(order["price"] or 0.0),
            remaining=float(order["remaining"] or order["amount"] or 0.0),
        )
        for order in {order["id"]: order for orders in found for order in orders}.values()
        if not _protects(order)
    ]


def _fetched(exchange: Any, dex: str) -> Any:
    client = exchange._api
    return client.fetch_open_orders(params=on_dex(dex)) if dex else client.fetch_open_orders()


def _protects(order: Any) -> bool:
    words = order.get("info") or {}
    return bool(words.get("isTrigger")) and bool(words.get("reduceOnly"))
