// ccxt for JavaScript trades: MM_URL, MM_KEY, MM_ADDRESS and MM_COIN say where, as whom and what.
import assert from "node:assert";
import ccxt from "ccxt";

const { MM_URL: url, MM_KEY: privateKey, MM_ADDRESS: walletAddress, MM_COIN: coin } = process.env;
const dexes = coin.includes(":") ? [coin.split(":")[0]] : [];
const fetchMarkets = { types: ["swap", "spot", ...(dexes.length ? ["hip3"] : [])], hip3: { limit: 1, dexes } };
const exchange = new ccxt.hyperliquid({
  walletAddress,
  privateKey,
  urls: { api: { public: url, private: url } },
  options: { builderFee: false, approvedBuilderFee: true, fetchMarkets },
});
const symbol = `${coin.toUpperCase().replace(":", "-")}/USDC:USDC`;
await exchange.loadMarkets();
const bid = (await exchange.fetchOrderBook(symbol)).bids[0][0];
const size = Number(exchange.amountToPrecision(symbol, 50 / bid));
const order = await exchange.createOrder(symbol, "limit", "buy", size, 0.98 * bid, { timeInForce: "Alo" });
assert.deepEqual((await exchange.fetchOpenOrders(symbol)).map((each) => each.id), [order.id]);
await exchange.cancelOrder(order.id, symbol);
await exchange.createOrder(symbol, "market", "buy", size, bid);
const held = (await exchange.fetchPositions([symbol])).filter((each) => each.contracts);
assert.equal(held[0].contracts, size);
await exchange.createOrder(symbol, "market", "sell", size, bid, { reduceOnly: true });
assert((await exchange.fetchMyTrades(symbol)).length >= 2);
console.log("done");
