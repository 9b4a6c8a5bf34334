/** <hub-rail>: channels with what is unread, people and agents, and the person at this page. */

import { NEEDS, store } from "hub/store";
import { ask, h, icon, mark, unseen } from "../parts/dom.js";
import { say } from "../parts/say.js";

const REST_MS = 250;
const FILLS = { online: "on", away: "away", dnd: "dnd", offline: "off" };

class HubRail extends HTMLElement {
  #offs = [];

  connectedCallback() {
    this.jump = h("button", { class: "jump", type: "button" }, icon("search"), h("span", null, say.jumpShort), h("kbd", null, say.jumpKey));
    this.jump.addEventListener("click", () => ask(this.jump, "jump"));
    this.needs = h("ul", { class: "needs" });
    this.channels = h("ul");
    this.joinable = h("div");
    this.accounts = h("div");
    this.foot = h("div", { class: "me" });
    this.replaceChildren(
      this.jump,
      h("nav", { "aria-label": say.channelsAndPeople }, this.needs, ...this.#heading(), this.channels, this.joinable, this.accounts),
      this.foot,
    );
    this.#offs = [
      store.on(["channels", "open", "me", "page"], calmly(() => this.#drawChannels())),
      store.on(["agents", "me", "open", "page"], calmly(() => this.#drawAccounts())),
      store.on(["asked", "me", "open"], () => this.#drawNeeds()),
      store.on(["me", "agents"], () => keepingFocus(this, () => this.#drawMe())),
    ];
    this.#drawChannels();
    this.#drawNeeds();
    this.#drawAccounts();
    this.#drawMe();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
  }

  #drawChannels() {
    if (!store.me) return;
    keepingFocus(this, () => {
      this.channels.replaceChildren(...store.mine.flatMap((channel) => [channelItem(channel), ...threadItems(channel)]));
      const others = store.joinable;
      this.joinable.replaceChildren(...(others.length ? [h("h2", null, say.others), list(others.map(channelItem))] : []));
    });
  }

  #drawNeeds() {
    const { length } = store.me ? store.asked : [];
    const open = store.openId === NEEDS;
    const link = length || open ? h("li", null, h("a", { href: `#${NEEDS}`, "aria-current": open ? "page" : null }, h("span", { class: "nm new" }, say.needsYou), length ? h("span", { class: "ct call" }, String(length)) : null)) : null;
    this.needs.replaceChildren(...(link ? [link] : []));
  }

  #drawAccounts() {
    keepingFocus(this, () => this.#drawAll());
  }

  #drawAll() {
    const accounts = [...store.agents.values()].sort((a, b) => nameOfAccount(a).localeCompare(nameOfAccount(b)));
    const people = accounts.filter(({ kind }) => kind === "human");
    const agents = accounts.filter(({ kind }) => kind !== "human");
    const here = agents.filter(({ id }) => (store.presence.get(id)?.status ?? "offline") !== "offline").length;
    const count = h("span", { class: "num" }, here ? say.hereOf(here, agents.length) : String(agents.length));
    this.accounts.replaceChildren(
      ...(people.length ? [h("h2", null, say.people), list(people.map(accountItem))] : []),
      ...(agents.length ? [h("h2", null, say.agents, count), list(agents.map(accountItem))] : []),
    );
  }

  #heading() {
    const plus = h("button", { class: "tool", type: "button", "aria-label": say.newChannel, "aria-expanded": "false" }, icon("plus"));
    const { form, input, problem } = namingForm();
    const show = (open) => {
      form.hidden = !open;
      form.reset();
      problem.textContent = "";
      plus.setAttribute("aria-expanded", String(open));
      (open ? input : plus).focus();
    };
    plus.addEventListener("click", () => show(form.hidden));
    form.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const done = (error) => (error ? (problem.textContent = say.sentence(error)) : show(false));
      ask(form, "channel", { name: input.value.trim(), done });
    });
    return [h("h2", null, say.channels, plus), form];
  }

  #drawMe() {
    if (!store.me) return;
    const theme = h("button", { class: "tool", type: "button", "aria-label": say.theme, title: say.theme }, icon("tone"));
    theme.addEventListener("click", () => ask(theme, "theme"));
    const leave = h("button", { class: "tool", type: "button", "aria-label": say.signOut, title: say.signOut }, icon("leave"));
    leave.addEventListener("click", () => ask(leave, "signout"));
    const [page, what] = store.me.admin ? ["health", say.manage] : ["you", say.ownPage];
    const manage = h("a", { class: "tool", href: `#page/${page}`, "aria-label": what, title: what }, icon("tune"));
    const own = mark("person", FILLS[store.presence.get(store.me.id)?.status] ?? "unknown");
    this.foot.replaceChildren(...[h("span", null, own, h("bdi", null, nameOfAccount(store.me))), manage, theme, leave]);
  }
}

