/** <hub-list>: the log of the open place. It shows a stretch of it, and keeps the row under the eye where it is. */

import { now, store } from "hub/store";
import { moveActs } from "../parts/acts.js";
import { ask, h, icon } from "../parts/dom.js";
import { Shown } from "../parts/patch.js";
import { plan } from "../parts/plan.js";
import { hopsCard } from "../parts/scale.js";
import { say } from "../parts/say.js";
import { typeset } from "../parts/typeset.js";

const NEAR_PX = 100;
const EDGE_PX = 600; // how far from an end the next page is asked for
const POINT_MS = 90;
const MEASURED = 4;

class HubList extends HTMLElement {
  #shown = "";
  #offs = [];
  #pointing = 0;
  #eye = null;

  connectedCallback() {
    this.log = h("ol", { class: "log" });
    this.rows = new Shown(this.log);
    this.scroller = h("div", { class: "scroll", tabindex: "0", role: "region" }, this.log);
    this.count = h("span", null);
    this.pill = h("button", { class: "btn pill", type: "button", hidden: true }, this.count, icon("down"));
    this.replaceChildren(this.scroller, h("div", { class: "below" }, this.pill));
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.sizes = new ResizeObserver(() => this.#keepEye());
    this.sizes.observe(this.scroller);
    this.pill.addEventListener("click", () => this.#toNewest());
    this.#listenForPointing();
    this.seen = () => this.#markRead();
    document.addEventListener("visibilitychange", this.seen);
    this.way = () => this.#ofActive();
    document.addEventListener("hub:way", this.way);
    this.#offs = [
      store.on(["log", "open", "agents"], () => this.render()),
      store.on(["active"], () => moveActs(this.log, this.rows, false)),
      store.on(["target"], () => this.#toTarget()),
    ];
    this.render();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
    this.sizes.disconnect();
    document.removeEventListener("visibilitychange", this.seen);
    document.removeEventListener("hub:way", this.way);
  }

  render() {
    const place = store.open;
    if (!place || store.page) return;
    const log = store.log(place.id);
    const anew = this.#shown !== place.id;
    if (anew) this.#start(place);
    this.log.classList.toggle("sticks", !log.held);
    const anchor = log.held && !anew ? this.rows.anchor(this.scroller) : null; // nothing is measured while it sticks to the bottom
    this.#patch(plan(log), anchor);
    this.#measure(log.rows);
    this.#markRead();
    this.#showPill(log);
    if (store.target) this.#toTarget();
    typeset(this, log.rows);
  }

  #patch(items, anchor) {
    this.rows.patch(items);
    moveActs(this.log, this.rows, false);
    const held = anchor && this.rows.element(anchor.key);
    if (held) this.scroller.scrollTop += held.getBoundingClientRect().top - anchor.top;
    if (anchor) this.#eye = this.rows.anchor(this.scroller);
  }

  /** The box changed, and with it where lines break: the row under the eye stays where it was in it. */
  #keepEye() {
    const element = this.#eye && store.log(this.#shown).held && this.rows.element(this.#eye.key);
    if (!element) return;
    const top = element.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
    this.scroller.scrollTop += top - this.#eye.below;
  }

  #start({ id, name }) {
    if (this.#shown) this.scroller.scrollTop = 0; // on a fresh page that would be a layout for nothing
    this.#shown = id;
    this.rows.clear();
    this.scroller.setAttribute("aria-label", say.messages(name ?? say.needsYou));
    store.log(id).held = false;
  }

