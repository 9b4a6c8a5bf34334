/** What was written and not yet confirmed, and what is being written: kept by this browser, person by person. */

function read(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(key, value) {
  try {
    if (value === "" || value.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // a full or forbidden storage keeps nothing: the page goes on without
  }
}

/** A random UUID where crypto.randomUUID is missing, as on plain-HTTP pages of a local network. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * Entries `{id, channelId, parentId?, content, at, state, refusal}`, oldest first; state is "sending", "waiting" or
 * "refused"; a reply names the message that its thread hangs under.
 */
export class Outbox {
  #key;
  #entries;

  constructor(personId) {
    this.#key = `outbox ${personId}`;
    this.#entries = read(this.#key, []).map((entry) => ({ ...entry, state: entry.state === "refused" ? "refused" : "waiting" }));
  }

  get entries() {
    return this.#entries;
  }

  /** The next one to send. */
  get next() {
    return this.#entries.find((entry) => entry.state === "waiting");
  }

  find(id) {
    return this.#entries.find((entry) => entry.id === id);
  }

  add(channelId, content, parentId) {
    const entry = { id: uuid(), channelId, parentId, content, at: Date.now(), state: "waiting" };
    this.#entries.push(entry);
    this.#keep();
    return entry;
  }

  mark(id, state, refusal = null) {
    const entry = this.find(id);
    if (!entry) return;
    entry.state = state;
    entry.refusal = refusal;
    this.#keep();
  }

  remove(id) {
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    this.#keep();
  }

  #keep() {
    write(this.#key, this.#entries);
  }
}

/** The unfinished words of each channel. */
export class Drafts {
  #person;

  constructor(personId) {
    this.#person = personId;
  }

  get(channelId) {
    return read(`draft ${this.#person} ${channelId}`, "");
  }

  set(channelId, text) {
    write(`draft ${this.#person} ${channelId}`, text);
  }
}
