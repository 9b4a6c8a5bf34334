/** Agents and people: who there is, and what an admin does about it. */

import { h, mark, say } from "hub/elements";
import { store } from "hub/store";
import { deed, form, hint, moment, section, table } from "./build.js";
import { text } from "./text.js";

export function accountsPage({ agents, tokens }) {
  const heads = [text.name, text.kind, [text.tokens, "num opt"], [text.made, "opt"], ["", "r"]];
  return [
    h("h1", { class: "lede", tabindex: "-1" }, text.accounts(agents.length)),
    section(text.agentsAndPeople, table(text.agentsAndPeople, heads, agents.map((agent) => accountRow(agent, tokens)))),
    section(text.newAccount, hint(text.newAccountHint), form("agentMake", [["id", text.agentName], ["kind", text.kind, [["agent", say.kinds.agent], ["bridge", text.aBridge]]]], text.makeIt)),
  ];
}

function accountRow({ id, kind, admin, createdAt }, tokens) {
  const shape = kind === "human" ? "person" : kind;
  const count = tokens.filter(({ agentId }) => agentId === id).length;
  return h(
    "tr",
    null,
    h("td", null, mark(shape), h("bdi", { class: shape === "person" ? null : "id" }, store.nameOf(id))),
    h("td", null, `${say.kinds[shape] ?? say.kinds.outside}${admin ? `, ${text.admin}` : ""}`),
    h("td", { class: "num opt" }, String(count)),
    h("td", { class: "opt" }, moment(createdAt, text.date)),
    h("td", { class: "r" }, id === store.me.id ? say.you : deeds(id, kind, admin)),
  );
}

function deeds(id, kind, admin) {
  const own = kind === "human" ? [deed(text.passwordLink, "passwordLink", { id }), deed(admin ? text.dropAdmin : text.makeAdmin, "agentPower", { id, admin: !admin })] : [deed(text.makeToken, "tokenMake", { agentId: id, name: text.madeHere })];
  return [...own, deed(text.remove, "agentDrop", { id }, text.removeSure)];
}
