/** The instrument's drawings: the scale of the strip, its lines, and the trace beside a message. */

import { BUDGET_MS, LIMIT_MS, STAGES, place } from "hub/store";
import { h, s } from "./dom.js";
import { say } from "./say.js";

const TRACE_W = 96;
const BINS = 200;

const percent = (ms) => `${(place(ms) * 100).toFixed(2)}%`;

function tick(ms, from, to, className) {
  return s("line", { class: className, x1: percent(ms), x2: percent(ms), y1: from, y2: to });
}

function gate(stage, at) {
  const ms = BUDGET_MS[at];
  return [
    tick(ms, stage === "painted" ? 4 : 25, 31),
    s("text", { class: "d", x: percent(ms), y: 40, "text-anchor": "middle" }, String(ms)),
    s("text", { class: "n", x: percent(ms), y: 40, "text-anchor": "end" }, say.stages[stage]),
  ];
}

/** The ruler: ticks for the first 95 ms, the six gates, the limit. */
export function ruler() {
  const fine = [];
  for (let ms = 1; ms < LIMIT_MS; ms += ms < 50 ? 1 : 5) {
    if (!BUDGET_MS.includes(ms)) fine.push(ms);
  }
  return s(
    "svg",
    { class: "scale", "aria-hidden": "true" },
    s("line", { class: "base", x1: 0, x2: "100%", y1: 25.5, y2: 25.5 }),
    ...fine.map((ms) => tick(ms, 25, 28, "base")),
    ...STAGES.flatMap(gate),
    tick(LIMIT_MS, 4, 31),
    s("text", { class: "d keep", x: "100%", y: 40, "text-anchor": "end" }, `${LIMIT_MS} ms`),
  );
}

/** The lines of the last minute in a box of 1000 by 44: one per bin, higher where more messages fell. */
export function hills(recent) {
  const bins = new Array(BINS + 1).fill(0);
  for (const hops of recent) {
    for (const ms of Object.values(hops)) bins[Math.round(place(ms) * BINS)] += 1;
  }
  const most = Math.max(9, ...bins);
  const height = (count) => Math.round(20 * Math.sqrt(count / most)); // one alone still shows beside many
  return bins.map((count, bin) => (count ? `M${bin * 5} 25v-${height(count)}` : "")).join("");
}

/** One message's lines on the strip: painted stands highest. */
export function stand(hops) {
  return Object.entries(hops).map(([stage, ms]) => `M${Math.round(place(ms) * 1000)} 25v-${stage === "painted" ? 22 : 9}`).join("");
}

/** How a duration is judged: "", "late" past the budget, "over" past the limit. */
export function verdict(ms) {
  return ms > LIMIT_MS ? "over" : ms > BUDGET_MS.at(-1) ? "late" : "";
}

/** The trace beside a message: one line for each stage that was measured. */
export function trace(hops) {
  const x = (ms) => Math.min(TRACE_W - 1, Math.round(place(ms) * TRACE_W) + 0.5);
  const before = Object.entries(hops).filter(([stage]) => stage !== "painted");
  return h(
    "button",
    { class: `trace ${verdict(hops.painted)}`.trim(), type: "button", "aria-label": say.hops(hops) },
    s(
      "svg",
      { viewBox: `0 0 ${TRACE_W} 24`, preserveAspectRatio: "none", "aria-hidden": "true" },
      s("path", { class: "h", d: before.map(([, ms]) => `M${x(ms)} 8v8`).join("") }),
      s("path", { class: "p", d: `M${x(hops.painted)} 5v14` }),
    ),
  );
}

/**
 * The card of a message's way: each stage that this screen measured, or the hub (`hub`, undefined while it is asked), beside
 * its gate, and where the message lies in the log.
 */
export function hopsCard(own, hub, seq) {
  const hops = wayOf(own ?? {}, hub ?? {});
  const words = own ? say.afterMs(own.painted) : hops.received ? say.withReaders(hops.received) : hub ? say.notRemembered : say.asking;
  return h(
    "div",
    { class: "hops open", role: "tooltip", tabindex: "-1" },
    h("p", null, words),
    h("table", null, ...Object.entries(hops).map(([stage, ms]) => hopLine(stage, ms))),
    seq ? h("footer", null, h("span", null, say.onDisk(seq))) : null,
  );
}

/** `{stage: ms}`: what happens in the hub it knows best, the rest this screen. */
function wayOf(own, { stored, published, fanned_out }) {
  const way = { ...own, stored: stored ?? own.stored, published: published ?? own.published, received: own.received ?? fanned_out };
  return Object.fromEntries(STAGES.filter((stage) => way[stage] !== undefined).map((stage) => [stage, way[stage]]));
}

function hopLine(stage, ms) {
  const x = (value) => (Math.round(place(value) * 95) + 0.5).toString();
  const late = verdict(ms) && stage === "painted";
  return h(
    "tr",
    { class: late ? "late" : null },
    h("th", { scope: "row" }, say.stages[stage]),
    h(
      "td",
      null,
      s(
        "svg",
        { viewBox: "0 0 96 18", "aria-hidden": "true" },
        s("path", { class: "z", d: "M0 9.5H96" }),
        s("path", { class: "g", d: `M${x(BUDGET_MS[STAGES.indexOf(stage)])} 5v9` }),
        s("path", { d: `M${x(ms)} 3v13`, "stroke-width": 2 }),
      ),
    ),
    h("td", null, say.ms(ms)),
  );
}
