/** How long messages took to each point of their way, read from the hub's own histograms and drawn as a staircase. */

import { h, s, say } from "hub/elements";
import { BUDGET_MS, STAGES, place } from "hub/store";

const POINTS = { stored: "stored", published: "published", received: "fanned_out", handled: "ui_handled", rendered: "rendered", painted: "painted" };

/** Values of the exposition's text: `{name: [[labels, value], …]}` for the metrics that are wanted. */
export function metricsIn(text, names) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (const line of text.split("\n")) {
    const parts = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!parts || !found[parts[1]]) continue;
    const labels = Object.fromEntries([...(parts[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
    found[parts[1]].push([labels, Number(parts[3])]);
  }
  return found;
}

/** The table of stages, or null while nothing was measured. */
export function stagesTable(text) {
  const { hub_message_latency_seconds_bucket: buckets } = metricsIn(text, ["hub_message_latency_seconds_bucket"]);
  const rows = STAGES.map((stage, at) => [stage, histogram(buckets, POINTS[stage]), BUDGET_MS[at]]).filter(([, { count }]) => count);
  if (!rows.length) return null;
  const head = [say.median, "95%", "99%", say.budget].map((name, at) => h("th", { scope: "col", class: at === 1 || at === 2 ? "v opt" : "v" }, name));
  return h(
    "table",
    { class: "stages" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span", { class: "sr" }, say.hop)), h("th", { scope: "col" }, h("span", { class: "sr" }, say.share)), ...head)),
    h("tbody", null, ...rows.map(stageRow)),
  );
}

/** `{count, bins: [[fromMs, toMs, count], …]}` of one point. */
function histogram(buckets, point) {
  const own = buckets.filter(([labels]) => labels.point === point).map(([{ le }, value]) => [le === "+Inf" ? Infinity : Number(le) * 1000, value]);
  own.sort(([a], [b]) => a - b);
  const bins = own.map(([to, value], at) => [at ? own[at - 1][0] : 0, to, value - (at ? own[at - 1][1] : 0)]);
  return { count: own.at(-1)?.[1] ?? 0, bins };
}

/** Below which time this share lies, within a bin as if it were even. */
function quantile({ count, bins }, share) {
  let left = count * share;
  for (const [from, to, inside] of bins) {
    if (inside && left <= inside) return to === Infinity ? from : from + ((to - from) * left) / inside;
    left -= inside;
  }
  return bins.at(-1)?.[0] ?? 0;
}

function stageRow([stage, found, budget]) {
  const [middle, high, highest] = [0.5, 0.95, 0.99].map((share) => quantile(found, share));
  const late = (value) => (value > budget ? " late" : "");
  return h(
    "tr",
    null,
    h("th", { scope: "row" }, say.stages[stage]),
    h("td", null, drawing(found, budget, middle)),
    h("td", { class: `v${late(middle)}` }, say.ms(middle)),
    h("td", { class: `v opt${late(high)}` }, say.ms(high)),
    h("td", { class: `v opt${late(highest)}` }, say.ms(highest)),
    h("td", { class: "v" }, String(budget)),
  );
}

function drawing({ bins }, budget, middle) {
  const x = (ms) => Math.round(place(ms) * 1000);
  const most = Math.max(...bins.map(([from, to, count]) => density(from, to, count)));
  const path = bins.map(([from, to, count]) => {
    const height = Math.round(32 * Math.sqrt(density(from, to, count) / most));
    return height ? `M${x(from)} 36V${36 - height}H${x(Math.min(to, 1e6))}V36` : "";
  });
  return s(
    "svg",
    { viewBox: "0 0 1000 36", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "out", d: `M${x(budget)} 0H1000V36H${x(budget)}z` }),
    s("path", { class: "z", d: "M0 35.5H1000" }),
    s("path", { class: "past", d: path.join("") }),
    s("path", { class: "lim", d: `M${x(budget)} 0V36` }),
    s("path", { class: "med", d: `M${x(middle)} 4V36` }),
  );
}

function density(from, to, count) {
  const width = place(to) - place(from);
  return width > 0 ? count / width : count;
}
