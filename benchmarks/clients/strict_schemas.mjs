// Checks answers of /info against the schemas that @nktkas/hyperliquid keeps by the live exchange.
// node strict_schemas.mjs ANSWERS.json: one line per type; the status is the number of invalid ones.
import * as api from "@nktkas/hyperliquid/api/info";
import * as v from "valibot";
import { readFileSync } from "node:fs";

let invalid = 0;
for (const [kind, answer] of Object.entries(JSON.parse(readFileSync(process.argv[2], "utf8")))) {
  const schema = api[kind[0].toUpperCase() + kind.slice(1) + "Response"];
  if (!schema) {
    console.log(`${kind}: no schema`);
    continue;
  }
  const result = v.safeParse(schema, answer);
  const faults = (result.issues ?? []).slice(0, 3).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  console.log(`${kind}: ${result.success ? "valid" : `INVALID ${faults.join("; ")}`}`);
  invalid += result.success ? 0 : 1;
}
process.exit(invalid);
