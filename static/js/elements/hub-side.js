/** <hub-side>: the thread that is open beside the log. */

import { store } from "hub/store";
import { moveActs } from "../parts/acts.js";
import { ask, h, icon } from "../parts/dom.js";
import { Shown } from "../parts/patch.js";
import { planThread } from "../parts/plan.js";
import { say } from "../parts/say.js";
import { typeset } from "../parts/typeset.js";

const NEAR_END_PX = 100;

class HubSide extends HTMLElement {
  #offs = [];
  #parentId = "";

  connectedCallback() {
    const close = h("button", { class: "tool", type: "button", "aria-label": say.closeThread, title: say.closeThread }, icon("close"));
    close.addEventListener("click", () => this.#close());
    this.place = h("p");
    this.log = h("ol", { class: "log" });
    this.rows = new Shown(this.log);
    this.scroller = h("div", { class: "scroll top", tabindex: "0", role: "region", "aria-label": say.repliesHere }, this.log);
    this.composer = document.createElement("hub-composer");
    this.composer.dataset.thread = "";
    const head = h("header", { class: "head" }, h("h2", null, say.thread), this.place, h("div", { class: "tools" }, close));
    this.pane = h("aside", { class: "side", "aria-label": say.thread }, head, this.scroller, h("footer", { class: "foot" }, this.composer));
    this.pane.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.#listenForPointing();
    this.#offs = [store.on(["side", "log", "agents"], () => this.render()), store.on(["active"], () => moveActs(this.log, this.rows, true))];
    this.render();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
  }

  render() {
    const { side } = store;
    if (!side) {
      this.#parentId = "";
      return this.replaceChildren();
    }
    if (!this.pane.isConnected) this.append(this.pane);
    const anew = this.#parentId !== side.parentId;
    this.#parentId = side.parentId;
    if (anew) this.rows.clear();
    const log = store.threads.get(side.parentId);
    this.place.textContent = store.channels.get(side.channelId)?.name ?? "";
    const known = store.log(side.channelId).find(side.parentId);
    const parent = known ?? (log?.parent && { message: log.parent });
    if (!log || !parent) return undefined;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const atEnd = anew || scrollHeight - clientHeight - scrollTop < NEAR_END_PX;
    this.rows.patch(planThread(parent, log));
    moveActs(this.log, this.rows, true);
    if (atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
    return typeset(this, log.rows);
  }

  #close() {
    const { channelId, parentId } = store.side ?? {};
    ask(this, "go", { to: channelId });
    document.querySelector(`.main li[data-id="${parentId}"]`)?.focus({ preventScroll: true });
  }

  #listenForPointing() {
    const activate = (event) => {
      const row = event.target.closest?.("li[data-id]");
      if (row) store.activate(row.dataset.id, row.dataset.id === store.active.key ? store.active.act : "", true);
    };
    this.log.addEventListener("pointerover", (event) => event.pointerType === "mouse" && !store.active.act && activate(event));
    this.log.addEventListener("focusin", activate);
    this.log.addEventListener("click", (event) => !event.target.closest("a, button, pre") && activate(event));
  }
}

customElements.define("hub-side", HubSide);
