/** <hub-pages>: running the hub: how it is, its accounts and their tokens, its channels and their members. */

import { ask, copyButton, h, icon, mark, say } from "hub/elements";
import { store } from "hub/store";
import { metricsIn, stagesTable } from "./stages.js";

class HubPages extends HTMLElement {
  #off = null;
  #drawn = "";

  connectedCallback() {
    this.body = h("div", { class: "page" });
    this.tabs = h("nav", { class: "tabs", "aria-label": say.manage });
    const back = h("a", { class: "tool only-narrow", href: "#rail", "aria-label": say.allChannels }, icon("back"));
    this.pane = h("div", { class: "wide", hidden: true }, h("header", { class: "head" }, back, this.tabs), this.body);
    this.replaceChildren(this.pane);
    this.#off = store.on(["page"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
  }

  render() {
    const { page } = store;
    this.pane.hidden = !page;
    if (!page) return void (this.#drawn = "");
    if (this.body.contains(document.activeElement) && document.activeElement.value) return; // somebody is writing there
    this.tabs.replaceChildren(...Object.entries(say.pages).map(([name, label]) => h("a", { href: `#page/${name}`, "aria-current": name === page ? "page" : null }, label)));
    const shown = PAGES[page]?.(store.pages);
    this.body.replaceChildren(...(shown ?? [h("p", { class: "hubsays" }, store.me.admin ? say.loading : say.adminsOnly)]).filter(Boolean));
    if (this.#drawn !== page) document.title = `${say.pages[page] ?? ""} · ${say.hub}`;
    this.#drawn = page;
  }
}

const PAGES = {
  health: ({ ready, metrics }) => metrics && [
    h("h1", { class: "lede" }, ready?.ready ? say.allWell(store.seq) : say.notWell),
    section(say.stagesTitle, stagesTable(metrics) ?? h("p", { class: "hubsays" }, say.notMeasured)),
    section(say.partsTitle, h("dl", { class: "parts" }, ...partRows(ready), ...numberRows(metrics))),
  ],
  agents: ({ agents, tokens, secret }) => agents && [
    h("h1", { class: "lede" }, say.accounts(agents.length)),
    secret ? shownOnce(secret) : null,
    section(say.agentsAndPeople, table([say.name, say.kind, say.tokens, ""], agents.map((agent) => accountRow(agent, tokens)))),
    section(say.newAccount, accountForm()),
    section(say.tokens, tokens.length ? table([say.whose, say.purpose, say.made, ""], tokens.map(tokenRow)) : h("p", { class: "hubsays" }, say.noTokens)),
  ],
  channels: ({ channels, chosen, members }) => channels && [
    h("h1", { class: "lede" }, say.channelsLede(channels.length)),
    section(say.channels, table([say.name, say.topic, say.memberTitle, ""], channels.map((channel) => channelRow(channel, chosen)))),
    chosen ? section(say.membersOf(store.channels.get(chosen)?.name ?? ""), membersTable(chosen, members), seatForm(chosen)) : null,
  ],
};

function section(title, ...content) {
  return h("section", null, h("h2", null, title), ...content);
}

function table(heads, rows) {
  return h("div", { class: "scrolls" }, h("table", { class: "tbl" }, h("thead", null, h("tr", null, ...heads.map((name) => h("th", { scope: "col" }, name || h("span", { class: "sr" }, say.deeds))))), h("tbody", null, ...rows)));
}

/** A button that does something and says beside it why not, if so. With `sure` it asks once more. */
function deed(label, name, detail, sure = "") {
  const problem = h("span", { class: "wait no", role: "alert" });
  const button = h("button", { class: "btn", type: "button" }, label);
  let asked = !sure;
  button.addEventListener("blur", () => {
    if (!sure) return;
    asked = false;
    button.textContent = label;
  });
  button.addEventListener("click", () => {
    if (asked) return ask(button, name, { ...detail, told: (error) => (problem.textContent = say.sentence(error)) });
    asked = true;
    return (button.textContent = sure);
  });
  return h("span", { class: "deed" }, button, problem);
}

function form(name, fields, label, detail) {
  const problem = h("p", { class: "wait no", role: "alert" });
  const inputs = fields.map(([key, title, options]) => {
    const input = options ? h("select", { name: key, "aria-label": title }, ...options.map(([value, text]) => h("option", { value }, text))) : h("input", { name: key, "aria-label": title, placeholder: title, maxlength: "80", required: true, autocomplete: "off", spellcheck: "false" });
    return h("div", { class: "in" }, input);
  });
  const made = h("form", { class: "pair" }, ...inputs, h("button", { class: "btn" }, label), problem);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(made));
    document.activeElement.blur();
    ask(made, name, { ...detail, ...values, told: (error) => (problem.textContent = say.sentence(error)) });
  });
  return made;
}

