// Lines, waterfalls and ladders as SVG. Every picture has a fixed height, so that nothing jumps when it is drawn again.

const NS = "http://www.w3.org/2000/svg";

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A sentence in which `commands` stand between backticks.
export const marked = (text) => text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));

// Let an element hold these children; what is null is left out. What looks the same stays the same node: with it stay the
// focus, a selection, and how far a table is scrolled, although a view is drawn anew each second.
export function put(host, ...children) {
  settle(host, children.filter((child) => child !== null && child !== undefined));
}

function settle(host, wanted) {
  const there = [...host.childNodes];
  wanted.forEach((fresh, i) => {
    if (i >= there.length) host.append(fresh);
    else if (!there[i].isEqualNode(fresh)) become(there[i], fresh);
  });
  for (const old of there.slice(wanted.length)) old.remove();
}

function become(old, fresh) {
  // A link that has the focus must not lead elsewhere all of a sudden.
  if (old.nodeName !== fresh.nodeName || (old.nodeName === "A" && old.href !== fresh.href)) return old.replaceWith(fresh);
  if (old.nodeType === Node.TEXT_NODE) return void (old.data = fresh.data);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  settle(old, [...fresh.childNodes]);
}

// A width that is asked for between two drawings makes the browser lay out the page at once: it is asked for only once.
let widths = new WeakMap();
export const forgetWidths = () => { widths = new WeakMap(); };
function widthOf(host) {
  if (!widths.has(host) && host.clientWidth) widths.set(host, host.clientWidth);
  return Math.max(widths.get(host) ?? 0, 240);
}

// To make a format costs far more than to use it; it is made when it is first used, not before the first content is drawn.
const formats = new Map();
function format(key, made) {
  if (!formats.has(key)) formats.set(key, made());
  return formats.get(key);
}

const number = (value, least, most) =>
  format(`${least} ${most}`, () => new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most })).format(value);

export const clock = (ms, seconds = true) =>
  format(seconds, () => new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hourCycle: "h23" })).format(ms);

function shape(name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function canvas(width, height, label) {
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  svg.setAttribute("preserveAspectRatio", "none");
  return svg;
}

export function digits(value, significant = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (Math.abs(value) < 1e-12) return "0"; // what floating point leaves of a difference
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 15 || size < -7) return value.toExponential(2);
  return number(value, 0, Math.max(0, significant - 1 - size));
}

// A price with the decimals of its tick.
export function exact(price, tick) {
  if (price === null || price === undefined) return "–";
  if (!tick) return digits(price, 8);
  const places = Math.max(0, Math.ceil(-Math.log10(tick) - 1e-9));
  return number(price, places, places + 1);
}

export function signed(value, significant = 3) {
  if (value === null || value === undefined) return "–";
  return (value >= 1e-12 ? "+" : "") + digits(value, significant);
}

