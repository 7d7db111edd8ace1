"""ccxt for Python trades: ``MM_URL``, ``MM_KEY``, ``MM_ADDRESS`` and ``MM_COIN`` say where, as whom and what."""

import os

import ccxt

url, coin = os.environ["MM_URL"], os.environ["MM_COIN"]
dexes = [coin.split(":")[0]] if ":" in coin else []
fetched = {"types": ["swap", "spot", *(["hip3"] if dexes else [])], "hip3": {"limit": 1, "dexes": dexes}}
exchange = ccxt.hyperliquid(
    {
        "walletAddress": os.environ["MM_ADDRESS"],
        "privateKey": os.environ["MM_KEY"],
        "urls": {"api": {"public": url, "private": url}},
        "options": {"builderFee": False, "approvedBuilderFee": True, "fetchMarkets": fetched},
    }
)
symbol = coin.upper().replace(":", "-") + "/USDC:USDC"
exchange.load_markets()
bid = exchange.fetch_order_book(symbol)["bids"][0][0]
size = float(exchange.amount_to_precision(symbol, 50 / bid))
order = exchange.create_order(symbol, "limit", "buy", size, 0.98 * bid, {"timeInForce": "Alo"})
assert [each["id"] for each in exchange.fetch_open_orders(symbol)] == [order["id"]]
assert exchange.fetch_order(order["id"], symbol)["status"] == "open"
exchange.cancel_order(order["id"], symbol)
exchange.create_order(symbol, "market", "buy", size, bid)
(position,) = [each for each in exchange.fetch_positions([symbol]) if each["contracts"]]
assert position["contracts"] == size
exchange.create_order(symbol, "market", "sell", size, bid, {"reduceOnly": True})
assert len(exchange.fetch_my_trades(symbol)) >= 2
print("done")
