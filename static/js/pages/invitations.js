/** Invitations: one-time links, shown once, listed while they are open, taken back. */

import { h } from "hub/elements";
import { store } from "hub/store";
import { deed, hint, moment, section, table } from "./build.js";
import { text } from "./text.js";

export function invitationsPage({ invitations }) {
  const list = invitations.length ? table(text.openLinks, [text.purpose, text.whose, text.expires, ["", "r"]], invitations.map(openRow)) : h("p", { class: "hubsays" }, text.noLinks);
  return [
    h("h1", { class: "lede", tabindex: "-1" }, text.invitationsLede(invitations.length)),
    section(text.invite, hint(text.inviteHint), deed(text.makeLink, "invite", {})),
    section(text.openLinks, list),
  ];
}

function openRow({ id, purpose, agentId, expiresAt }) {
  return h("tr", null, h("td", null, text.purposes[purpose]), h("td", null, agentId ? h("bdi", null, store.nameOf(agentId)) : ""), h("td", null, moment(expiresAt, text.until)), h("td", { class: "r" }, deed(text.withdraw, "withdraw", { id }, text.withdrawSure)));
}
