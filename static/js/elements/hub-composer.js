/** <hub-composer>: where a person writes. Unfinished words are kept per channel, also over a reload. */

import { senderOf, store } from "hub/store";
import { ask, h, icon, mark } from "../parts/dom.js";
import { say } from "../parts/say.js";

const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

class HubComposer extends HTMLElement {
  #offs = [];
  #shown = "";
  #timer = 0;

  connectedCallback() {
    this.field = h("textarea", { rows: "1", dir: "auto", autocomplete: "off", maxlength: "65536" });
    this.form = h(
      "form",
      { class: "pen" },
      mark("person"),
      h("div", { class: "field" }, this.field, h("button", { class: "tool", "aria-label": say.send, title: say.send }, icon("send"))),
    );
    this.outside = h("div", { class: "pen" });
    this.writing = h("span");
    const axis = h("span", { class: "axis", "aria-hidden": "true" }, h("i", null, "50"), h("i", null, "100"));
    this.replaceChildren(h("p", { class: "cols busy" }, this.writing, axis), this.form, this.outside);
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("input", () => this.#written());
    this.#offs = [
      store.on(["open", "connection", "channels", "me"], () => this.render()),
      store.on(["typing", "open", "agents"], () => this.#drawWriting()),
    ];
    this.render();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
    clearTimeout(this.#timer);
  }

  render() {
    const channel = store.open;
    this.hidden = !channel;
    if (!channel) return;
    const mayWrite = Boolean(channel.role) && !channel.archivedAt;
    this.form.hidden = !mayWrite;
    this.outside.hidden = mayWrite;
    if (!mayWrite) this.#drawOutside(channel);
    this.field.placeholder = store.lost ? say.writeOn : say.writeTo(channel.name);
    this.field.setAttribute("aria-label", say.writeTo(channel.name));
    if (this.#shown !== channel.id) this.#take(channel);
  }

  #take(channel) {
    this.#shown = channel.id;
    this.field.value = store.drafts.get(channel.id);
    this.#grow();
    if (matchMedia("(pointer: fine)").matches) this.field.focus({ preventScroll: true });
  }

  #written() {
    store.drafts.set(store.openId, this.field.value);
    this.#grow();
  }

  #grow() {
    if (GROWS_BY_ITSELF) return;
    this.field.style.blockSize = "";
    if (this.field.value) this.field.style.blockSize = `${this.field.scrollHeight}px`;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    const content = this.field.value.trim();
    if (!content) return;
    this.field.value = "";
    this.#written();
    ask(this, "send", { channelId: store.openId, content });
  }

  #drawOutside(channel) {
    if (channel.archivedAt) return this.outside.replaceChildren(h("p", { class: "hubsays" }, say.archived));
    const join = h("button", { class: "btn go", type: "button" }, say.join(channel.name));
    join.addEventListener("click", () => ask(join, "join", { channelId: channel.id }));
    return this.outside.replaceChildren(h("p", { class: "hubsays" }, say.notMember(channel.name)), join);
  }

  #drawWriting() {
    clearTimeout(this.#timer);
    const writers = [...(store.typing.get(store.openId) ?? [])].filter(([, until]) => until > Date.now());
    const names = writers.map(([id]) => senderOf(store, { message: { senderId: id } }).name);
    const text = say.writing(names);
    if (this.writing.textContent !== text) this.writing.textContent = text;
    if (writers.length) {
      const first = Math.min(...writers.map(([, until]) => until));
      this.#timer = setTimeout(() => this.#drawWriting(), first - Date.now() + 20);
    }
  }
}

customElements.define("hub-composer", HubComposer);
