/** Brings a list of elements to what it should show: what did not change keeps its element, its focus and its place. */

export class Shown {
  #parent;
  #elements = new Map();
  #rows = new WeakMap();

  constructor(parent) {
    this.#parent = parent;
  }

  clear() {
    this.#elements.clear();
    this.#parent.replaceChildren();
  }

  element(key) {
    return this.#elements.get(key)?.element;
  }

  row(element) {
    return this.#rows.get(element);
  }

  /** Items are `{key, sign, make, update?, row?, un?}`; one whose sign is as before, or that has an `update`, keeps its element. */
  patch(items) {
    const kept = new Map();
    let next = this.#parent.firstElementChild;
    for (const { key, sign, make, update, row, un } of items) {
      const before = this.#elements.get(key);
      if (before && update && before.sign !== sign) update(before.element);
      const entry = before && (update || before.sign === sign) ? Object.assign(before, { sign }) : { sign, element: make() };
      kept.set(key, entry);
      if (row) this.#rows.set(entry.element, row);
      if (un !== entry.un) entry.element.classList.toggle("un", (entry.un = un));
      if (before && before !== entry) {
        if (next === before.element) next = entry.element;
        swap(before.element, entry.element);
      }
      if (entry.element === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(entry.element, next);
    }
    for (const [key, { element }] of this.#elements) if (!kept.has(key)) element.remove();
    this.#elements = kept;
  }

  /** The first row on the screen, by its key, since drawing may replace its element; `below` is its distance from the edge. */
  anchor(scroller) {
    const edge = scroller.getBoundingClientRect().top;
    for (const [key, { element }] of this.#elements) {
      if (!this.#rows.has(element)) continue;
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > edge) return { key, top, below: top - edge };
    }
    return null;
  }
}

/** The focus goes on to the same control of the new element, or to the element. */
function swap(before, after) {
  const focused = before.contains(document.activeElement) ? document.activeElement : null;
  const bar = before.querySelector("[data-sign]");
  if (bar) after.querySelector(".body")?.append(bar);
  if (bar) after.classList.add("acting");
  before.replaceWith(after);
  if (!focused) return;
  if (focused.isConnected) return void focused.focus({ preventScroll: true });
  const same = focused.dataset.k && after.querySelector(`[data-k="${CSS.escape(focused.dataset.k)}"]`);
  (same || after).focus({ preventScroll: true });
}
