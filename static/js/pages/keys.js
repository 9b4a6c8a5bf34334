/** Tokens: whose, what they may, when they were used and when they run out; a new one beside an old one, and its end. */

import { h } from "hub/elements";
import { store } from "hub/store";
import { deed, form, hint, moment, section, table } from "./build.js";
import { text } from "./text.js";

export function tokensPage({ agents, tokens }) {
  const programs = agents.filter(({ id, kind }) => (store.me.admin ? kind !== "human" || id === store.me.id : id === store.me.id));
  const scopes = Object.entries(text.scopes).filter(([scope]) => scope !== "admin" || store.me.admin);
  const fields = [
    ["agentId", text.whose, programs.map(({ id }) => [id, id])],
    ["name", text.purpose],
    ["days", text.expires, text.expiries],
    ["scopes", text.scopesTitle, null, { choices: scopes, chosen: ["read", "write"] }],
  ];
  const heads = [text.whose, text.purpose, text.scopesTitle, [text.made, "opt"], text.lastUse, [text.expires, "opt"], ["", "r"]];
  return [
    h("h1", { class: "lede", tabindex: "-1" }, text.tokensLede(tokens.length)),
    section(text.tokens, hint(text.rotateHint), tokens.length ? table(text.tokens, heads, tokens.map(tokenRow)) : h("p", { class: "hubsays" }, text.noTokens)),
    section(text.newToken, form("tokenMake", fields, text.makeToken)),
  ];
}

function tokenRow({ id, agentId, name, scopes, createdAt, expiresAt, lastUsedAt }) {
  const beside = { agentId, name: name ?? "", scopes, expiresAt: expiresAt > Date.now() ? expiresAt : undefined };
  return h(
    "tr",
    null,
    h("td", null, h("bdi", { class: "id" }, agentId)),
    h("td", { dir: "auto" }, name ?? ""),
    h("td", null, text.may(scopes)),
    h("td", { class: "opt" }, moment(createdAt, text.date)),
    h("td", null, moment(lastUsedAt)),
    h("td", { class: "opt" }, moment(expiresAt, text.until)),
    h("td", { class: "r" }, deed(text.rotate, "tokenBeside", beside), deed(text.revoke, "tokenDrop", { id }, text.revokeSure)),
  );
}