/** At once, but at most four times a second, the last time included. */
function calmly(draw) {
  let drawnAt = -REST_MS;
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    const now = performance.now();
    waiting = setTimeout(() => {
      drawnAt = performance.now();
      draw();
    }, Math.max(0, drawnAt + REST_MS - now));
  };
}

const list = (items) => h("ul", null, ...items);

function nameOfAccount(account) {
  return account.kind === "human" ? account.displayName || account.id : account.id;
}

function namingForm() {
  const input = h("input", { "aria-label": say.channelName, placeholder: say.channelName, maxlength: "80", required: true, autocomplete: "off" });
  const problem = h("p", { class: "wait no", role: "alert" });
  const form = h("form", { class: "naming", hidden: true }, h("div", { class: "in" }, input), h("button", { class: "btn" }, say.makeChannel), problem);
  return { form, input, problem };
}

/** Draws anew and gives the focus back to the same channel's link. */
function keepingFocus(root, draw) {
  const href = root.contains(document.activeElement) && document.activeElement.getAttribute("href");
  draw();
  if (href && !root.contains(document.activeElement)) root.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
}

function channelItem(channel) {
  const { unread, mentions } = store.unread(channel.id);
  return h(
    "li",
    null,
    h(
      "a",
      { href: `#${channel.id}`, "aria-current": channel.id === store.openId && !store.page ? "page" : null },
      h("span", { class: unread ? "nm new" : "nm", dir: "auto" }, channel.name),
      channel.isPrivate ? [icon("lock"), unseen(`, ${say.privateChannel}`)] : null,
      unread ? counter(unread, mentions) : null,
    ),
  );
}

/** Threads that this person follows and that have new replies, below their channel. */
function threadItems({ id }) {
  const threads = Object.values(store.replies).filter(({ channelId }) => channelId === id);
  return threads.map(({ parentMessageId, unread }) => h("li", null, h("a", { class: "twig", href: `#${id}/${parentMessageId}/thread` }, h("span", { class: "nm new" }, say.newReplies(unread)))));
}

function counter(unread, mentions) {
  return h(
    "span",
    { class: mentions ? "ct call" : "ct" },
    h("span", { "aria-hidden": "true" }, mentions ? `@${say.count(mentions)}` : say.count(unread)),
    unseen(`, ${mentions ? say.mentions(mentions) : say.unread(unread)}`),
  );
}

function accountItem(agent) {
  const presence = store.presence.get(agent.id);
  const kind = agent.kind === "human" ? "person" : agent.kind;
  const waits = store.made?.agentId === agent.id && !store.made.heard;
  const { unread, mentions } = store.unread(`@${agent.id}`);
  const aside = agent.id === store.me?.id ? say.you : waits ? say.notHeard : presence?.customStatus;
  const self = agent.id === store.me?.id;
  const open = store.openId === `@${agent.id}` && !store.page;
  const inside = [
    mark(kind, FILLS[presence?.status] ?? "unknown"),
    h("span", { class: `nm${kind === "person" ? "" : " bot"}${unread ? " new" : ""}`, dir: "auto", title: agent.displayName || null }, nameOfAccount(agent)),
    unseen(`, ${say.kinds[kind] ?? say.kinds.outside}${presence ? `, ${say.presence[presence.status]}` : ""}`),
    unread ? counter(unread, mentions) : aside ? h("span", { class: "st", dir: "auto" }, aside) : null,
  ].filter(Boolean);
  if (self) return h("li", { class: "account" }, ...inside);
  return h("li", null, h("a", { href: `#@${agent.id}`, "aria-current": open ? "page" : null }, ...inside));
}

customElements.define("hub-rail", HubRail);
