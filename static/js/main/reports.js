/** Tells the hub how long messages took to this screen: counted by the hub's own edges, every ten seconds and on leaving. */

import { hopsOf, store } from "hub/store";

const EVERY_MS = 10_000;
const POINT_EDGES_MS = [2, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 250, 500, 1000, 2500];
const STAGE_EDGES_MS = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 100, 250, 1000];
const POINTS = { ui_handled: "handled", rendered: "rendered", painted: "painted" };
const STAGES = { handle: ["received", "handled"], render: ["handled", "rendered"], paint: ["rendered", "painted"] };

/** `{counts, sum}` of durations in ms: one bucket an edge and one beyond; the sum in seconds. */
function counted(values, edges) {
  const counts = new Array(edges.length + 1).fill(0);
  for (const value of values) {
    const at = edges.findIndex((edge) => value <= edge);
    counts[at < 0 ? edges.length : at] += 1;
  }
  return { counts, sum: values.reduce((sum, value) => sum + value, 0) / 1000 };
}

function tellTimes() {
  const rows = store.pulse.unreported();
  if (!rows.length) return;
  const hops = rows.map((row) => hopsOf(row, store.clock)).filter(Boolean);
  const points = {};
  for (const [name, stage] of Object.entries(POINTS)) points[name] = counted(hops.map((one) => one[stage]).filter(Number.isFinite), POINT_EDGES_MS);
  const stages = {};
  for (const [name, [from, to]] of Object.entries(STAGES)) {
    stages[name] = counted(rows.map(({ seen }) => seen[to] - seen[from]).filter((ms) => ms >= 0), STAGE_EDGES_MS);
  }
  const report = { points, stages, clockErrorMs: Number.isFinite(store.clock.error) ? store.clock.error : undefined };
  navigator.sendBeacon("/api/latency", new Blob([JSON.stringify(report)], { type: "application/json" }));
}

export function report() {
  setInterval(tellTimes, EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden && tellTimes());
  addEventListener("pagehide", tellTimes);
}
