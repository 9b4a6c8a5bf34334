/** Of which channels a stream brings the words, and since when: kept as it is wanted while the stream is open, and when it opens anew. */

const AGAIN_MS = 1000;
const TIMEOUT_MS = 10_000;

const same = (one, other) => one.length === other.length && one.every((id, at) => id === other[at]);

export class Looks {
  #tell;
  #wanted = [];
  #asked = [];
  #since = new Map();
  #streamId = "";
  #busy = false;

  /** `tell({ID: SEQ})` is called whenever it changes of which channels the words come, all of those behind SEQ. */
  constructor(tell) {
    this.#tell = tell;
  }

  /** The words of these channels are wanted. */
  want(ids) {
    this.#wanted = [...new Set(ids)].sort();
    for (const id of this.#since.keys()) if (!this.#wanted.includes(id)) this.#since.delete(id);
    this.#aim();
  }

  /** The part of the stream's address that asks for them, and for what is meant for this person wherever it is said. */
  get query() {
    this.#asked = this.#wanted;
    return `?meant=true&bodies=${this.#asked.map(encodeURIComponent).join(",")}`;
  }

  /** A stream was greeted, which goes on behind `seq`; what was heard before it broke off is still whole. */
  opened(streamId, seq) {
    this.#streamId = streamId;
    this.#took(this.#asked, seq);
    this.#aim();
  }

  /** The log broke: what comes is whole from `seq` on only. */
  broke(seq) {
    this.#since.clear();
    this.#took(this.#asked, seq);
  }

  closed() {
    this.#streamId = "";
  }

  #took(asked, seq) {
    this.#asked = asked;
    for (const id of asked) if (!this.#since.has(id)) this.#since.set(id, seq);
    this.#tell(Object.fromEntries(asked.map((id) => [id, this.#since.get(id)])));
  }

  async #aim() {
    const [streamId, asked] = [this.#streamId, this.#wanted];
    if (this.#busy || !streamId || same(asked, this.#asked)) return;
    this.#busy = true;
    const found = await reshaped(streamId, asked);
    this.#busy = false;
    if (found && streamId === this.#streamId) this.#took(asked, found.seq);
    if (found || streamId !== this.#streamId) this.#aim();
    else setTimeout(() => this.#aim(), AGAIN_MS);
  }
}

/** The stream's shape as the hub answers it, or null when it could not be changed. */
async function reshaped(streamId, bodies) {
  try {
    const response = await fetch(`/api/streams/${encodeURIComponent(streamId)}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ bodies }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
