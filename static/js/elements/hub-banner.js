/** <hub-banner>: says after two seconds that the hub is not heard, what was kept, and when the next try is. */

import { store } from "hub/store";
import { ask, h } from "../parts/dom.js";
import { say } from "../parts/say.js";

const PATIENCE_MS = 2000;

class HubBanner extends HTMLElement {
  #off = null;
  #timer = 0;

  connectedCallback() {
    this.words = h("span", { role: "status" });
    this.button = h("button", { class: "btn", type: "button" }, say.tryNow);
    this.button.addEventListener("click", () => ask(this, "reconnect"));
    this.bar = h("div", { class: "banner", hidden: true }, this.words, this.button);
    this.replaceChildren(this.bar);
    this.#off = store.on(["connection", "me"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
    clearTimeout(this.#timer);
  }

  render() {
    clearTimeout(this.#timer);
    const { state, tries, retryAt, downSince } = store.connection;
    const live = state === "live";
    const patient = Date.now() - downSince < PATIENCE_MS;
    this.bar.hidden = live || patient;
    if (live) return;
    this.#timer = setTimeout(() => this.render(), patient ? PATIENCE_MS : 1000);
    if (patient) return;
    const seconds = state === "waiting" ? Math.max(1, Math.ceil((retryAt - Date.now()) / 1000)) : 0;
    const text = store.seq || tries ? say.reconnecting(tries, seconds, store.seq) : say.connecting;
    if (this.words.textContent !== text) this.words.textContent = text;
    this.button.disabled = state !== "waiting";
  }
}

customElements.define("hub-banner", HubBanner);
