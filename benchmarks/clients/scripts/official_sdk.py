"""The official SDK trades: ``MM_URL``, ``MM_KEY``, ``MM_COIN`` say where, as whom and what."""

import os

from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

url, coin, key = os.environ["MM_URL"], os.environ["MM_COIN"], Account.from_key(os.environ["MM_KEY"])
dexes = ["", *([coin.split(":")[0]] if ":" in coin else [])]
info = Info(url, skip_ws=True, perp_dexs=dexes)
exchange = Exchange(key, url, account_address=key.address, perp_dexs=dexes)
book = info.l2_snapshot(coin)
bid = float(book["levels"][0][0]["px"])
size = float(f"{50 / bid:.2g}")
placed = exchange.order(coin, True, size, float(f"{0.98 * bid:.4g}"), {"limit": {"tif": "Alo"}})
oid = placed["response"]["data"]["statuses"][0]["resting"]["oid"]
assert [order["oid"] for order in info.open_orders(key.address, dexes[-1])] == [oid]
assert info.query_order_by_oid(key.address, oid)["order"]["status"] == "open"
assert exchange.cancel(coin, oid)["response"]["data"]["statuses"] == ["success"]
assert "filled" in exchange.market_open(coin, True, size)["response"]["data"]["statuses"][0]
state = info.user_state(key.address, dexes[-1])
assert float(state["assetPositions"][0]["position"]["szi"]) == size
closing = {"limit": {"tif": "Ioc"}}
sold = exchange.order(coin, False, size, float(f"{0.98 * bid:.4g}"), closing, reduce_only=True)
assert "filled" in sold["response"]["data"]["statuses"][0], sold
assert len(info.user_fills(key.address)) >= 2
print("done")
