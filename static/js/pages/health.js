/** The health page: how the hub does in one sentence, a message's way against its budget, its day, promises, parts, alerts. */

import { h, icon, s, say } from "hub/elements";
import { moment, section, table } from "./build.js";
import { dayChart } from "./day.js";
import { stagesTable } from "./stages.js";
import { text } from "./text.js";

const LOW = 0.33; // of a promise's budget

export function healthPage({ health }) {
  const { parts, objectives, startedAt, logSeq, version } = health;
  const unwell = Object.values(parts).some((word) => word !== "ok") || objectives.some(({ burning }) => burning);
  const found = ["painted", "fanned_out"].map((name) => objectives.find((one) => one.name === name)?.sentence).find(Boolean);
  return [
    h("h1", { class: "lede", tabindex: "-1" }, unwell ? text.notWell : found ? text.sentence(found) : text.allWell),
    h("p", { class: "sub" }, unwell && found ? `${text.sentence(found)} ` : "", text.sinceStart(logSeq, startedAt, version)),
    section(text.stagesTitle, ...stagesTable(health)),
    section(text.dayTitle, dayChart(health.painted)),
    section(text.promises, table(text.promises, [text.promise, [text.kept, "r"], [text.atLeast, "r opt"], [text.roomLeft, "r"]], objectives.map(promiseRow))),
    h("div", { class: "two" }, section(text.partsTitle, h("dl", { class: "parts" }, ...partRows(health))), section(text.boxTitle, h("dl", { class: "parts" }, ...boxRows(health)))),
    section(text.alerts, alertsTable(health)),
  ];
}

function promiseRow({ name, share, goal, budgetLeft, burning }) {
  const kept = share === undefined ? h("span", { class: "hubsays" }, text.notCounted) : text.percent(share);
  const left = budgetLeft === undefined ? "" : budgetLeft <= 0 ? h("b", { class: "bad" }, text.overdrawn) : [meter(budgetLeft), text.percent(Math.min(1, budgetLeft))];
  return h("tr", null, h("td", null, text.objectives[name] ?? name, burning ? h("span", { class: "bad" }, ` ${text.burning}`) : null), h("td", { class: "r" }, kept), h("td", { class: "r opt" }, text.percent(goal)), h("td", { class: "r" }, left));
}

function meter(part) {
  return s("svg", { class: part < LOW ? "left low" : "left", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: 100, height: 8 }), s("rect", { width: Math.round(100 * Math.min(1, part)), height: 8 }));
}

function line(name, value, good) {
  return h("div", null, h("dt", null, name), h("dd", null, value, good === undefined ? null : h("span", { class: good ? "ok" : "bad" }, icon(good ? "check" : "warn"))));
}

function partRows({ parts, probeMs, diskFreeBytes }) {
  const well = { canary: probeMs === undefined ? text.isWell : text.canaryTook(probeMs), disk: text.free(diskFreeBytes) };
  return Object.entries(parts).map(([name, word]) => line(text.parts[name] ?? name, word === "ok" ? (well[name] ?? text.isWell) : word, word === "ok"));
}

function boxRows({ streams, logSeq, residentBytes }) {
  return [line(text.streams, say.number(streams)), line(text.inLog, say.number(logSeq)), line(text.memory, text.mebibytes(residentBytes))];
}

function alertsTable({ alerts, startedAt }) {
  if (!alerts.length) return h("p", { class: "hubsays" }, text.noAlerts(startedAt));
  const rows = alerts.map(({ timestamp, severity, message }) => h("tr", null, h("td", null, moment(timestamp)), h("td", { class: severity === "info" ? null : "bad" }, text.severity[severity]), h("td", { dir: "auto" }, message)));
  return table(text.alerts, [text.when, text.what, [text.details]], rows);
}