function nice(low, high, wanted) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / wanted;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw);
  const ticks = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9; t += step) ticks.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return { ticks, places: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

const fixed = (value, places) => number(value, Math.min(places, 10), Math.min(places, 10));

// Which line is which, with what it is now: [[kind, text], …].
export const legend = (rows) => el("p", { class: "legend" }, ...rows.map(([kind, text]) => el("span", {}, el("span", { class: `key k${kind}`, "aria-hidden": "true" }), text)));

// Lines over time: {t, series: [{name, y, low, high, kind, step}], dots: [{t, y, kind, label}], unit, label, zero}.
export function lines(host, { t, series, dots = [], unit, label, zero = false, height = 170 }) {
  const width = widthOf(host);
  const [left, right, top, bottom] = [58, 8, 8, 20];
  const all = series.flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])]).concat(dots.map((d) => d.y));
  const known = all.filter((v) => v !== null && Number.isFinite(v));
  const svg = canvas(width, height, label);
  if (known.length === 0) {
    svg.append(shape("text", { x: left, y: height / 2 }, "no values yet"));
    put(host, svg);
    return;
  }
  let low = Math.min(...known, ...(zero ? [0] : []));
  let high = Math.max(...known, ...(zero ? [0] : []));
  const room = (high - low || Math.abs(high) * 1e-4 || 1) * 0.06;
  [low, high] = [low - room, high + room];
  const from = t[0], until = t[t.length - 1];
  const x = (ms) => (until > from ? left + ((ms - from) / (until - from)) * (width - left - right) : (left + width - right) / 2);
  const y = (v) => top + ((high - v) / (high - low)) * (height - top - bottom);
  const scale = nice(low, high, 4);
  for (const tick of scale.ticks) {
    svg.append(shape("line", { class: zero && tick === 0 ? "axis zero" : "axis", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    svg.append(shape("text", { x: left - 5, y: y(tick) + 4, "text-anchor": "end" }, fixed(tick, scale.places)));
  }
  const marks = until > from ? Math.max(2, Math.min(5, Math.floor(width / 130))) : 1;
  for (let k = 0; k < marks; k++) {
    const ms = marks === 1 ? from : from + ((until - from) * k) / (marks - 1);
    const anchor = marks === 1 ? "middle" : k === 0 ? "start" : k === marks - 1 ? "end" : "middle";
    svg.append(shape("text", { x: x(ms), y: height - 5, "text-anchor": anchor }, clock(ms, until - from < 600000)));
  }
  const after = gaps(t);
  for (const s of series) {
    if (s.low) for (const area of bands(t, s.low, s.high, x, y, after)) svg.append(shape("path", { class: `band${s.kind}`, d: area }));
    if (t.length > 1) svg.append(shape("path", { class: `line l${s.kind}`, d: path(t, s.y, x, y, s.step, after) }));
    else if (s.y[0] !== null) single(svg, s, x(from) + 12 * (series.indexOf(s) - (series.length - 1) / 2), y);
  }
  for (const d of dots) {
    if (d.t < from || d.t > until) continue;
    const mark = shape("circle", { class: `f${d.kind}`, cx: x(d.t), cy: y(d.y), r: 4 });
    mark.append(shape("title", {}, d.label));
    svg.append(mark);
  }
  svg.append(shape("title", {}, `${label} [${unit}]`));
  put(host, svg);
}

// Of a line that has one value so far: the value, and its interval as a stroke.
function single(svg, s, x, y) {
  if (s.low && s.low[0] !== null && s.high[0] !== null) svg.append(shape("line", { class: `line l${s.kind}`, x1: x, x2: x, y1: y(s.low[0]), y2: y(s.high[0]) }));
  svg.append(shape("circle", { class: `f${s.kind}`, cx: x, cy: y(s.y[0]), r: 4 }));
}

// Whether nothing was written before a point for much longer than usual: no line leads over it.
function gaps(t) {
  const steps = t.slice(1).map((ms, i) => ms - t[i]);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  return [false, ...steps.map((step) => step > 10 * usual)];
}

function path(t, values, x, y, step, after) {
  let d = "", open = false, before = null;
  for (let i = 0; i < t.length; i++) {
    const v = values[i];
    if (after[i]) open = false;
    if (v === null || !Number.isFinite(v)) { open = false; continue; }
    const point = `${x(t[i]).toFixed(1)} ${y(v).toFixed(1)}`;
    if (open && step && before !== v) d += `H${x(t[i]).toFixed(1)}`;
    d += (open ? "L" : "M") + point;
    [open, before] = [true, v];
  }
  return d;
}

function bands(t, low, high, x, y, after) {
  const areas = [];
  let run = [];
  const close = () => {
    if (run.length > 1) {
      const there = run.map((i) => `${x(t[i]).toFixed(1)} ${y(high[i]).toFixed(1)}`);
      const back = run.reverse().map((i) => `${x(t[i]).toFixed(1)} ${y(low[i]).toFixed(1)}`);
      areas.push(`M${there.join("L")}L${back.join("L")}Z`);
    }
    run = [];
  };
  for (let i = 0; i < t.length; i++) {
    if (after[i]) close();
    (low[i] === null || high[i] === null ? close() : run.push(i));
  }
  close();
  return areas;
}

// From one value to another by signed steps: {start, steps: [{name, value}], end, label}; each bar begins where the last ended.
export function waterfall(host, { start, steps, end, label, format }) {
  const rows = steps.length + 2;
  const width = widthOf(host), rowHeight = 24, height = rows * rowHeight + 6;
  const left = Math.min(190, width * 0.45), right = 86;
  let at = start.value;
  const points = [at, ...steps.map((s) => (at += s.value)), end.value];
  const low = Math.min(...points), high = Math.max(...points), span = high - low || 1;
  const x = (v) => left + ((v - low) / span) * (width - left - right);
  const svg = canvas(width, height, label);
  const row = (i, name, from, to, kind, value) => {
    const y = 3 + i * rowHeight, [a, b] = [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
    svg.append(shape("text", { class: kind === "end" ? "strong" : "", x: left - 8, y: y + 16, "text-anchor": "end" }, name));
    svg.append(shape("rect", { class: kind, x: a - (kind === "end" ? 1.5 : 0), y: y + 5, width: Math.max(b - a, kind === "end" ? 3 : 1), height: rowHeight - 10 }));
    svg.append(shape("text", { class: kind === "end" ? "strong" : "", x: width - 4, y: y + 16, "text-anchor": "end" }, value));
    if (i) svg.append(shape("line", { class: "axis", x1: x(from), x2: x(from), y1: y - 5, y2: y + 5 }));
  };
  row(0, start.name, start.value, start.value, "end", format(start.value));
  at = start.value;
  steps.forEach((s, i) => {
    row(i + 1, s.name, at, at + s.value, s.value >= 0 ? "add" : "less", signed(s.value, 4));
    at += s.value;
  });
  row(rows - 1, end.name, at, end.value, "end", format(end.value));
  put(host, svg);
}

// Bars left and right of zero: [{name, value, kind}].
export function bars(host, { rows, unit, label }) {
  const width = widthOf(host), rowHeight = 24, height = rows.length * rowHeight + 4;
  const left = 130, right = 80;
  const most = Math.max(...rows.map((r) => Math.abs(r.value ?? 0)), 1e-12);
  const centre = left + (width - left - right) / 2, scale = (width - left - right) / 2 / most;
  const svg = canvas(width, height, label);
  svg.append(shape("line", { class: "axis", x1: centre, x2: centre, y1: 0, y2: height }));
  rows.forEach((r, i) => {
    const y = i * rowHeight, size = (r.value ?? 0) * scale;
    svg.append(shape("text", { class: r.kind === "end" ? "strong" : "", x: left - 8, y: y + 16, "text-anchor": "end" }, r.name));
    svg.append(shape("rect", { class: r.kind ?? (size >= 0 ? "fbid" : "fask"), x: Math.min(centre, centre + size), y: y + 5, width: Math.abs(size), height: rowHeight - 10 }));
    svg.append(shape("text", { class: r.kind === "end" ? "strong" : "", x: width - 4, y: y + 16, "text-anchor": "end" }, `${signed(r.value)} ${unit}`));
  });
  put(host, svg);
}

// Values with intervals on one scale: [{name, value, low, high}]; a value that is null is told by `missing`.
export function intervals(host, { rows, unit, label, missing = "–" }) {
  const said = (r) => r.value === null ? missing : `${signed(r.value)} ${unit}${r.low === null ? "" : ` (${signed(r.low, 2)} … ${signed(r.high, 2)})`}`;
  const width = widthOf(host), rowHeight = 26, height = rows.length * rowHeight + 4;
  const left = 14 + 6.2 * Math.max(...rows.map((r) => r.name.length)), right = 14 + 6.2 * Math.max(...rows.map((r) => said(r).length));
  const known = rows.flatMap((r) => [r.value, r.low, r.high]).filter((v) => v !== null);
  const low = Math.min(0, ...known), high = Math.max(0, ...known), span = high - low || 1;
  const x = (v) => left + ((v - low) / span) * (width - left - right);
  const svg = canvas(width, height, label);
  svg.append(shape("line", { class: "axis zero", x1: x(0), x2: x(0), y1: 0, y2: height }));
  rows.forEach((r, i) => {
    const y = i * rowHeight + 13;
    svg.append(shape("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, r.name));
    if (r.low !== null) svg.append(shape("line", { class: "line l0", x1: x(r.low), x2: x(r.high), y1: y, y2: y }));
    if (r.value !== null) svg.append(shape("circle", { class: r.value >= 0 ? "fbid" : "fask", cx: x(r.value), cy: y, r: 4 }));
    svg.append(shape("text", { x: width - 4, y: y + 4, "text-anchor": "end" }, said(r)));
  });
  put(host, svg);
}

// The book: asks above bids, sizes as bars, the own order framed.
export function ladder(host, { bids, asks, own, tick, label }) {
  const rows = [...asks.map(([p, s]) => ["ask", p, s]).reverse(), ...bids.map(([p, s]) => ["bid", p, s])];
  if (own && !rows.some(([side, p]) => side === own.side && Math.abs(p - own.price) < 1e-9 * p)) rows.push([own.side, own.price, 0]);
  rows.sort((a, b) => b[1] - a[1]);
  const width = widthOf(host), rowHeight = 20, height = 11 * rowHeight;
  const most = Math.max(...rows.map((r) => r[2]), 1e-12);
  const svg = canvas(width, height, label);
  rows.slice(0, 11).forEach(([side, price, size], i) => {
    const y = i * rowHeight, mine = own && side === own.side && Math.abs(price - own.price) < 1e-9 * price;
    svg.append(shape("rect", { class: `size${side}`, x: 90, y: y + 2, width: (width - 190) * (size / most), height: rowHeight - 4 }));
    if (mine) svg.append(shape("rect", { class: "own", x: 2, y: y + 1, width: width - 4, height: rowHeight - 2 }));
    svg.append(shape("text", { class: mine ? "strong" : "", x: 82, y: y + 14, "text-anchor": "end" }, exact(price, tick)));
    const text = mine ? `own ${side} ${digits(own.size - own.filled)}` : digits(size);
    svg.append(shape("text", { class: mine ? "strong" : "", x: width - 8, y: y + 14, "text-anchor": "end" }, text));
  });
  put(host, svg);
}
