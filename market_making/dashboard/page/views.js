// One function a view. Each gets the newest document and the element it owns; it says what is missing where something is.

import { bars, clock, digits, el, exact, intervals, ladder, legend, lines, marked, put, signed, waterfall } from "/draw.js";

export const span = (ms) => {
  if (ms === null || ms === undefined) return "–";
  const s = Math.max(ms, 0) / 1000;
  if (s < 120) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  if (s < 7200) return `${(s / 60).toFixed(0)} min`;
  return s < 172800 ? `${(s / 3600).toFixed(1)} h` : `${(s / 86400).toFixed(0)} days`;
};
const ago = (ms) => (ms === null || ms === undefined ? "–" : `${span(ms)} ago`);
const sentence = (text) => text[0].toUpperCase() + text.slice(1);
const words = (name) => String(name).replaceAll("_", " ");
const empty = (text) => el("p", { class: "empty" }, ...marked(text));
const cell = (text, kind = "") => el("td", { class: kind }, text);
const money = (value) => cell(signed(value), `n ${value > 0 ? "good" : value < 0 ? "bad" : ""}`);

function table(columns, rows, kind = columns.length > 4 ? "cards" : "") {
  const head = el("tr", {}, ...columns.map(([name, kind]) => el("th", { scope: "col", class: kind ?? "" }, name)));
  // On a phone a row becomes a card, and each cell is preceded by the name of its column.
  for (const row of rows) [...row.cells].forEach((filled, i) => filled.setAttribute("data-column", columns[i]?.[0] ?? ""));
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": columns.map(([name]) => name).join(", ") },
    el("table", { class: kind }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

// The newest value of a line, with its interval.
function now({ y, low, high }, unit) {
  const last = y.length - 1;
  const range = low?.[last] == null || high?.[last] == null ? "" : ` (${digits(low[last], 3)} … ${digits(high[last], 3)})`;
  return `${digits(y[last], 3)}${range} ${unit}`;
}

const SILENT_MS = 10_000; // a bot writes each second
// Before its first plan a bot has no reason.
const whyNot = (pair) => pair.detail || (pair.reason ? words(pair.reason) : "the bot has not planned a quote yet");
const isSilent = (pair) => pair.age_ms > SILENT_MS && !pair.stopped;

const pairLink = (row) => `#/pair/${encodeURIComponent(row.bot)}/${encodeURIComponent(row.pair)}`;

export function coins(host, { coins: shown }) {
  const rows = shown.pairs.map((row) => {
    const order = row.resting;
    const rests = order && `${order.side} ${exact(order.price, row.tick)}`, silent = row.age_ms > SILENT_MS;
    const quotes = order && silent ? el("span", { class: "dim" }, `${rests}, ${ago(row.age_ms)}`)
      : order ? el("span", { class: order.side }, rests) : row.quoting && !silent ? "about to place" : "no";
    const why = row.quoting ? "" : `${whyNot(row)}${row.since_ms ? `, for ${span(Date.now() - row.since_ms)}` : ""}`;
    const held = `${digits(row.inventory, 3)} of ${digits(row.maximum_inventory, 3)}`;
    return el("tr", {},
      el("td", {}, el("a", { href: pairLink(row) }, row.coin)), cell(`${row.bot} (${row.mode})`),
      el("td", {}, quotes), cell(exact(row.mid, row.tick), "n"), cell(held, "n"), money(row.day), cell(row.fills, "n"),
      cell(span(row.calibration_age_ms), `n ${row.calibration_age_ms - row.age_ms > 60000 ? "bad" : ""}`),
      cell(ago(row.age_ms), `n ${silent ? "bad" : ""}`), cell(why, "text dim"));
  });
  const columns = [["coin"], ["bot"], ["rests"], ["mid", "n"], ["inventory [lots]", "n"], ["today [quote]", "n"],
    ["fills", "n"], ["calibration age", "n"], ["bot wrote", "n"], ["why not"]];
  const idle = shown.calibrated.map((coin) => el("tr", {}, cell(coin.coin), cell(span(coin.age_ms), "n"), cell(coin.status), cell(coin.detail, "text dim")));
  put(host, 
    el("section", { class: "panel wide" }, el("h2", {}, "Coins that are quoted"),
      rows.length ? table(columns, rows) : empty("No bot runs here. `mm init` writes one, and says how it is started."),
      shown.left_out ? el("p", { class: "note" }, `${shown.left_out} more pairs are not shown.`) : null,
      rows.length ? el("p", { class: "note" }, "Choose a coin to see why its quote is where it is.") : null),
    idle.length ? el("section", { class: "panel wide" }, el("h2", {}, "Calibrated, not quoted"), table([["coin"], ["age", "n"], ["status"], ["remark"]], idle)) : null);
}

const SHOWN_MS = 1_800_000; // of prices and fills

// The panels of a pair are made once and drawn again with every document.
export class Pair {
  constructor(host, fetchJson, bot, pair) {
    this.host = host;
    this.fetchJson = fetchJson;
    [this.bot, this.name] = [bot, pair];
    this.samples = { time_ms: [], mid: [], bid: [], ask: [], inventory: [] };
    this.history = null;
    this.fills = new Map();
    const panel = (id, title, note, kind = "") => {
      this[id] = el("div", { class: id });
      return el("section", { class: `panel ${kind}` }, el("h2", {}, title), this[id], el("p", { class: "note" }, note));
    };
    this.head = el("div", { class: "head" });
    this.room = new Map();
    this.panels = el("div", { class: "grid", hidden: true },
      panel("why", "Why is my quote there?", "From mid to the resting price. Each bar is one reason, as the bot priced it; blue moves the price up, brown down [quote currency].", "wide"),
      panel("price", "Price, own orders and fills", "Grey: mid. Green and red: where the own bid and ask rested. Dots: fills. Half an hour at most [quote currency].", "wide"),
      panel("inventory", "Inventory", "Lots held; the model leans its quotes against it [lots].", "wide"),
      panel("book", "Order book", "Five levels a side as the bot saw them; the framed row is the own order. Sizes in coins."),
      panel("both", "Both sides of the model", "Distance of each side from mid, and what it is made of [quote currency]."),
      panel("markouts", "Am I being run over?", "How far mid has moved in favour of the bot after its own fills, with 95 % interval [bps]. Left of zero: it was run over."),
      panel("money", "Result of the day", "Since 00:00 UTC, in parts that sum to the net [quote currency]."),
      panel("kappa", "κ: how fast fills thin out with distance", "1/κ is how far a typical market order reaches. High: stay close to mid. Bands: 95 % intervals."),
      panel("epsilon", "ε on fill: what the price moves against a filled quote", "A quote must earn this before it earns anything. Bands: 95 % intervals."),
      panel("lambda", "λ: how often market orders come", "More of one side than of the other pushes the inventory. Bands: 95 % intervals."),
      panel("sigma", "σ: how much mid wanders", "Price per square root of a second; what is held is exposed to it."),
      panel("decisions", "Last decisions", "From the bot's decision log, newest first.", "wide"));
    host.replaceChildren(this.head, this.panels);
    this.load();
  }

  async load() {
    const query = `bot=${encodeURIComponent(this.bot)}&pair=${encodeURIComponent(this.name)}`;
    const [samples, fills] = await Promise.all([this.fetchJson(`/api/samples?${query}`), this.fetchJson(`/api/fills?${query}`)]);
    if (samples?.time_ms) this.samples = samples;
    this.remember(fills ?? []);
  }

  remember(decisions) {
    for (const line of decisions) {
      if (line.event === "fill") this.fills.set(`${line.time_ms}/${line.price}/${line.size}`, line);
    }
    for (const [key, line] of this.fills) if (line.time_ms < Date.now() - SHOWN_MS) this.fills.delete(key);
  }

  async calibrate(coin) {
    if (this.asked && Date.now() - this.asked < 15000) return;
    this.asked = Date.now();
    this.history = await this.fetchJson(`/api/calibrations?coin=${encodeURIComponent(coin)}`);
    this.drawHistory();
  }

  take(pair) {
    const s = this.samples;
    if (s.time_ms.length && s.time_ms[s.time_ms.length - 1] >= pair.written_ms) return;
    s.time_ms.push(pair.written_ms);
    s.mid.push(pair.mid);
    for (const side of ["bid", "ask"]) s[side].push(pair.resting?.side === side ? pair.resting.price : null);
    s.inventory.push(pair.inventory);
    if (s.time_ms.length > 1800) for (const column of Object.values(s)) column.shift();
  }

  show(document) {
    const pair = document.pair;
    this.panels.hidden = !pair;
    if (!pair) {
      put(this.head, empty(`${sentence(document.missing ?? "nothing is known of this pair")}.`), el("a", { href: "#/coins" }, "All coins"));
      return;
    }
    this.take(pair);
    this.remember(pair.decisions);
    this.calibrate(pair.coin);
    this.drawHead(pair);
    this.drawWhy(pair);
    this.drawTime();
    this.drawBook(pair);
    this.drawBoth(pair);
    this.drawMoney(pair);
    this.drawDecisions(pair.decisions, pair.tick);
    this.keepRoom();
  }

  // A bar, a row or a word less moves nothing below it: what has needed room keeps it until the width changes.
  keepRoom() {
    for (const part of [this.head, this.why, this.book, this.both, this.markouts, this.money, this.decisions]) {
      const height = part.offsetHeight;
      if (height <= (this.room.get(part) ?? 0)) continue;
      this.room.set(part, height);
      part.style.minHeight = `${height}px`;
    }
  }

  resized() {
    for (const part of this.room.keys()) part.style.minHeight = "";
    this.room.clear();
    this.drawHistory();
  }

  drawHead(pair) {
    const order = pair.resting, old = isSilent(pair);
    const state = pair.stopped ? "the bot has ended" : order ? `${order.side} ${digits(order.size - order.filled)} at ${exact(order.price, pair.tick)} ${old ? "rested then" : "rests"}`
      : pair.quoting ? "about to place an order" : `not quoting: ${whyNot(pair)}`;
    const calibration = pair.calibration;
    const age = calibration.created_ms ? `calibration ${span(Date.now() - calibration.created_ms)} old, quality ${calibration.status}, regime ${calibration.regime}` : "no calibration: start mm calibrate";
    put(this.head, 
      el("span", { class: "big" }, pair.pair), el("span", {}, `${pair.bot}, ${pair.strategy}, ${pair.mode}`),
      el("span", { class: order ? (old ? "dim" : order.side) : pair.quoting ? "" : "warn" }, state),
      el("span", { class: "dim" }, `mid ${exact(pair.mid, pair.tick)}`), el("span", { class: "dim" }, age),
      calibration.own_table ? el("span", { class: "dim" }, `own table: ${calibration.why}`) : null,
      pair.risk.length ? el("span", { class: "bad" }, pair.risk_detail) : null,
      old ? el("span", { class: "bad" }, `the bot has written nothing for ${span(pair.age_ms)}`) : null);
  }

  drawWhy(pair) {
    const order = pair.resting;
    if (!order || !Object.keys(order.terms).length || order.planned_mid === null) {
      const why = pair.stopped ? "No order rests: the bot has ended." : order ? "The bot did not write the terms of this order: it was placed before the bot started." : pair.quoting ? "No order rests at this moment; both sides of the model are shown below." : `No order rests: ${whyNot(pair)}.`;
      put(this.why, empty(why));
      return;
    }
    const sign = order.side === "bid" ? -1 : 1;
    const steps = Object.entries(order.terms).map(([name, value]) => ({ name: pair.term_names[name] ?? words(name), value: sign * value }));
    waterfall(this.why, {
      start: { name: "mid when priced", value: order.planned_mid }, steps,
      end: { name: `${order.side} that ${isSilent(pair) ? "rested" : "rests"}`, value: order.price }, format: (v) => exact(v, pair.tick),
      label: `From mid ${exact(order.planned_mid, pair.tick)} to the ${order.side} at ${exact(order.price, pair.tick)}`,
    });
  }

  drawTime() {
    const s = this.samples;
    const every = Math.max(1, Math.ceil(s.time_ms.length / 450));
    const thin = (column) => column.filter((_, i) => i % every === 0 || i === column.length - 1);
    const t = thin(s.time_ms);
    const dots = [...this.fills.values()].map((f) => ({ t: f.time_ms, y: f.price, kind: f.side, label: `${f.side} ${digits(f.size)} filled at ${digits(f.price, 8)}, ${clock(f.time_ms)}` }));
    lines(this.price, { t, unit: "quote currency", label: "Mid and own orders over time", dots, height: 220, series: [
      { name: "mid", y: thin(s.mid), kind: "mid" },
      { name: "bid", y: thin(s.bid), kind: "bid", step: true },
      { name: "ask", y: thin(s.ask), kind: "ask", step: true }] });
    lines(this.inventory, { t, unit: "lots", label: "Inventory over time", zero: true, height: 110, series: [{ name: "inventory", y: thin(s.inventory), kind: "0", step: true }] });
  }

  drawBook(pair) {
    if (!pair.book) return put(this.book, empty("The bot has no book that it trusts; the reason is above."));
    ladder(this.book, { bids: pair.book.bids, asks: pair.book.asks, own: pair.resting, tick: pair.tick, label: "Order book" });
  }

  drawBoth(pair) {
    const names = [...new Set([...Object.keys(pair.bid.terms), ...Object.keys(pair.ask.terms)])];
    const bps = (value) => (value === null || value === undefined || !pair.mid ? "" : ` (${digits((1e4 * value) / pair.mid, 3)} bps)`);
    const line = (name, of, kind) => el("tr", { class: kind ?? "" }, cell(name), cell(of(pair.bid), "n bid"), cell(of(pair.ask), "n ask"));
    const said = (quote) => (quote.reason ? words(quote.reason) : "");
    put(this.both, table([["term"], ["bid", "n"], ["ask", "n"]], [
      ...names.map((name) => line(pair.term_names[name] ?? words(name), (quote) => signed(quote.terms[name] ?? 0, 4))),
      line("distance from mid", (quote) => (quote.depth === null ? "–" : digits(quote.depth, 4) + bps(quote.depth))),
      line("price", (quote) => exact(quote.price, pair.tick)),
      said(pair.bid) || said(pair.ask) ? line("closed because", said, "words") : null].filter(Boolean)));
  }

  drawMoney(pair) {
    const m = pair.money;
    bars(this.money, { unit: "", label: "Result of the day in parts", rows: [
      { name: "spread", value: m.spread }, { name: "adverse selection", value: m.adverse_selection },
      { name: "inventory", value: m.inventory }, { name: "funding", value: m.funding }, { name: "fees", value: -m.fees },
      { name: `net, ${m.fills} ${m.fills === 1 ? "fill" : "fills"}`, value: m.net, kind: "end" }] });
    if (!pair.markouts.length) return put(this.markouts, empty("No fill yet, or none that is old enough."));
    intervals(this.markouts, { unit: "bps", label: "Markouts", missing: "no fill that old yet", rows: pair.markouts.map((k) => ({
      name: `${digits(k.horizon_s, 2)} s, ${k.n} ${k.n === 1 ? "fill" : "fills"}`, value: k.n ? k.value_bps : null, low: k.low_bps, high: k.high_bps })) });
  }

  drawHistory() {
    const h = this.history;
    const sides = ["buy", "sell"], buys = { buy: "market buys, at the ask", sell: "market sells, at the bid" };
    const plots = [[this.kappa, "κ", "fill_decay", "1/price", sides], [this.epsilon, "ε", "adverse_selection_on_fill", "quote currency", sides],
      [this.lambda, "λ", "arrival_rate", "1/s", sides], [this.sigma, "σ", "volatility", "price/√s", [null]]];
    for (const [host, letter, name, unit, of] of plots) {
      if (!h?.created_ms?.length) {
        put(host, empty(h?.fault ?? "No calibration in the last two hours: start `mm collect` and `mm calibrate`."));
        continue;
      }
      const series = of.map((side, i) => {
        const column = side ? `${name}_${side}` : name;
        return { name: side ? buys[side] : "mid", y: h[column], low: h[`${column}_low`], high: h[`${column}_high`], kind: String(i) };
      });
      put(host, legend(series.map((s) => [s.kind, `${s.name}: ${now(s, unit)}`])), el("div"));
      lines(host.lastElementChild, { t: h.created_ms, unit, label: `${letter}, ${words(name)}`, height: 140, series });
    }
  }

  drawDecisions(decisions, tick) {
    if (!decisions.length) return put(this.decisions, empty("The decision log has no line of this pair."));
    const rows = decisions.map((d) => el("tr", {}, cell(clock(d.time_ms)), cell(words(d.event)), cell(d.side ?? "", d.side ?? ""),
      cell(d.price === undefined ? "" : exact(d.price, tick), "n"), cell(d.size === undefined ? "" : digits(d.size), "n"), cell(d.detail || words(d.reason ?? ""), "text dim")));
    put(this.decisions, table([["time"], ["event"], ["side"], ["price", "n"], ["size [coins]", "n"], ["why"]], rows, "cards plain"));
  }
}

export function safety(host, { safety: shown, header }) {
  const accounts = shown.accounts.map((a) => {
    const risk = a.risk.map((r) => `${r.pair}: ${r.detail}`).join("; ");
    return el("tr", {}, cell(`${a.bot} (${a.mode})`), cell(digits(a.equity, 6), "n"), money(a.money.net),
      cell(a.actions_left === null ? "not known" : digits(a.actions_left, 6), "n"), cell(a.hours_left !== null ? digits(a.hours_left, 3) : a.actions_left === null ? "–" : "not shrinking", `n ${a.hours_left !== null && a.hours_left < 2 ? "bad" : ""}`),
      cell(a.weight_per_minute === null ? "–" : `${digits(a.weight_per_minute, 4)} of 1,200`, "n"), cell(`${digits(a.loop_ms, 3)} / ${digits(a.longest_loop_ms, 3)}`, "n"), cell(risk || "none", "text dim"));
  });
  const columns = [["bot"], ["equity [quote]", "n"], ["today [quote]", "n"], ["actions left", "n"], ["they last [h]", "n"], ["weight per minute", "n"], ["loop, longest [ms]", "n"], ["risk rules that hold"]];
  const guards = shown.guards.map((g) => el("tr", {}, cell(g.name), cell(g.runs, g.runs === "runs" ? "good" : "bad"), cell(ago(g.age_ms), "n"),
    cell(Object.entries(g.figures).map(([name, value]) => `${words(name)} ${digits(value)}`).join(", "), "text"), cell(g.failures.join("; ") || "none", "text dim")));
  const programs = header.programs.map((p) => el("tr", {}, cell(p.name), cell(p.runs, p.runs === "runs" ? "good" : p.runs === "silent" ? "bad" : "dim"), cell(ago(p.age_ms), "n"),
    cell(p.coins, "n"), cell((p.failures ?? []).join("; ") || "none", "text dim")));
  put(host, el("div", { class: "grid" },
    el("section", { class: "panel wide" }, el("h2", {}, "Kill switch"), el("p", { class: header.kill ? "bad big" : "good" }, ...marked(header.kill ? `On since ${new Date(header.kill.since_ms).toLocaleString()} (${header.kill.by ?? "mm stop"}). \`mm stop --resume\` turns it off.` : "Off. `mm stop` cancels every order and opens nothing, also after a restart."))),
    el("section", { class: "panel wide" }, el("h2", {}, "Accounts and limits"), accounts.length ? table(columns, accounts) : empty("No bot runs.")),
    el("section", { class: "panel wide" }, el("h2", {}, "Guard"), guards.length ? table([["guard"], ["state"], ["wrote", "n"], ["figures"], ["failures"]], guards) : empty("No guard runs. `mm guard` cancels what a slow, frozen or dead bot leaves: start it beside every live bot.")),
    el("section", { class: "panel wide" }, el("h2", {}, "Programs"), programs.length ? table([["program"], ["state"], ["wrote", "n"], ["coins", "n"], ["failures"]], programs) : empty("No program has run here. commands.md has all of them, in order of use."))));
}

export function scan(host, shown) {
  const rows = shown.coins.map((c) => el("tr", {}, cell(c.coin), cell(c.refused ? "refused" : c.state, c.refused ? "bad" : "good"),
    money(c.net_per_hour), cell(c.low === null || c.low === undefined ? "–" : `${signed(c.low)} … ${signed(c.high)}`, "n"), cell(digits(c.break_even_fee_bps, 3), "n"), cell(digits(c.toxicity, 3), "n"), cell(c.reason, "text dim")));
  const drawn = shown.coins.filter((c) => c.net_per_hour !== null && c.low !== null && c.low !== undefined).slice(0, 12);
  const columns = [["coin"], ["verdict"], ["net per hour [quote]", "n"], ["95 % interval", "n"], ["break-even fee [bps]", "n"], ["toxicity", "n"], ["why"]];
  put(host, el("section", { class: "panel wide" }, el("h2", {}, "What would each coin earn?"), drawn.length ? el("div", { class: "earnings" }) : null,
    rows.length ? table(columns, rows) : empty(shown.missing || "No coin is calibrated."),
    el("p", { class: "note" }, ...marked(`From the published calibrations, at a maker fee of ${digits(shown.fee_bps, 3)} bps and orders of ${digits(shown.order_notional)} in quote currency. \`mm scan --data\` ranks everything that is recorded.`))));
  if (drawn.length) intervals(host.querySelector(".earnings"), { rows: drawn.map((c) => ({ name: c.coin, value: c.net_per_hour, low: c.low, high: c.high })), unit: "quote per hour", label: "Net per hour of each coin with its 95 % interval" });
}

export function replays(host, shown) {
  const rows = shown.sheets.map((r) => el("tr", {}, el("td", {}, el("a", { href: `/replays/${encodeURIComponent(r.name)}`, target: "_blank", rel: "noopener" }, r.name)), cell(new Date(r.written_ms).toLocaleString(), "n"), cell(`${digits(r.bytes / 1e6, 3)} MB`, "n")));
  put(host, el("section", { class: "panel wide" }, el("h2", {}, "Replays"),
    rows.length ? table([["tear-sheet"], ["written", "n"], ["size", "n"]], rows) : empty(`No tear-sheet in ${shown.folder} yet. This writes one: \`mm replay --coin COIN --report ${shown.folder}/NAME.html\``)));
}
