/** <hub-composer>: where a person writes, to the open place or (`data-thread`) to the open thread. Unfinished words are kept. */

import { senderOf, store } from "hub/store";
import { ask, h, icon, mark } from "../parts/dom.js";
import { say } from "../parts/say.js";

const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

class HubComposer extends HTMLElement {
  #offs = [];
  #shown = "";
  #editing = "";
  #timer = 0;
  #completed = null;

  connectedCallback() {
    this.field = h("textarea", { rows: "1", dir: "auto", autocomplete: "off", maxlength: "65536" });
    const send = h("button", { class: "tool", "aria-label": say.send, title: say.send }, icon("send"));
    this.form = h("form", { class: "pen" }, mark("person"), h("div", { class: "field" }, this.field, send));
    this.outside = h("div", { class: "pen" });
    this.writing = h("span");
    const axis = h("span", { class: "axis", "aria-hidden": "true" }, h("i", null, "50"), h("i", null, "100"));
    this.replaceChildren(h("p", { class: "cols busy" }, this.writing, axis), this.form, this.outside);
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("input", () => this.#written());
    this.#offs = [
      store.on(["open", "connection", "channels", "me", "side"], () => this.render()),
      store.on(["typing", "open", "agents", "side"], () => this.#drawWriting()),
      store.on(["editing"], () => this.#edit()),
    ];
    this.render();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
    clearTimeout(this.#timer);
  }

  get #inThread() {
    return this.dataset.thread !== undefined;
  }

  /** Where it writes to: `{key, channel, parentId}`. */
  get #place() {
    if (!this.#inThread) return { key: store.openId, channel: store.open };
    const { channelId, parentId } = store.side ?? {};
    return { key: parentId && `thread ${parentId}`, channel: store.channels.get(channelId), parentId };
  }

  render() {
    const { key, channel } = this.#place;
    const writable = Boolean(key && channel?.name);
    this.hidden = !writable;
    this.form.parentElement.hidden = !writable;
    if (!writable) return;
    const mayWrite = Boolean(channel.role) && !channel.archivedAt;
    this.form.hidden = !mayWrite;
    this.outside.hidden = mayWrite;
    if (!mayWrite) this.#drawOutside(channel);
    const label = this.#inThread ? say.writeReply : say.writeTo(channel.name);
    this.field.placeholder = store.lost ? say.writeOn : label;
    this.field.setAttribute("aria-label", label);
    if (this.#shown !== key) this.#take(key);
  }

  #take(key) {
    this.#shown = key;
    this.#editing = "";
    this.field.value = store.drafts.get(key);
    this.#grow();
    if (!matchMedia("(pointer: fine)").matches || store.target) return;
    if (document.body.contains(document.activeElement) && document.activeElement !== document.body) this.field.focus({ preventScroll: true });
    else setTimeout(() => this.field.focus({ preventScroll: true })); // on a fresh page the words come first: focus is a layout
  }

  #written() {
    if (!this.#editing) store.drafts.set(this.#shown, this.field.value);
    if (!this.#inThread) ask(this, "typing", { channelId: store.openId, started: Boolean(this.field.value) && !this.#editing });
    this.#grow();
  }

  #grow() {
    if (GROWS_BY_ITSELF) return;
    this.field.style.blockSize = "";
    if (this.field.value) this.field.style.blockSize = `${this.field.scrollHeight}px`;
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Tab" && !event.shiftKey && this.#complete()) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !this.field.value) {
      const last = this.#ownLast();
      if (last) event.preventDefault();
      if (last) store.edit(last);
    } else if (event.key === "Escape" && this.#editing) {
      event.stopPropagation();
      store.edit("");
    }
  }

  /** Completes the name after an @; again, and it is the next one that fits. Answers whether it could. */
  #complete() {
    const { value, selectionStart: at } = this.field;
    const [whole, before, begun] = /(^|[\s(])@([\w.-]*)\s?$/.exec(value.slice(0, at)) ?? [];
    if (whole === undefined) return false;
    const again = this.#completed?.name === begun;
    const prefix = again ? this.#completed.prefix : begun.toLowerCase();
    const names = [...store.agents.keys(), "all"].filter((id) => id.toLowerCase().startsWith(prefix) && id !== store.me.id).sort();
    if (!names.length) return false;
    const name = names[again ? (names.indexOf(begun) + 1) % names.length : 0];
    this.#completed = { name, prefix };
    this.field.setRangeText(`${before}@${name} `, at - whole.length, at, "end");
    this.#written();
    return true;
  }

  #log() {
    const { parentId } = this.#place;
    return parentId ? store.threads.get(parentId) : store.log(store.openId);
  }

  #ownLast() {
    const mine = ({ kind, state, message }) => kind === "message" && !state && message.senderId === store.me.id && !message.deleted && !message.told;
    return this.#log()?.rows.findLast(mine)?.key;
  }

  /** Takes the words of a message of one's own, to write them anew; or gives the draft back. */
  #edit() {
    const row = store.editing && this.#log()?.find(store.editing);
    if (!row && !this.#editing) return;
    this.#editing = row ? store.editing : "";
    this.field.value = row ? row.message.content : store.drafts.get(this.#shown);
    this.form.classList.toggle("anew", Boolean(row));
    this.#drawWriting();
    this.#grow();
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
  }

  #submit(event) {
    event.preventDefault();
    const content = this.field.value.trim();
    if (!content) return;
    const { channel, parentId } = this.#place;
    if (this.#editing) return this.#save(channel.id, content);
    this.field.value = "";
    this.#written();
    ask(this, "send", { channelId: channel.id, parentId, content });
  }

  #save(channelId, content) {
    const done = (error) => {
      if (error) this.writing.textContent = say.sentence(error);
      else store.edit("");
    };
    ask(this, "edit", { channelId, id: this.#editing, content, done });
  }

  #drawOutside(channel) {
    if (channel.archivedAt) return this.outside.replaceChildren(h("p", { class: "hubsays" }, say.archived));
    const join = h("button", { class: "btn go", type: "button" }, say.join(channel.name));
    join.addEventListener("click", () => ask(join, "join", { channelId: channel.id }));
    return this.outside.replaceChildren(h("p", { class: "hubsays" }, say.notMember(channel.name)), join);
  }

  #drawWriting() {
    clearTimeout(this.#timer);
    const { channel, parentId } = this.#place;
    const place = parentId ? store.threads.get(parentId)?.threadId : channel?.id;
    const writers = [...(store.typing.get(place) ?? [])].filter(([, until]) => until > Date.now());
    const names = writers.map(([id]) => senderOf(store, { message: { senderId: id } }).name);
    const text = this.#editing ? say.editing : say.writing(names);
    if (this.writing.textContent !== text) this.writing.textContent = text;
    if (writers.length) {
      const first = Math.min(...writers.map(([, until]) => until));
      this.#timer = setTimeout(() => this.#drawWriting(), first - Date.now() + 20);
    }
  }
}

customElements.define("hub-composer", HubComposer);
