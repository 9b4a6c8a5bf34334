/** Channels and their members. */

import { ask, h, icon, say } from "hub/elements";
import { store } from "hub/store";
import { deed, form, hint, section, table } from "./build.js";
import { text } from "./text.js";

export function channelsPage({ channels, chosen, members }) {
  return [
    h("h1", { class: "lede", tabindex: "-1" }, text.channelsLede(channels.length)),
    section(text.channels, table(text.channels, [text.name, [text.topic, "opt"], text.members, ["", "r"]], channels.map((channel) => channelRow(channel, chosen)))),
    chosen ? section(text.membersOf(store.channels.get(chosen)?.name ?? ""), membersTable(chosen, members), form("seat", [["agentId", text.agentName, null, { list: "accounts" }], ["role", text.role, Object.entries(text.roles)]], text.addMember, { channelId: chosen }), accounts()) : null,
    ...channels.filter(({ id }) => id === chosen).map(keeping),
  ];
}

/** How long a channel keeps its messages, and the choice. */
function keeping({ id, name, retentionDays, retentionFrom }) {
  const kept = String(retentionDays ?? "");
  const spans = text.spans.some(([value]) => value === kept) ? text.spans : [...text.spans, [kept, text.days(kept)]];
  const choice = ["days", text.keptFor, spans.map(([value, words]) => [value, words, value === kept])];
  const other = ["other", text.keptOther, null, { type: "number", min: "1", max: "3650", required: false }];
  return section(text.keptBy(name), h("p", null, text.keptNow(retentionDays, retentionFrom)), hint(text.keptHint), form("keep", [choice, other], text.change, { channelId: id }));
}

function accounts() {
  return h("datalist", { id: "accounts" }, ...[...store.agents.keys()].map((id) => h("option", { value: id })));
}

function channelRow(channel, chosen) {
  const { id, name, topic, memberCount, archivedAt, isPrivate, role } = channel;
  const show = h("button", { class: "btn", type: "button", "aria-pressed": String(id === chosen), "data-k": `members ${id}` }, text.members);
  show.addEventListener("click", () => ask(show, "membersOf", { channelId: id }));
  const may = role === "owner" || store.me.admin;
  return h(
    "tr",
    null,
    h("td", null, h("bdi", null, name), isPrivate ? [icon("lock"), h("span", { class: "sr" }, say.privateChannel)] : null),
    h("td", { class: "opt", dir: "auto" }, topic ?? ""),
    h("td", { class: "num" }, String(memberCount ?? "")),
    h("td", { class: "r" }, show, archivedAt ? h("span", { class: "hubsays" }, text.isArchived) : may ? deed(text.archive, "archive", { channelId: id }, text.archiveSure) : null),
  );
}

function membersTable(channelId, members) {
  return table(text.members, [text.name, text.role, ["", "r"]], members.map(({ agentId, role }) => {
    const options = Object.entries(text.roles).map(([value, words]) => h("option", { value, selected: value === role }, words));
    const choice = h("select", { "aria-label": text.roleOf(agentId), "data-k": `role ${agentId}` }, ...options);
    const problem = h("span", { class: "wait no", role: "alert" });
    choice.addEventListener("change", () => ask(choice, "seat", { channelId, agentId, role: choice.value, told: (error) => (problem.textContent = say.sentence(error)) }));
    return h("tr", null, h("td", null, h("bdi", { class: "id" }, agentId)), h("td", null, choice, problem), h("td", { class: "r" }, deed(text.remove, "unseat", { channelId, agentId }, text.removeSure)));
  }));
}
