/** Who is told of what changed: once a frame, however often it was said; what breaks a silence at once. */

const HIDDEN_MS = 250; // a page in the background gets no frames
const SILENCE_MS = 50;

export class Topics {
  /** Whether those who are told now are told within a frame, or between two. */
  inFrame = false;
  #listeners = new Map();
  #dirty = new Set();
  #scheduled = false;
  #toldAt = 0;

  /** Calls `listener` once a frame when any of `topics` changed; answers a function that ends it. */
  on(topics, listener) {
    for (const topic of topics) {
      if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
      this.#listeners.get(topic).add(listener);
    }
    return () => topics.forEach((topic) => this.#listeners.get(topic).delete(listener));
  }

  /**
   * Says that something changed. One frame is pending at most, however often this is called; after a silence the work is done
   * while the page waits for its next frame, which is the shorter for it.
   */
  touch(...topics) {
    for (const topic of topics) this.#dirty.add(topic);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.#flush(), HIDDEN_MS);
    else if (performance.now() - this.#toldAt > SILENCE_MS) queueMicrotask(() => this.#flush());
    else requestAnimationFrame(() => this.#flush(true));
  }

  #flush(inFrame = false) {
    this.inFrame = inFrame;
    this.#scheduled = false;
    this.#toldAt = performance.now();
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
