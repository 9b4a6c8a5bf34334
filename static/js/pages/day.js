/** The last 24 hours of paintings: their median as a line, up to 95 of 100 as a band, against the budget and the limit. */

import { h, s } from "hub/elements";
import { BUDGET_MS, LIMIT_MS } from "hub/store";
import { DAY_MS, text } from "./text.js";

const SLICE_MS = 600_000;
const WIDTH = 1440; // a unit a minute
const HEIGHT = 90;
const BUDGET = BUDGET_MS.at(-1);

/** The chart with a word on it for those who do not see it, or a word alone while nothing was painted. */
export function dayChart(painted) {
  if (!painted.length) return h("p", { class: "hubsays" }, text.nothingPainted);
  const from = Date.now() - DAY_MS;
  const shown = painted.map(({ at, medianMs, lateMs }) => ({ left: x(at, from), right: x(at + SLICE_MS, from), median: y(medianMs), late: y(lateMs), isLate: medianMs > BUDGET }));
  const drawing = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": text.dayLabel(painted) },
    s("path", { class: "band", d: shown.map(({ left, right, median, late }) => `M${left} ${median}V${late}H${right}V${median}z`).join("") }),
    s("path", { class: "lim", d: `M0 .5H${WIDTH}` }),
    s("path", { class: "z", d: `M0 ${y(BUDGET)}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }),
    s("path", { class: "line", d: medians(shown, false) }),
    s("path", { class: "line late", d: medians(shown, true) }),
  );
  const keys = [text.clock(from), text.clock(from + DAY_MS / 2), text.now].map((word) => h("span", null, word));
  return h("div", { class: "day" }, h("div", { class: "plot" }, drawing, h("span", { "aria-hidden": "true" }, `${LIMIT_MS} ms`), h("span", { class: "half", "aria-hidden": "true" }, String(BUDGET))), h("p", { "aria-hidden": "true" }, ...keys));
}

/** The medians of slices that are late, or of those that are not; neighbours are one line. */
function medians(shown, isLate) {
  const drawn = shown.map((slice, at) => {
    if (slice.isLate !== isLate) return "";
    const joins = shown[at - 1]?.isLate === isLate && shown[at - 1].right >= slice.left;
    return `${joins ? "V" + slice.median : `M${slice.left} ${slice.median}`}H${slice.right}`;
  });
  return drawn.join("");
}

function x(at, from) {
  return Math.min(WIDTH, Math.max(0, Math.round(((at - from) / DAY_MS) * WIDTH)));
}

function y(ms) {
  return Math.round(HEIGHT * (1 - Math.min(ms, LIMIT_MS) / LIMIT_MS));
}
