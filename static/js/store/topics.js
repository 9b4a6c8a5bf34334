/** Who is told of what changed: once a frame, however often it was said. */

const HIDDEN_MS = 250; // a page in the background gets no frames

export class Topics {
  #listeners = new Map();
  #dirty = new Set();
  #scheduled = false;

  /** Calls `listener` once a frame when any of `topics` changed; answers a function that ends it. */
  on(topics, listener) {
    for (const topic of topics) {
      if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
      this.#listeners.get(topic).add(listener);
    }
    return () => topics.forEach((topic) => this.#listeners.get(topic).delete(listener));
  }

  /** Says that something changed. One frame is pending at most, however often this is called. */
  touch(...topics) {
    for (const topic of topics) this.#dirty.add(topic);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#flush(), HIDDEN_MS);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#scheduled = false;
    const told = new Set();
    for (const topic of this.#dirty) this.#listeners.get(topic)?.forEach((listener) => told.add(listener));
    this.#dirty.clear();
    for (const listener of told) listener();
  }

  /** A frame that was asked for before the page went to the background may never come. */
  unstick() {
    if (this.#scheduled && document.hidden) this.#flush();
  }
}
