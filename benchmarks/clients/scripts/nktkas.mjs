// @nktkas/hyperliquid trades: MM_URL, MM_KEY and MM_COIN say where, as whom and what.
import assert from "node:assert";
import * as hl from "@nktkas/hyperliquid";
import { privateKeyToAccount } from "viem/accounts";

const { MM_URL: apiUrl, MM_KEY: key, MM_COIN: coin } = process.env;
const transport = new hl.HttpTransport({ apiUrl });
const wallet = privateKeyToAccount(key);
const info = new hl.InfoClient({ transport });
const exchange = new hl.ExchangeClient({ transport, wallet });
const dex = coin.includes(":") ? { dex: coin.split(":")[0] } : {};
const user = wallet.address;

const universe = (await info.meta(dex)).universe;
const place = universe.findIndex((each) => each.name === coin);
const dexes = await info.perpDexs();
const a = dex.dex ? 100000 + 10000 * dexes.findIndex((each) => each?.name === dex.dex) + place : place;
const bid = Number((await info.l2Book({ coin })).levels[0][0].px);
const s = String(Number((50 / bid).toPrecision(2)));
const order = async (b, factor, tif, r = false) => {
  const p = String(Number((factor * bid).toPrecision(4)));
  const answer = await exchange.order({ orders: [{ a, b, p, s, r, t: { limit: { tif } } }], grouping: "na" });
  return answer.response.data.statuses[0];
};

const o = (await order(true, 0.98, "Alo")).resting.oid;
assert.deepEqual((await info.openOrders({ user, ...dex })).map((each) => each.oid), [o]);
assert.equal((await exchange.cancel({ cancels: [{ a, o }] })).response.data.statuses[0], "success");
assert((await order(true, 1.02, "Ioc")).filled);
const state = await info.clearinghouseState({ user, ...dex });
assert.equal(Number(state.assetPositions[0].position.szi), Number(s));
assert((await order(false, 0.98, "Ioc", true)).filled);
assert((await info.userFills({ user })).length >= 2);
console.log("done");
