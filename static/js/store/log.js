/** One channel's rows as the list shows them: sorted by the hub's sequence, each message once. */

const KEPT = 150; // rows kept while nobody reads further up: each costs layout whenever one is added
const LATE = 200; // changes remembered for messages that are not here yet

let serial = 0;

/**
 * A row is `{key, kind, order, version, …}`: kind "message" has `message` and maybe `foreign`, `hops`, `state`
 * ("sending", "waiting", "refused") and `refusal`; kind "event" has `event`; kind "gap" stands for a break in the log.
 */
export class ChannelLog {
  rows = [];
  hasMore = false;
  loaded = false;
  loading = false;
  /** The last sequence number read by this person here. */
  readSeq = 0;
  /** After which number "New since" stands (null: nowhere), and when it was put there (0: not known). */
  freshSeq = null;
  freshAt = 0;
  /** Whether the person is reading further up, so that nothing may be dropped. */
  held = false;
  lastSeq = 0;
  channelSeq = 0;
  #byId = new Map();
  #late = new Map();

  find(messageId) {
    return this.#byId.get(messageId);
  }

  /** Adds a stored message, or confirms the row that was waiting for it. Answers the row. */
  store(message, seq) {
    this.lastSeq = Math.max(this.lastSeq, seq);
    const known = this.#byId.get(message.id);
    if (known) return this.#confirm(known, message, seq);
    const row = { key: message.id, kind: "message", order: seq, version: 0, message: { ...message } };
    const late = this.#late.get(message.id);
    if (late) {
      Object.assign(row.message, late);
      this.#late.delete(message.id);
    }
    this.#byId.set(message.id, row);
    this.#insert(row);
    return row;
  }

  /** Adds a message of our own that the hub has not confirmed: it stands last until then. */
  expect(entry, senderId) {
    const message = { id: entry.id, content: entry.content, senderId, timestamp: entry.at };
    serial += 1;
    const row = { key: entry.id, kind: "message", order: 2 ** 52 + serial, version: 0, message, state: entry.state };
    this.#byId.set(entry.id, row);
    this.#insert(row);
    return row;
  }

  /** Adds what came from outside: unproved, so under a key of its own that claims nobody's place. */
  foreign(message, senderId) {
    const row = this.#aside("message", { message, senderId, foreign: true });
    return row;
  }

  /** Adds a line that the hub itself says. */
  say(event, seq, timestamp) {
    this.lastSeq = Math.max(this.lastSeq, seq);
    const row = { key: `event ${seq}`, kind: "event", order: seq, version: 0, event, timestamp };
    this.#insert(row);
    return row;
  }

  /** Changes a message; one that is not here yet will be changed when it comes. Answers the row, if any. */
  change(messageId, changes) {
    const row = this.#byId.get(messageId);
    if (row) {
      Object.assign(row.message, changes);
      row.version += 1;
      return row;
    }
    this.#late.set(messageId, { ...this.#late.get(messageId), ...changes });
    if (this.#late.size > LATE) this.#late.delete(this.#late.keys().next().value);
    return undefined;
  }

  drop(messageId) {
    const row = this.#byId.get(messageId);
    if (!row) return;
    this.#byId.delete(messageId);
    this.rows.splice(this.rows.indexOf(row), 1);
  }

  /** Merges a page of history; `older` says that it was asked for from above. */
  merge({ messages, hasMore }, older) {
    for (const message of messages) this.store(message, message.seq);
    if (older || !this.loaded) this.hasMore = hasMore;
    this.loaded = true;
    if (!older) this.trim();
  }

  /** Forgets every stored row and marks where the log broke; what is still being sent stays. */
  forget(reason) {
    const unsent = this.rows.filter((row) => row.state);
    const mark = { key: `gap ${(serial += 1)}`, kind: "gap", order: reason === "expired" ? this.lastSeq + 0.5 : 0, version: 0 };
    this.rows = [mark, ...unsent];
    this.#byId = new Map(unsent.map((row) => [row.key, row]));
    this.#late.clear();
    this.loaded = this.hasMore = false;
    this.lastSeq = this.channelSeq = 0;
  }

  /** Lets go of the oldest rows while nobody reads there. */
  trim() {
    if (this.held || this.rows.length <= KEPT) return;
    for (const row of this.rows.splice(0, this.rows.length - KEPT)) this.#byId.delete(row.key);
    this.hasMore = true;
  }

  /** The oldest stored message, from which an older page is asked for. */
  get oldest() {
    return this.rows.find((row) => row.kind === "message" && !row.foreign && !row.state)?.message;
  }

  /** `{unread, mentions}`: messages of others after what was read; `me` is the reader's own id. */
  unread(me) {
    const count = { unread: 0, mentions: 0 };
    for (let at = this.rows.length - 1; at >= 0; at -= 1) {
      const { kind, order, state, message } = this.rows[at];
      if (order <= this.readSeq) break;
      if (kind !== "message" || state || message.senderId === me || message.deleted) continue;
      count.unread += 1;
      if (message.mentions?.includes(me)) count.mentions += 1;
    }
    return count;
  }

  #confirm(row, message, seq) {
    const moved = row.order !== seq;
    Object.assign(row.message, message);
    delete row.state;
    delete row.refusal;
    row.version += 1;
    if (moved) {
      this.rows.splice(this.rows.indexOf(row), 1);
      row.order = seq;
      this.#insert(row);
    }
    return row;
  }

  #aside(kind, parts) {
    serial += 1;
    const row = { key: `aside ${serial}`, kind, order: this.lastSeq + serial / 2 ** 20, version: 0, ...parts };
    this.#insert(row);
    return row;
  }

  #insert(row) {
    let at = this.rows.length;
    while (at > 0 && this.rows[at - 1].order > row.order) at -= 1;
    this.rows.splice(at, 0, row);
  }
}
