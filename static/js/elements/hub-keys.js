/** <hub-keys>: what the keyboard does, and the sheet that says so. */

import { store } from "hub/store";
import { threadHash } from "../parts/acts.js";
import { ask } from "../parts/dom.js";

const OFF = "single keys off";

class HubKeys extends HTMLElement {
  connectedCallback() {
    this.listen = (event) => this.#key(event);
    document.addEventListener("keydown", this.listen);
    this.open = () => this.#sheet();
    document.addEventListener("hub:keys", this.open);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.listen);
    document.removeEventListener("hub:keys", this.open);
  }

  #key(event) {
    if (event.defaultPrevented || event.isComposing) return;
    const act = this.#chord(event) ?? (this.#writes(event) ? undefined : this.#single(event));
    if (!act) return;
    event.preventDefault();
    act();
  }

  #chord({ key, altKey, shiftKey, ctrlKey, metaKey }) {
    if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k") return () => ask(this, "jump");
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (step && altKey && !ctrlKey && !metaKey) return () => this.#channel(step, shiftKey);
    return undefined;
  }

  #writes({ target, ctrlKey, metaKey, altKey }) {
    return ctrlKey || metaKey || altKey || target.closest?.("input, textarea, select, dialog") || isOff();
  }

  #single({ key }) {
    const message = store.row(store.openId, store.active.key)?.message;
    const alive = message && !message.deleted && !message.told;
    const acts = {
      j: () => this.#row(1),
      k: () => this.#row(-1),
      "/": () => ask(this, "jump"),
      "?": () => this.#sheet(),
      t: message && (() => ask(this, "way")),
      r: alive && !message.threadId && (() => ask(this, "go", { to: threadHash(message) })),
      e: alive && message.senderId === store.me.id && (() => store.edit(message.id)),
      "+": alive && (() => store.activate(message.id, "react")),
      Escape: store.active.key && (() => store.activate("")),
    };
    return acts[key] || undefined;
  }

  /** The channel above or below in the rail; with `unread` the next one with something new. */
  #channel(step, unread) {
    const all = store.mine.filter(({ id }) => !unread || id === store.openId || store.unread(id).unread);
    const at = all.findIndex(({ id }) => id === store.openId);
    const next = all[(at + step + all.length) % all.length];
    if (next) ask(this, "go", { to: next.id });
  }

  /** The focus goes to the row above or below; from nowhere to the newest. */
  #row(step) {
    const rows = [...document.querySelectorAll(".main .log > li[data-id]")];
    const now = rows.findIndex((row) => row.dataset.id === store.active.key);
    const next = rows[now < 0 ? rows.length - 1 : Math.min(rows.length - 1, Math.max(0, now + step))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  /** The sheet is read when somebody asks for it. */
  async #sheet() {
    const { sheet } = await import("hub/sheet");
    sheet(this, OFF);
  }
}

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

customElements.define("hub-keys", HubKeys);
