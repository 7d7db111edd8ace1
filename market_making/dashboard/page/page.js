// Chooses the view by the address after #, listens to one stream, and says how old what it shows is.

import { clock, el, forgetWidths, marked } from "/draw.js";
import { coins, Pair, replays, safety, scan, span } from "/views.js";

const view = document.getElementById("view"), age = document.getElementById("age");
const notices = document.getElementById("notices"), programs = document.getElementById("programs");
let panels = null, stream = null, timer = null, last = null, heard = 0;

async function fetchJson(address) {
  try {
    return await (await fetch(address)).json();
  } catch {
    return null;
  }
}

function route() {
  const [name = "coins", ...rest] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  return { name: name || "coins", bot: rest[0] ?? "", pair: rest.slice(1).join("/") };
}

function open() {
  const { name, bot, pair } = route();
  stream?.close();
  clearInterval(timer);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === `#/${name}` || (name === "pair" && link.hash === "#/coins");
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  document.title = name === "pair" ? `${pair} – market making` : "Market making";
  let draw = null;
  panels = null;
  if (name === "pair") {
    panels = new Pair(view, fetchJson, bot, pair);
    draw = (shown) => panels.show(shown);
  } else if (name === "coins" || name === "safety") {
    draw = (shown) => (name === "coins" ? coins : safety)(view, shown);
  } else if (name === "scan" || name === "replays") {
    const again = async () => {
      const shown = await fetchJson(`/api/${name}`);
      if (shown) (name === "scan" ? scan : replays)(view, shown);
    };
    again();
    timer = setInterval(again, 15000);
  } else {
    view.replaceChildren(el("p", { class: "empty" }, `There is no view called ${name}.`));
  }
  const query = new URLSearchParams({ show: name, bot, pair });
  stream = new EventSource(`/api/stream?${query}`);
  stream.onmessage = (event) => {
    last = JSON.parse(event.data);
    heard = Date.now();
    if (document.hidden || !last.header) return;
    top(last.header);
    draw?.(last);
  };
}

let shownNotices = "";
function top(header) {
  const rows = header.notices.map((n) => el("div", { class: `notice ${n.severity}` }, el("b", {}, `${n.severity}, ${n.source}:`), ...marked(n.text), " ", el("span", { class: "dim" }, ...marked(n.remedy))));
  const missing = header.missing.map((m) => el("div", { class: "notice info" }, `${m.text[0].toUpperCase()}${m.text.slice(1)}. This starts it: `, el("code", {}, m.command)));
  if (header.kill) missing.unshift(el("div", { class: "notice alarm" }, "The kill switch is on: nothing is opened. ", el("code", {}, "mm stop --resume")));
  // Replaced only when it has changed: a screen reader would read it every second.
  const text = JSON.stringify([header.notices.map((n) => [n.severity, n.source, n.text]), header.missing.map((m) => m.text), header.kill !== null]);
  if (text !== shownNotices) notices.replaceChildren(...rows, ...missing);
  shownNotices = text;
  const runs = header.programs.map((p) => `${p.name}: ${p.runs}${p.runs === "silent" ? ` for ${span(p.age_ms)}` : ""}`).join(" · ") || "No program has run here.";
  if (runs !== programs.textContent) programs.textContent = runs;
}

setInterval(() => {
  const since = Date.now() - heard;
  const lost = heard === 0 || since > 5000;
  const text = heard === 0 ? "no answer yet" : lost ? `no answer for ${span(since)}: does mm dashboard run?` : `live, ${clock(heard)}`;
  if (text === age.textContent) return; // what is written is drawn again, also where it is the same
  age.className = lost ? "old" : "";
  age.setAttribute("aria-live", lost ? "polite" : "off"); // a screen reader would read the time every second
  age.textContent = text;
}, 500);
// Pictures have the width of their panel; what is drawn seldom would be stretched.
let turned = null;
addEventListener("resize", () => { clearTimeout(turned); turned = setTimeout(() => { forgetWidths(); panels?.resized(); }, 150); });
// Its address would be taken for that of a view.
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
addEventListener("hashchange", () => { open(); view.focus({ preventScroll: true }); scrollTo(0, 0); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && last?.header) top(last.header); });
open();
