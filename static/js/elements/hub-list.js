/** <hub-list>: the log of the open channel. It keeps elements whose row did not change, and the row under the eye. */

import { now, store } from "hub/store";
import { ask, h, icon } from "../parts/dom.js";
import { plan } from "../parts/plan.js";
import { hopsCard } from "../parts/scale.js";
import { say } from "../parts/say.js";

const NEAR_PX = 100;
const POINT_MS = 90;

class HubList extends HTMLElement {
  #elements = new Map();
  #rows = new Map();
  #shown = "";
  #off = null;
  #pointing = 0;

  connectedCallback() {
    this.log = h("ol", { class: "log" });
    this.scroller = h("div", { class: "scroll", tabindex: "0", role: "region" }, this.log);
    this.count = h("span", null);
    this.pill = h("button", { class: "btn pill", type: "button", hidden: true }, this.count, icon("down"));
    this.replaceChildren(this.scroller, h("div", { class: "below" }, this.pill));
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.pill.addEventListener("click", () => this.#toNewest());
    this.#listenForPointing();
    this.seen = () => this.#markRead();
    document.addEventListener("visibilitychange", this.seen);
    this.#off = store.on(["log", "open", "agents"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
    document.removeEventListener("visibilitychange", this.seen);
  }

  render() {
    const channel = store.open;
    if (!channel) return this.log.replaceChildren();
    const log = store.log(channel.id);
    const anew = this.#shown !== channel.id;
    if (anew) this.#start(channel);
    const anchor = log.held && !anew ? this.#anchor() : null; // nothing is measured while it sticks to the bottom
    const items = plan(log);
    this.#patch(items);
    const held = anchor && this.#elements.get(anchor.key)?.element;
    if (held) this.scroller.scrollTop += held.getBoundingClientRect().top - anchor.top;
    this.#measure(items);
    this.#markRead();
    return this.#showPill(log);
  }

  #start(channel) {
    this.#shown = channel.id;
    this.#elements.clear();
    this.#rows.clear();
    this.log.replaceChildren();
    this.scroller.setAttribute("aria-label", say.messages(channel.name));
    this.scroller.scrollTop = 0;
  }

  /** Brings the list to these items: unchanged ones keep their element, so that nothing flickers or loses focus. */
  #patch(items) {
    const kept = new Map();
    let next = this.log.firstElementChild;
    for (const { key, sign, make, row, un } of items) {
      const before = this.#elements.get(key);
      const entry = before?.sign === sign ? before : { sign, element: make() };
      kept.set(key, entry);
      if (row) this.#rows.set(entry.element, row);
      entry.element.classList.toggle("un", Boolean(un));
      if (before && before !== entry) {
        if (next === before.element) next = entry.element;
        before.element.replaceWith(entry.element);
        this.#rows.delete(before.element);
      }
      if (entry.element === next) next = next.nextElementSibling;
      else this.log.insertBefore(entry.element, next);
    }
    for (const [key, { element }] of this.#elements) {
      if (kept.has(key)) continue;
      element.remove();
      this.#rows.delete(element);
    }
    this.#elements = kept;
  }

  /** New rows that stand on the screen now are timed to their paint: the frame's end, then a message to ourselves. */
  #measure(items) {
    const rows = items.map((item) => item.row).filter((row) => row?.unpainted);
    if (!rows.length) return;
    for (const row of rows) delete row.unpainted;
    if (document.hidden) return;
    const renderedAt = now();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      store.painted(rows, renderedAt);
    };
    channel.port2.postMessage(null);
  }

  /** The first row on the screen, by its key: drawing may replace its element. */
  #anchor() {
    const edge = this.scroller.getBoundingClientRect().top;
    for (const [key, { element }] of this.#elements) {
      if (!this.#rows.has(element)) continue;
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { key, top };
    }
    return null;
  }

  #scrolled() {
    const log = store.log(this.#shown);
    const held = this.scroller.scrollTop < -NEAR_PX; // it runs in reverse: 0 is the bottom, further up is negative
    if (log.held !== held) {
      log.held = held;
      this.#markRead();
      this.#showPill(log);
    }
    const above = this.scroller.scrollHeight - this.scroller.clientHeight + this.scroller.scrollTop;
    if (log.hasMore && !log.loading && above < 2 * NEAR_PX) ask(this, "older");
  }

  #toNewest() {
    this.scroller.scrollTop = 0;
    this.scroller.focus();
  }

  #markRead() {
    if (this.#shown && !document.hidden && !store.log(this.#shown).held) store.markRead();
  }

  #showPill(log) {
    const { unread } = log.held ? log.unread(store.me.id) : { unread: 0 };
    this.pill.hidden = !log.held;
    this.count.textContent = unread ? say.moreBelow(unread) : say.toNewest;
  }

  // ---- the card at a trace -------------------------------------------------

  #listenForPointing() {
    const over = (event) => this.#point(event.target.closest?.(".trace"), POINT_MS);
    const focus = (event) => this.#point(event.target.closest?.(".trace"), 0);
    this.log.addEventListener("pointerover", over);
    this.log.addEventListener("pointerleave", () => this.#point(null, 0));
    this.log.addEventListener("focusin", focus);
    this.log.addEventListener("focusout", () => this.#point(null, 0));
    this.log.addEventListener("keydown", (event) => event.key === "Escape" && this.#point(null, 0));
  }

  #point(button, afterMs) {
    clearTimeout(this.#pointing);
    if (!button) return this.#unpoint();
    this.#pointing = setTimeout(() => this.#open(button), afterMs);
    return undefined;
  }

  #open(button) {
    this.#unpoint();
    const row = this.#rows.get(button.closest("li"));
    const hops = row && store.hops(row);
    if (!hops || !button.isConnected) return;
    this.card = hopsCard(hops, row.foreign ? 0 : row.order);
    button.after(this.card);
    store.point(hops);
  }

  #unpoint() {
    this.card?.remove();
    this.card = null;
    store.point(null);
  }
}

customElements.define("hub-list", HubList);
