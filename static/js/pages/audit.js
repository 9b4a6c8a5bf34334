/** The audit log, page by page, and the settings in force: what admins read and nobody changes here. */

import { ask, h } from "hub/elements";
import { store } from "hub/store";
import { hint, moment, section, table } from "./build.js";
import { text } from "./text.js";

export function auditPage({ entries, hasMore }) {
  const more = h("button", { class: "btn", type: "button", "data-k": "older" }, text.older);
  more.addEventListener("click", () => ask(more, "entriesOlder"));
  const list = entries.length ? table(text.pages.audit, [text.when, text.who, text.what, [text.details, "opt"]], entries.map(entryRow)) : h("p", { class: "hubsays" }, text.noEntries);
  return [h("h1", { class: "lede", tabindex: "-1" }, text.auditLede), h("section", null, h("h2", null, text.pages.audit), hint(text.auditHint), list, hasMore ? h("p", null, more) : null)];
}

function entryRow({ timestamp, agentId, action, target, details = {} }) {
  const { name, ...rest } = details;
  const about = action.startsWith("channel.") || action.startsWith("member.") ? (name ?? target) : target && store.nameOf(target);
  const kept = action.startsWith("channel.") || action.startsWith("member.") ? rest : details;
  const facts = Object.entries(kept).filter(([, value]) => value).map(([key, value]) => `${key} ${value}`).join(", ");
  return h(
    "tr",
    null,
    h("td", null, moment(timestamp)),
    h("td", null, h("bdi", { class: "id" }, store.nameOf(agentId))),
    h("td", null, text.actions[action] ?? action, about ? [" ", h("bdi", null, about)] : null),
    h("td", { class: "opt wraps", dir: "auto" }, facts),
  );
}

export function settingsPage({ settings }) {
  const sections = Object.entries(settings).map(([name, values]) => {
    const rows = typeof values === "object" ? Object.entries(values) : [[name, values]];
    return section(text.sections[name] ?? name, h("dl", { class: "parts" }, ...rows.map(([key, value]) => h("div", null, h("dt", { class: "num" }, key), h("dd", { class: "num" }, valueWords(value))))));
  });
  return [h("h1", { class: "lede", tabindex: "-1" }, text.settingsLede), h("p", { class: "sub" }, text.settingsHint), h("div", { class: "two" }, ...sections)];
}

function valueWords(value) {
  const words = Array.isArray(value) ? value.join(", ") : String(value);
  return words || text.nothingSet;
}
