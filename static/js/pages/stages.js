/** How long messages took to each point of their way: the hub's own counts as a staircase, this screen's newest on top. */

import { h, s, say } from "hub/elements";
import { BUDGET_MS, STAGES, place, store } from "hub/store";
import { text } from "./text.js";

const POINTS = { stored: "stored", published: "published", received: "fanned_out", handled: "ui_handled", rendered: "rendered", painted: "painted" };
const AXIS_MS = [1, 5, 10, 20, 30, 40, 50, 100];
const KEYS_MS = [5, 20, 50, 100]; // those that a narrow screen has room for

/** The table of stages with a word on it, or the word alone while nothing was measured. */
export function stagesTable({ points, edgesMs }) {
  const rows = STAGES.map((stage, at) => [stage, bins(points.find(({ point }) => point === POINTS[stage]), edgesMs), at]);
  if (!rows.some(([, { count }]) => count)) return [h("p", { class: "hubsays" }, text.nothingMeasured)];
  const head = [text.median, "95%", "99%", text.budget].map((name, at) => h("th", { scope: "col", class: at === 1 || at === 2 ? "v opt" : "v" }, name));
  const made = h(
    "table",
    { class: "stages" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span", { class: "sr" }, text.hop)), h("th", { scope: "col" }, h("span", { class: "sr" }, text.share)), ...head)),
    h("tbody", null, ...rows.map(stageRow), axis()),
  );
  newest(made);
  return [made, h("p", { class: "hint" }, text.stagesHint)];
}

/** Draws the newest message of this screen into the rows; called as often as one is painted. */
export function newest(root) {
  const hops = store.pulse.recent(store.clock).at(-1);
  for (const path of root.querySelectorAll(".stages .now")) {
    const ms = hops?.[path.dataset.stage];
    path.setAttribute("d", ms === undefined ? "" : `M${Math.round(place(ms) * 1000)} 14V36`);
  }
}

/** `{count, bins: [[fromMs, toMs, count], …]}` of one point. */
function bins({ count, counts }, edgesMs) {
  return { count, bins: counts.map((inside, at) => [at ? edgesMs[at - 1] : 0, edgesMs[at] ?? Infinity, inside]) };
}

/** Below which time this share lies, within a bin as if it were even. */
function quantile({ count, bins: all }, share) {
  let left = count * share;
  for (const [from, to, inside] of all) {
    if (inside && left <= inside) return to === Infinity ? from : from + ((to - from) * left) / inside;
    left -= inside;
  }
  return all.at(-1)?.[0] ?? 0;
}

function stageRow([stage, found, at]) {
  const budget = BUDGET_MS[at];
  const cells = [0.5, 0.95, 0.99].map((share, which) => {
    const ms = found.count ? quantile(found, share) : null;
    return h("td", { class: `v${which ? " opt" : ""}${ms > budget ? " late" : ""}` }, ms === null ? "–" : say.ms(ms));
  });
  return h("tr", null, h("th", { scope: "row" }, say.stages[stage]), h("td", null, drawing(stage, found, at)), ...cells, h("td", { class: "v" }, String(budget)));
}

function drawing(stage, found, at) {
  const x = (ms) => Math.round(place(ms) * 1000);
  const budget = x(BUDGET_MS[at]);
  const most = Math.max(...found.bins.map(density));
  const hills = found.bins.map((bin) => {
    const height = Math.round(26 * Math.sqrt(density(bin) / most));
    return height ? `M${x(bin[0])} 36V${36 - height}H${x(bin[1])}V36` : "";
  });
  const stair = at + 1 < BUDGET_MS.length ? `M${budget} 0V36H${x(BUDGET_MS[at + 1])}` : `M${budget} 0V36`;
  return s(
    "svg",
    { viewBox: "0 0 1000 36", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "out", d: `M${budget} 0H1000V36H${budget}z` }),
    s("path", { class: "z", d: `M0 35.5H${budget}` }),
    s("path", { class: "lim", d: stair }),
    s("path", { class: "past", d: hills.join("") }),
    found.count ? s("path", { class: "med", d: `M${x(quantile(found, 0.5))} 8V36` }) : "",
    s("path", { class: "now", "data-stage": stage, d: "" }),
  );
}

function density([from, to, count]) {
  const width = place(to) - place(from);
  return width > 0 ? count / width : 0;
}

function axis() {
  const marks = AXIS_MS.map((ms) => s("text", { class: KEYS_MS.includes(ms) ? "key" : "opt", x: `${(place(ms) * 100).toFixed(2)}%`, y: 14, "text-anchor": ms === 100 ? "end" : "middle" }, ms === 100 ? "100 ms" : String(ms)));
  return h("tr", { class: "ax", "aria-hidden": "true" }, h("td", null), h("td", null, s("svg", null, ...marks)));
}
