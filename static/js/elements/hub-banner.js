/** <hub-banner>: says after two seconds that the hub is not heard, what was kept, and when the next try is. */

import { store } from "hub/store";
import { ask, h } from "../parts/dom.js";
import { say } from "../parts/say.js";

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
    this.bar.hidden = !store.lost;
    if (!store.lost) return;
    this.#timer = setTimeout(() => this.render(), 1000);
    const { state, tries, retryAt } = store.connection;
    const seconds = state === "waiting" ? Math.max(1, Math.ceil((retryAt - Date.now()) / 1000)) : 0;
    const text = store.seq || tries ? say.reconnecting(tries, seconds, store.seq) : say.connecting;
    if (this.words.textContent !== text) this.words.textContent = text;
    this.button.disabled = state !== "waiting";
  }
}

customElements.define("hub-banner", HubBanner);