  /** New rows that stand on the screen now are timed to their paint: the frame's end, then a message to ourselves. */
  #measure(all) {
    let rows = all.filter((row) => row.unpainted);
    if (!rows.length) return;
    for (const row of rows) delete row.unpainted;
    if (rows.length > MEASURED) rows = rows.slice(-1); // in a flood one a frame tells enough
    if (document.hidden) return;
    const renderedAt = now();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      store.painted(rows, renderedAt);
    };
    const ended = () => channel.port2.postMessage(null);
    if (store.inFrame) ended();
    else requestAnimationFrame(ended);
  }

  #scrolled() {
    const log = store.log(this.#shown);
    const below = -this.scroller.scrollTop; // it runs in reverse: 0 is the bottom, further up is negative
    const held = below > NEAR_PX || log.hasNewer;
    this.#eye = held ? this.rows.anchor(this.scroller) : null;
    if (log.held !== held) {
      log.held = held;
      this.log.classList.toggle("sticks", !held);
      this.#markRead();
      this.#showPill(log);
    }
    if (log.loading) return;
    const above = this.scroller.scrollHeight - this.scroller.clientHeight - below;
    if (log.hasMore && above < EDGE_PX) ask(this, "older");
    else if (log.hasNewer && below < EDGE_PX) ask(this, "newer");
  }

  #toNewest() {
    const log = store.log(this.#shown);
    log.held = false;
    this.scroller.scrollTop = 0;
    if (log.hasNewer) ask(this, "newest");
    this.scroller.focus();
  }

  #toTarget() {
    const element = this.rows.element(store.target);
    if (!element) return;
    store.log(this.#shown).held = true;
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
    store.activate(store.target, "", false);
    store.target = "";
  }

  #markRead() {
    if (this.#shown && this.#shown === store.openId && !document.hidden && !store.page && !store.log(this.#shown).held) store.markRead();
  }

  #showPill(log) {
    const { unread } = log.held ? store.unread(this.#shown) : { unread: 0 };
    this.pill.hidden = !log.held;
    this.count.textContent = unread ? say.moreBelow(unread) : say.toNewest;
  }

  // ---- what is under the pointer ---------------------------------------------

  #listenForPointing() {
    const rowAt = (event) => event.target.closest?.(".log > li[data-id]");
    this.log.addEventListener("pointerover", (event) => {
      this.#point(event.target.closest?.(".trace, .at"), POINT_MS);
      if (event.pointerType === "mouse" && !store.active.act) store.activate(rowAt(event)?.dataset.id ?? "", "", false);
    });
    this.log.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, pre")) store.activate(rowAt(event)?.dataset.id ?? "", "", false);
    });
    this.log.addEventListener("pointerleave", () => this.#point(null, 0));
    this.log.addEventListener("focusin", (event) => {
      if (this.card?.contains(event.target)) return;
      this.#point(event.target.closest?.(".trace"), 0);
      const row = rowAt(event);
      if (row && row.dataset.id !== store.active.key) store.activate(row.dataset.id, "", false);
    });
    this.log.addEventListener("focusout", ({ relatedTarget }) => this.card?.contains(relatedTarget) || this.#point(null, 0));
    this.log.addEventListener("keydown", (event) => event.key === "Escape" && this.#leave(event));
  }

  #point(button, afterMs) {
    clearTimeout(this.#pointing);
    if (!button) return this.#unpoint();
    this.#pointing = setTimeout(() => this.#open(button), afterMs);
    return undefined;
  }

  /** Shows how long the message beside `place` took: what this screen measured at once, what the hub knows when it says so. */
  #open(place) {
    this.#unpoint();
    const row = this.rows.row(place.closest("li"));
    const own = row && store.hops(row);
    const asks = row?.kind === "message" && !row.foreign && !row.state;
    if ((!own && !asks) || !place.isConnected) return;
    const card = hopsCard(own, asks ? undefined : {}, row.foreign ? 0 : row.order);
    this.card = card;
    place.after(card);
    store.point(own);
    const done = (hub) => this.card === card && card.replaceChildren(...hopsCard(own, hub, row.order).childNodes);
    if (asks) ask(this, "latency", { id: row.key, done });
  }

  /** The same by the keyboard: the card has the focus until it is left, then the row. */
  #ofActive() {
    const place = this.rows.element(store.active.key)?.querySelector(".at");
    if (!place || store.active.aside) return;
    this.#open(place);
    this.card?.focus({ preventScroll: true });
  }

  #leave(event) {
    const row = this.card?.contains(event.target) && event.target.closest("li");
    this.#point(null, 0);
    if (!row) return;
    event.stopPropagation();
    row.focus({ preventScroll: true });
  }

  #unpoint() {
    const { card } = this;
    this.card = null; // before it goes: the focus that leaves it comes here once more
    card?.remove();
    store.point(null);
  }
}

customElements.define("hub-list", HubList);
