"""The PyPI package `hyperliquid` trades: ``MM_URL``, ``MM_KEY``, ``MM_ADDRESS``, ``MM_COIN``: where, as whom, what."""

import os

from hyperliquid import HyperliquidSync

url = os.environ["MM_URL"]
exchange = HyperliquidSync(
    {
        "walletAddress": os.environ["MM_ADDRESS"],
        "privateKey": os.environ["MM_KEY"],
        "urls": {"api": {"public": url, "private": url}},
        "options": {"builderFee": False, "approvedBuilderFee": True},
    }
)
symbol = os.environ["MM_COIN"] + "/USDC:USDC"
exchange.load_markets()
bid = exchange.fetch_order_book(symbol)["bids"][0][0]
size = float(exchange.amount_to_precision(symbol, 50 / bid))
order = exchange.create_order(symbol, "limit", "buy", size, 0.98 * bid, {"timeInForce": "Alo"})
assert [each["id"] for each in exchange.fetch_open_orders(symbol)] == [order["id"]]
exchange.cancel_order(order["id"], symbol)
exchange.create_order(symbol, "market", "buy", size, bid)
(position,) = [each for each in exchange.fetch_positions([symbol]) if each["contracts"]]
assert position["contracts"] == size
exchange.create_order(symbol, "market", "sell", size, bid, {"reduceOnly": True})
assert len(exchange.fetch_my_trades(symbol)) >= 2
print("done")
