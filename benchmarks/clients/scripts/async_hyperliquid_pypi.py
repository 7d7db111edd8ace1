"""async-hyperliquid trades: ``MM_URL``, ``MM_KEY``, ``MM_ADDRESS`` and ``MM_COIN`` say where, as whom and what.

It has no setting for the address, only a constant, which is set in each of its modules.
"""

import asyncio
import os
import sys

import async_hyperliquid
from async_hyperliquid.utils.types import LimitTif, limit_order_type

for module in list(sys.modules.values()):
    if module.__name__.startswith(async_hyperliquid.__name__) and hasattr(module, "MAINNET_API_URL"):
        module.MAINNET_API_URL = os.environ["MM_URL"]


async def trade() -> None:
    """Place, cancel, buy, close."""
    address, coin = os.environ["MM_ADDRESS"], os.environ["MM_COIN"]
    dexes = ["", *([coin.split(":")[0]] if ":" in coin else [])]
    client = async_hyperliquid.AsyncHyperliquid(address, os.environ["MM_KEY"], perp_dexs=dexes)
    try:
        await client.init_metas()
        mid = await client.get_mid_price(coin)
        size = float(f"{50 / mid:.2g}")
        alo = limit_order_type(LimitTif("Alo"))
        placed = await client.place_order(coin, True, size, float(f"{0.98 * mid:.4g}"), False, order_type=alo)
        oid = placed["response"]["data"]["statuses"][0]["resting"]["oid"]
        cancelled = await client.cancel_order(coin, oid)
        assert cancelled["response"]["data"]["statuses"] == ["success"], cancelled
        bought = await client.place_market_order(coin=coin, is_buy=True, sz=size)
        assert "filled" in bought["response"]["data"]["statuses"][0], bought
        await client.close_all_positions()
    finally:
        await client.close()


asyncio.run(trade())
print("done")
