/** <hub-jump>: one field to go anywhere and to find any words: channels, people, agents, then messages. */

import { senderOf, store } from "hub/store";
import { ask, h, icon, mark } from "../parts/dom.js";
import { say } from "../parts/say.js";

const SEARCH_PAUSE_MS = 180;
const PLACES = 7;
const FOUND = 20;
const BEFORE = 30; // letters: a hit further in brings what stands shortly before it
const EXCERPT = 200;

class HubJump extends HTMLElement {
  #timer = 0;
  #asked = 0;
  #at = 0;

  connectedCallback() {
    this.field = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "jump-list", "aria-autocomplete": "list", "aria-label": say.jump, placeholder: say.jump, autocomplete: "off", spellcheck: "false", maxlength: "256" });
    this.list = h("ul", { id: "jump-list", role: "listbox", "aria-label": say.found });
    this.hint = h("p", { class: "hint", role: "status" });
    const top = h("div", { class: "top" }, icon("search"), this.field);
    this.dialog = h("dialog", { class: "jumper", "aria-label": say.jump }, top, this.list, this.hint);
    this.replaceChildren(this.dialog);
    this.field.addEventListener("input", () => this.#typed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => this.#choose(event.target.closest("li")));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.open = ({ detail }) => this.#open(detail);
    document.addEventListener("hub:jump", this.open);
  }

  disconnectedCallback() {
    document.removeEventListener("hub:jump", this.open);
  }

  #open({ words = "" }) {
    if (this.dialog.open) return;
    this.field.value = words;
    this.dialog.showModal();
    this.field.setSelectionRange(words.length, words.length);
    this.#typed();
  }

  #typed() {
    clearTimeout(this.#timer);
    const words = this.field.value.trim();
    const wanted = query(words);
    this.places = wanted.filtered ? [] : places(words);
    this.#draw([]);
    this.hint.textContent = words ? "" : say.jumpHint;
    this.#asked += 1;
    if (wanted.q?.length > 1) this.#timer = setTimeout(() => this.#search(wanted), SEARCH_PAUSE_MS);
    else if (wanted.problem) this.hint.textContent = wanted.problem;
  }

  #search({ q, channelId, senderId, problem }) {
    if (problem) return void (this.hint.textContent = problem);
    const asked = this.#asked;
    const done = (page) => {
      if (asked !== this.#asked) return;
      const messages = page?.messages ?? [];
      this.#draw(messages, q);
      this.hint.textContent = page ? (messages.length ? "" : say.nothingFound(q)) : say.notReached;
    };
    return ask(this, "search", { query: { q, channelId, senderId, limit: FOUND }, done });
  }

  #draw(messages, q) {
    this.#at = 0;
    this.list.replaceChildren(...this.places.map(placeItem), ...messages.map((message) => messageItem(message, q)));
    [...this.list.children].forEach((item, at) => {
      item.id = `jump-${at}`;
      item.setAttribute("role", "option");
    });
    this.#mark();
  }

  #mark() {
    const items = [...this.list.children];
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === this.#at)));
    items[this.#at]?.scrollIntoView({ block: "nearest" });
    if (items.length) this.field.setAttribute("aria-activedescendant", `jump-${this.#at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const { length } = this.list.children;
    if (step && length && !event.altKey) {
      event.preventDefault();
      this.#at = (this.#at + step + length) % length;
      this.#mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#choose(this.list.children[this.#at]);
    }
  }

  #choose(item) {
    if (!item) return;
    this.dialog.close();
    ask(this, "go", { to: item.dataset.to });
  }
}

/** `from:` and `in:` out of the words; `{q, senderId, channelId, filtered, problem}`. */
function query(words) {
  const wanted = { filtered: false };
  const rest = words.replace(/(?:^|\s)(from|in):(\S*)/g, (_, name, value) => {
    wanted.filtered = true;
    const plain = value.replace(/^[@#]/, "").toLowerCase();
    if (!plain) return "";
    if (name === "from") {
      const agent = [...store.agents.values()].find(({ id, displayName }) => id.toLowerCase() === plain || displayName?.toLowerCase() === plain);
      wanted.senderId = agent?.id ?? value;
    } else {
      wanted.channelId = [...store.channels.values()].find((channel) => channel.name.toLowerCase() === plain)?.id;
      if (!wanted.channelId) wanted.problem = say.noSuchChannel(plain);
    }
    return "";
  });
  return { ...wanted, q: rest.trim() };
}

function places(words) {
  const plain = words.toLowerCase();
  const fits = (name) => name.toLowerCase().includes(plain);
  const channels = [...store.mine, ...store.joinable].filter(({ name }) => fits(name));
  const first = (a, b) => Number(b.name.toLowerCase().startsWith(plain)) - Number(a.name.toLowerCase().startsWith(plain));
  const accounts = [...store.agents.values()].filter(({ id, displayName }) => id !== store.me.id && (fits(id) || fits(displayName ?? "")));
  return [
    ...channels.sort(first).map(({ id, name }) => ({ to: id, name, about: say.channel })),
    ...accounts.map(({ id, kind }) => ({ to: `@${id}`, name: store.nameOf(id), kind: kind === "human" ? "person" : kind, about: say.talkTo })),
  ].slice(0, PLACES);
}

function placeItem({ to, name, kind, about }) {
  return h("li", { "data-to": to }, kind ? mark(kind) : icon("down"), h("bdi", { class: kind && kind !== "person" ? "bot" : null }, name), h("small", null, about));
}

/** Markdown without its signs, from shortly before the first hit on, the hits marked. */
function excerpt(content, q) {
  const text = content
    .replace(/```[\w+#.-]*|`|\*\*|~~|^\s*(#{1,6}|>|[-+*]|\d+\.) /gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\s+/g, " ");
  const hits = new RegExp(`(?<![\\p{L}\\p{N}])(${q.match(/[\p{L}\p{N}]+/gu)?.join("|") ?? "$."})`, "giu");
  const first = text.search(hits);
  const from = first > BEFORE ? text.lastIndexOf(" ", first - BEFORE / 2) + 1 : 0;
  const pieces = text.slice(from, from + EXCERPT).split(hits);
  return [from ? "… " : "", ...pieces.map((piece, at) => (at % 2 ? h("mark", null, piece) : piece))];
}

function messageItem(message, q) {
  const sender = senderOf(store, { message });
  const channel = store.channels.get(message.channelId)?.name ?? "";
  return h(
    "li",
    { "data-to": `${message.channelId}/${message.id}` },
    mark(sender.kind),
    h("span", { class: "said" }, h("bdi", { class: sender.kind === "agent" ? "bot" : null }, sender.name), " ", h("span", { dir: "auto" }, ...excerpt(message.content, q))),
    h("small", null, `${channel}, ${say.day(message.timestamp)}, ${say.time(message.timestamp)}`),
  );
}

customElements.define("hub-jump", HubJump);
