// Checks answers of /info and messages of streams against the schemas that @nktkas/hyperliquid keeps by the live exchange.
// node strict_schemas.mjs SEEN.json: one line per type; the status is the number of invalid ones.
import * as info from "@nktkas/hyperliquid/api/info";
import * as streams from "@nktkas/hyperliquid/api/subscription";
import * as v from "valibot";
import { readFileSync } from "node:fs";

// In summer 2026 the exchange moved the fee scale from the dex to each asset; these schemas still ask for it at the dex.
const MOVED = ["deployerFeeScale", "lastDeployerFeeScaleChangeTime"];

const seen = JSON.parse(readFileSync(process.argv[2], "utf8"));
let invalid = 0;

function schemaOf(api, kind, end) {
  const name = kind.split(" ")[0];
  return api[name[0].toUpperCase() + name.slice(1) + end];
}

function isFault(issue) {
  return !(issue.received === "undefined" && MOVED.includes(v.getDotPath(issue)?.split(".").pop()));
}

function check(what, schema, values) {
  if (!schema) {
    console.log(`${what}: no schema`);
    return;
  }
  const issues = values.map((value) => (v.safeParse(schema, value).issues ?? []).filter(isFault));
  const wrong = issues.filter((found) => found.length);
  const faults = wrong.flat().slice(0, 3).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  console.log(`${what}: ${wrong.length ? `INVALID, ${wrong.length} of ${values.length}: ${faults.join("; ")}` : "valid"}`);
  invalid += wrong.length ? 1 : 0;
}

for (const [kind, answer] of Object.entries(seen.answers)) check(kind, schemaOf(info, kind, "Response"), [answer]);
for (const [channel, messages] of Object.entries(seen.messages)) {
  const kind = channel === "user" ? "userEvents" : channel;
  check(`stream ${channel}, ${messages.length} messages`, schemaOf(streams, kind, "Event"), messages);
}
process.exit(invalid);