// ---- health ------------------------------------------------------------------

function part(name, value, good) {
  return h("div", null, h("dt", null, name), h("dd", null, value, good === undefined ? null : h("span", { class: good ? "ok" : "bad" }, icon(good ? "check" : "warn"))));
}

function partRows(ready) {
  return Object.entries(ready?.parts ?? {}).map(([name, word]) => part(say.parts[name] ?? name, word === "ok" ? say.isWell : word, word === "ok"));
}

function numberRows(metrics) {
  const wanted = { hub_sse_connections: say.streams, hub_log_seq: say.inLog, process_resident_memory_bytes: say.memory };
  const found = metricsIn(metrics, Object.keys(wanted));
  return Object.entries(wanted).flatMap(([name, title]) => {
    const sum = found[name].reduce((total, [, value]) => total + value, 0);
    if (!found[name].length) return [];
    return [part(title, name.endsWith("bytes") ? `${Math.round(sum / 2 ** 20)} MiB` : say.number(sum))];
  });
}

// ---- accounts and tokens --------------------------------------------------------

function accountRow({ id, kind, admin }, tokens) {
  const shape = kind === "human" ? "person" : kind;
  const count = tokens.filter(({ agentId }) => agentId === id).length;
  const self = id === store.me.id;
  const deeds = self ? null : [kind === "human" ? null : deed(say.makeKey, "tokenMake", { agentId: id, name: say.madeHere }), deed(say.remove, "agentDrop", { id }, say.removeSure)];
  return h("tr", null, h("td", null, mark(shape), h("bdi", { class: shape === "person" ? null : "id" }, store.nameOf(id))), h("td", null, `${say.kinds[shape] ?? say.kinds.outside}${admin ? `, ${say.admin}` : ""}`), h("td", { class: "num" }, String(count)), h("td", { class: "r" }, deeds));
}

function accountForm() {
  return form("agentMake", [["id", say.agentName], ["kind", say.kind, [["agent", say.kinds.agent], ["bridge", say.aBridge]]]], say.makeIt, {});
}

function tokenRow({ id, agentId, name, createdAt }) {
  return h("tr", null, h("td", null, h("bdi", { class: "id" }, agentId)), h("td", { dir: "auto" }, name), h("td", null, say.date(createdAt)), h("td", { class: "r" }, deed(say.revoke, "tokenDrop", { id }, say.revokeSure)));
}

function shownOnce({ agentId, token }) {
  return h("section", { class: "card once" }, h("h4", null, say.keyOnce(agentId)), h("pre", { class: "cmd", tabindex: "0", "aria-label": say.keyOnce(agentId) }, token), h("p", { class: "facts" }, copyButton(() => token)));
}

// ---- channels and members ---------------------------------------------------------

function channelRow(channel, chosen) {
  const { id, name, topic, memberCount, archivedAt, isPrivate, role } = channel;
  const show = h("button", { class: "btn", type: "button", "aria-pressed": String(id === chosen) }, say.memberTitle);
  show.addEventListener("click", () => ask(show, "membersOf", { channelId: id }));
  const may = role === "owner" || store.me.admin;
  return h("tr", null, h("td", null, h("bdi", null, name), isPrivate ? icon("lock") : null), h("td", { dir: "auto" }, topic ?? ""), h("td", { class: "num" }, String(memberCount ?? "")), h("td", { class: "r" }, show, archivedAt ? h("span", { class: "hubsays" }, say.isArchived) : may ? deed(say.archive, "archive", { channelId: id }, say.archiveSure) : null));
}

function membersTable(channelId, members) {
  return table([say.name, say.role, ""], members.map(({ agentId, role }) => {
    const choice = h("select", { "aria-label": say.roleOf(agentId) }, ...Object.entries(say.roles).map(([value, text]) => h("option", { value, selected: value === role }, text)));
    const problem = h("span", { class: "wait no", role: "alert" });
    choice.addEventListener("change", () => ask(choice, "seat", { channelId, agentId, role: choice.value, told: (error) => (problem.textContent = say.sentence(error)) }));
    return h("tr", null, h("td", null, h("bdi", { class: "id" }, agentId)), h("td", null, choice, problem), h("td", { class: "r" }, deed(say.remove, "unseat", { channelId, agentId }, say.removeSure)));
  }));
}

function seatForm(channelId) {
  return form("seat", [["agentId", say.agentName], ["role", say.role, Object.entries(say.roles)]], say.addMember, { channelId });
}

customElements.define("hub-pages", HubPages);
