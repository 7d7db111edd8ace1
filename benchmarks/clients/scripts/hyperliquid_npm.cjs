// The npm package `hyperliquid` trades: MM_URL, MM_KEY, MM_ADDRESS, MM_COIN: where, as whom, what.
const assert = require("node:assert");
const { BASE_URLS, Hyperliquid } = require("hyperliquid");

async function main() {
  const { MM_URL, MM_KEY, MM_ADDRESS, MM_COIN } = process.env;
  BASE_URLS.PRODUCTION = MM_URL; // it has no setting
  const sdk = new Hyperliquid({ privateKey: MM_KEY, walletAddress: MM_ADDRESS, enableWs: false });
  await sdk.connect();
  const coin = `${MM_COIN}-PERP`;
  const book = await sdk.info.getL2Book(coin);
  const bid = Number(book.levels[0][0].px);
  const size = Number((50 / bid).toFixed(3));
  const order = (buys, price, tif, reduces = false) =>
    sdk.exchange.placeOrder({
      coin, is_buy: buys, sz: size, limit_px: Number(price.toPrecision(4)), order_type: { limit: { tif } }, reduce_only: reduces,
    });
  const placed = await order(true, 0.98 * bid, "Alo");
  const oid = placed.response.data.statuses[0].resting.oid;
  const open = await sdk.info.getUserOpenOrders(MM_ADDRESS);
  assert.deepEqual(open.map((each) => each.oid), [oid]);
  await sdk.exchange.cancelOrder({ coin, o: oid });
  await order(true, 1.03 * bid, "Ioc");
  const state = await sdk.info.perpetuals.getClearinghouseState(MM_ADDRESS);
  assert.equal(Number(state.assetPositions[0].position.szi), size);
  await order(false, 0.97 * bid, "Ioc", true);
  const fills = await sdk.info.getUserFills(MM_ADDRESS);
  assert.ok(fills.length >= 2);
  console.log("done");
  process.exit(0);
}

main().catch((error) => {
  console.log(error.stack?.split("\n").slice(0, 2).join(" ") ?? String(error));
  process.exit(1);
});
