/** <hub-strip>: the hub's pulse on a square-root scale, the last minute as measured on this screen. */

import { median, store } from "hub/store";
import { h, icon, s } from "../parts/dom.js";
import { say } from "../parts/say.js";
import { hills, ruler, stand } from "../parts/scale.js";

const REDRAW_MS = 250;
const FADE_MS = 5000; // how often the last minute is looked at when nothing comes

class HubStrip extends HTMLElement {
  #off = null;
  #timer = 0;
  #drawnAt = 0;

  connectedCallback() {
    this.past = s("path", { class: "past" });
    this.last = s("path", { class: "last" });
    const lines = s("svg", { class: "lines", viewBox: "0 0 1000 44", preserveAspectRatio: "none", "aria-hidden": "true" }, this.past, this.last);
    this.rule = h("div", { class: "rule", role: "img" }, lines, ruler());
    this.now = h("p", { class: "now" });
    this.replaceChildren(
      h("a", { class: "brand", href: store.me ? "#rail" : "/", "aria-label": `${hubName()}, ${say.allChannels}` }, icon("claw", "claw"), h("span", null, hubName())),
      this.rule,
      this.now,
    );
    this.#off = store.on(["pulse", "seq", "connection", "me"], () => this.#soon());
    this.#draw();
  }

  disconnectedCallback() {
    this.#off();
    clearTimeout(this.#timer);
  }

  #soon() {
    const wait = this.#drawnAt + REDRAW_MS - performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#draw(), Math.max(0, wait));
  }

  #draw() {
    this.#drawnAt = performance.now();
    const { lost } = store;
    const recent = lost ? [] : store.pulse.recent(store.clock);
    const painted = recent.map((hops) => hops.painted).sort((a, b) => a - b);
    const middle = median(painted);
    const shown = store.pointed ?? recent.at(-1);
    this.past.setAttribute("d", hills(recent));
    this.last.setAttribute("d", shown && !lost ? stand(shown) : "");
    this.parentElement.classList.toggle("pointed", Boolean(store.pointed));
    this.parentElement.dataset.state = lost ? "lost" : "";
    this.rule.setAttribute("aria-label", say.pulse(middle && say.ms(middle), middle && say.ms(painted[Math.floor(painted.length * 0.95)])));
    this.#tell(lost, middle);
    clearTimeout(this.#timer);
    if (store.me) this.#timer = setTimeout(() => this.#draw(), FADE_MS);
  }

  #tell(lost, middle) {
    const parts = [];
    if (lost) parts.push(h("span", null, h("b", null, say.noPulse)));
    else if (middle !== null) parts.push(h("span", null, h("b", null, say.ms(middle)), " ms", h("small", null, say.toScreen)));
    if (store.seq) parts.push(h("span", { class: "more" }, h("b", null, say.number(store.seq)), ` ${lost ? say.lastHeard : say.stored}`));
    this.now.replaceChildren(...parts);
  }
}

/** The machine's own name where the address tells it. */
function hubName() {
  const [first] = location.hostname.split(".");
  return !first || /^\d+$/.test(first) || first === "localhost" || first.startsWith("[") ? say.hub : first;
}

customElements.define("hub-strip", HubStrip);
