/** <hub-announcer>: tells new messages to those who listen, at most every three seconds, several in one sentence. */

import { senderOf, store } from "hub/store";
import { h } from "../parts/dom.js";
import { say } from "../parts/say.js";

const PAUSE_MS = 3000;
const KEPT = 5;
const LENGTH = 200;

class HubAnnouncer extends HTMLElement {
  #off = null;
  #timer = 0;
  #saidAt = -PAUSE_MS;

  connectedCallback() {
    this.log = h("div", { role: "log", "aria-live": "polite", class: "sr" });
    this.replaceChildren(this.log);
    this.#off = store.on(["heard"], () => this.#soon());
  }

  disconnectedCallback() {
    this.#off();
    clearTimeout(this.#timer);
  }

  #soon() {
    if (this.#timer) return;
    const wait = Math.max(0, this.#saidAt + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => this.#say(), wait);
  }

  #say() {
    this.#timer = 0;
    const heard = store.takeHeard().filter(({ channelId }) => channelId === store.openId || channelId.startsWith("@"));
    if (!heard.length) return;
    this.#saidAt = performance.now();
    const { channelId, row } = heard.at(-1);
    const [who, channel] = [senderOf(store, row).name, store.channels.get(channelId)?.name ?? say.aTalk];
    const one = () => say.heardOne(who, channel, row.message.content.slice(0, LENGTH));
    this.log.append(h("p", null, heard.length === 1 ? one() : say.heard(heard.length, who, channel)));
    while (this.log.childElementCount > KEPT) this.log.firstElementChild.remove();
  }
}

customElements.define("hub-announcer", HubAnnouncer);
