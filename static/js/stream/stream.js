/** The hub's event stream, read with fetch: it resumes by cursor, waits with jitter, and says why it is down. */

import { FrameReader, seqOf } from "./frames.js";
import { Looks } from "./looks.js";

const SILENCE_MS = 40_000; // the hub speaks at least every 15 s
const DOUBT_MS = 20_000;
const CEILING_MS = 30_000;
const SOON_MS = 300; // a hub that starts anew is back in two seconds
const SOON = 4; // tries at such short distances, unless the stream breaks again and again
const STEADY_MS = 3000;

/**
 * One stream, kept open until `stop()`. Calls back:
 * `frame(frame, receivedAt)` for each frame with data that was not seen before,
 * `looking({ID: SEQ})` when it changed of which channels the words come, whole from behind SEQ on,
 * `state({state, tries, retryAt, seq})` with state "connecting", "live" or "waiting",
 * `refused(status)` when the caller is no longer signed in (then it stops).
 */
export class Stream {
  #url;
  #on;
  #cursor = null;
  #retryMs = 2000;
  #tries = 0;
  #lost = false;
  #stopped = true;
  #abort = null;
  #heardAt = 0;
  #openedAt = -Infinity;
  #wake = null;
  #looks;

  /** `cursor` is where to begin: null is now. */
  constructor(url, on, cursor = null) {
    this.#url = url;
    this.#on = on;
    this.#cursor = cursor;
    this.#looks = new Looks(on.looking);
  }

  /** What is said in these channels is wanted, and numbers of the others. */
  look(ids) {
    this.#looks.want(ids);
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#run();
  }

  stop() {
    this.#stopped = true;
    this.#abort?.abort();
    this.#wake?.();
  }

  /** Tries at once if it was waiting, and anew if the hub has been silent for too long (a computer that slept). */
  tryNow() {
    if (performance.now() - this.#heardAt > DOUBT_MS) this.#abort?.abort();
    this.#wake?.();
  }

  async #run() {
    while (!this.#stopped) {
      this.#say("connecting");
      const least = await this.#listen();
      if (this.#stopped) return;
      this.#tries += 1;
      await this.#pause(Math.max(least, this.#delay()));
    }
  }

  /** Listens until the stream ends; answers the least time to wait before the next try, in ms. */
  async #listen() {
    const abort = new AbortController();
    this.#abort = abort;
    const watch = { timer: 0 };
    const heard = () => {
      this.#heardAt = performance.now();
      clearTimeout(watch.timer);
      watch.timer = setTimeout(() => abort.abort(), SILENCE_MS);
    };
    try {
      heard();
      const response = await fetch(this.#url + this.#looks.query, { headers: this.#headers(), cache: "no-store", signal: abort.signal });
      if (!response.ok) return this.#refusal(response);
      return await this.#read(response.body.getReader(), heard);
    } catch {
      return 0; // not reached, cut, or silent too long: all the same to the reader
    } finally {
      if (performance.now() - this.#openedAt < STEADY_MS) this.#tries = Math.max(this.#tries, SOON);
      clearTimeout(watch.timer);
      this.#looks.closed();
      abort.abort();
    }
  }

  #headers() {
    const headers = { Accept: "text/event-stream" };
    if (this.#cursor) headers["Last-Event-ID"] = this.#cursor;
    return headers;
  }

  #refusal(response) {
    if (response.status === 401 || response.status === 403) {
      this.#stopped = true;
      this.#on.refused(response.status);
    }
    if (response.status === 400 && this.#cursor) {
      this.#cursor = null; // the hub cannot read it: start afresh, as after a reset
      this.#lost = true;
    }
    return (Number(response.headers.get("Retry-After")) || 0) * 1000 * (1 + Math.random() / 2);
  }

  async #read(reader, heard) {
    const frames = new FrameReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.#stopped) return 0;
      heard();
      const receivedAt = performance.now();
      for (const frame of frames.push(value)) {
        const bye = this.#take(frame, receivedAt);
        if (bye !== null) return bye;
      }
    }
  }

  /** Hands a frame on; answers null, or how long to stay away when the hub says goodbye. */
  #take(frame, receivedAt) {
    if (frame.retry !== undefined) this.#retryMs = frame.retry;
    const seen = this.#seen(frame);
    if (frame.id !== undefined && !seen) this.#cursor = frame.id;
    if (frame.event === "hub.hello") {
      this.#tries = 0;
      this.#openedAt = performance.now();
      this.#looks.opened(parsed(frame.data).streamId, seqOf(frame.id));
      this.#say("live");
    }
    if (frame.event === "hub.reset") this.#looks.broke(seqOf(frame.id));
    if (frame.data === undefined || seen) return null;
    this.#on.frame(frame, receivedAt);
    if (frame.event === "hub.hello" && this.#lost) {
      this.#lost = false;
      this.#looks.broke(seqOf(frame.id));
      this.#on.frame({ ...frame, event: "hub.reset" }, receivedAt);
    }
    return frame.event === "hub.bye" ? Number(parsed(frame.data).retry) || 0 : null;
  }

  /** Whether a frame's id lies at or before the cursor; hello and reset set the cursor, wherever it was. */
  #seen(frame) {
    if (frame.id === undefined || frame.event === "hub.hello" || frame.event === "hub.reset") return false;
    return this.#cursor !== null && seqOf(frame.id) <= seqOf(this.#cursor);
  }

  #delay() {
    if (this.#tries <= SOON) return SOON_MS * 1.6 ** (this.#tries - 1) * (1 + Math.random());
    const grown = this.#retryMs * 1.5 ** Math.min(this.#tries - SOON - 1, 10);
    return Math.min(grown, CEILING_MS) * (1 + Math.random() / 4);
  }

  async #pause(ms) {
    this.#say("waiting", Date.now() + ms);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  #say(state, retryAt = 0) {
    this.#on.state({ state, tries: this.#tries, retryAt, seq: seqOf(this.#cursor) });
  }
}

function parsed(data) {
  try {
    return JSON.parse(data) || {};
  } catch {
    return {};
  }
}
