/** One place's rows as the list shows them: a stretch of the log without holes, sorted by the hub's sequence, each once. */

const KEPT = 100; // rows kept while nobody reads further up: each costs layout whenever one is added
const KEPT_IN_FLOOD = 60; // nobody reads further up while they fly by
export const MOST = 250; // rows kept at all: what lies further away is read again
const LATE = 200; // changes remembered for messages that are not here yet
const FLOOD = 60; // messages in a second, above which one sender's posts fold
const CROWD = 120; // and above which all posts do, whoever they are from: nobody reads them one by one
const MOST_RATE = 240; // so that a second after a flood things are as they were
const SPAN_MS = 10_000; // as much as one fold stands for
const DOUBT_MS = 1000;

/** Kinds of rows below which a fold may stand. */
const FOLDS = new Set(["message", "fold"]);

let serial = 0;

/**
 * A row is `{key, kind, order, version, …}`: kind "message" has `message` and maybe `foreign`, `hops`, `state`
 * ("sending", "waiting", "refused") and `refusal`; "fold" stands for many and has the last `message`, `count`, `firstAt`;
 * "event" has `event`; "ask" and "card" have what is shown; "gap" stands for a break in the log.
 */
export class ChannelLog {
  rows = [];
  /** Whether there is more above, and below, than the rows here. */
  hasMore = false;
  hasNewer = false;
  loaded = false;
  loading = false;
  /** From behind which number on nothing is missing of what is said here, and how far it was read when it was read last. */
  since = 0;
  readAt = 0;
  /** What agents told of their work, as rows, the newest of it all: `{cards, more}`; null until it was asked for. */
  works = null;
  /** After which number "New since" stands (null: nowhere), and when it was put there (0: not known). */
  freshSeq = null;
  freshAt = 0;
  /** Whether the person is reading further up, so that nothing may be dropped. */
  held = false;
  lastSeq = 0;
  /** The newest message that was heard of, shown or not: `{id, seq}`. */
  newest = { id: "", seq: 0 };
  channelSeq = 0;
  threadId = "";
  #byId = new Map();
  #late = new Map();
  #early = [];
  #doubtUntil = 0;
  #rate = { value: 0, at: 0 };

  find(messageId) {
    return this.#byId.get(messageId);
  }

  /** Whether the rows end with the newest, so that what happens can be put below them. */
  get follows() {
    return this.loaded && !this.stale && !this.hasNewer;
  }

  /** Whether something may have been said, or become of it, since the rows were read, that nobody heard here. */
  get stale() {
    return this.loaded && this.readAt < this.since;
  }

  /** Words come from now on, whole from behind `since`; or they come no longer. */
  hear(since) {
    this.since = since;
  }

  leave() {
    Object.assign(this, { since: Infinity, channelSeq: 0 });
  }

  /**
   * Adds what just happened, if the rows reach there; else it waits for the page that is asked for. In a flood it may stand
   * in a fold where it `folds`. Answers the row, if any.
   */
  take(message, seq, folds = true) {
    this.#note(message, seq);
    const known = this.#byId.get(message.id);
    if (!known && !this.follows) {
      if (this.loading && !this.held && this.#early.push([message, seq]) > MOST) this.#early = [];
      return undefined;
    }
    if (!known && this.held && this.rows.length >= MOST) return void (this.hasNewer = true);
    if (!known && this.#rateNow() > FLOOD && folds && this.#fold(message, seq)) return undefined;
    return this.store(message, seq);
  }

  /** Adds a stored message, or confirms the row that was waiting for it; `whole` tells all that there is of it. Answers the row. */
  store(message, seq, whole = false) {
    this.#note(message, seq);
    const known = this.#byId.get(message.id);
    if (known) return this.#confirm(known, message, seq, whole);
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
    if (this.#byId.has(entry.id)) return this.#byId.get(entry.id);
    const message = { id: entry.id, content: entry.content, senderId, timestamp: entry.at };
    serial += 1;
    const row = { key: entry.id, kind: "message", order: 2 ** 52 + serial, version: 0, message, state: entry.state };
    this.#byId.set(entry.id, row);
    this.#insert(row);
    return row;
  }

  /** Adds what came from outside: unproved, so under a key of its own that claims nobody's place. */
  foreign(message, senderId) {
    return this.#aside("message", { message, senderId, foreign: true });
  }

  /** Adds a line that the hub itself says. */
  say(event, seq, timestamp) {
    return this.put({ key: `event ${seq}`, kind: "event", order: seq, event, timestamp });
  }

  /** Adds a row of another kind, or changes the one that has its key. */
  put(row) {
    this.lastSeq = Math.max(this.lastSeq, row.order);
    const known = this.#byId.get(row.key);
    if (known) return Object.assign(known, row, { version: known.version + 1 });
    const made = { version: 0, ...row };
    this.#byId.set(row.key, made);
    this.#insert(made);
    return made;
  }

  /** Changes a message; one that is not here yet will be changed when it comes. Answers the row, if any. */
  change(messageId, changes) {
    const row = this.#byId.get(messageId);
    if (row) {
      if (changes.content !== undefined) row.html = row.asked = undefined;
      Object.assign(row.message, changes);
      row.version += 1;
      return row;
    }
    if (this.loaded && !this.loading) return undefined;
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

  /** Whether a count that changes now may be in a page that was asked for, or may not: then the message is read again. */
  get doubtful() {
    return this.loading || performance.now() < this.#doubtUntil;
  }

  /** Merges a page of history: `side` is "" for the newest, "older" or "newer" for what adjoins the rows here. */
  merge({ messages, hasMore }, side = "") {
    if (side === "" && this.stale) this.#keepOnly(messages, hasMore);
    else if (side === "" && this.loaded && this.#leavesHole(messages, hasMore)) this.clear();
    for (const message of messages) this.store(message, message.seq, true);
    if (side !== "older") this.#takeEarly(side === "" || !hasMore);
    if (side === "older" || !this.loaded) this.hasMore = hasMore;
    if (side === "newer") this.hasNewer = hasMore || this.#behind();
    else if (side === "") this.hasNewer = this.#behind();
    this.loaded = true;
    this.#showWorks();
    this.#doubtUntil = performance.now() + DOUBT_MS;
    if (side === "older") this.#cut(MOST, false);
    else if (side === "newer") this.#cut(MOST, true);
    else this.trim();
  }

  /** Lets go of the stored rows that are not among these, and of what the hub itself said above them. */
  #keepOnly(messages, hasMore) {
    const kept = new Set(messages.map(({ id }) => id));
    const from = hasMore ? messages[0].seq : 0;
    this.rows = this.rows.filter((row) => row.state || kept.has(row.key) || (!isStored(row) && row.kind !== "fold" && row.order >= from));
    this.#byId = new Map(this.rows.map((row) => [row.key, row]));
    this.loaded = false;
  }

  /** What was said while a page was asked for stands below it. */
  #takeEarly(adjoins) {
    const early = this.#early;
    this.#early = [];
    if (!adjoins || early.at(-1)?.[1] !== this.newest.seq) return;
    for (const [message, seq] of early) if (seq > this.#end()) this.store(message, seq);
  }

  #leavesHole(messages, hasMore) {
    return hasMore && messages.length > 0 && messages[0].seq > this.#end();
  }

  #end() {
    for (let at = this.rows.length - 1; at >= 0; at -= 1) {
      const { kind, order, foreign, state } = this.rows[at];
      if ((kind === "message" || kind === "fold") && !foreign && !state) return order;
    }
    return 0;
  }

  #behind() {
    return this.newest.seq > this.#end();
  }

  /** Lets go of all stored rows; what is still being sent stays. */
  clear() {
    const unsent = this.rows.filter((row) => row.state);
    this.rows = unsent;
    this.#byId = new Map(unsent.map((row) => [row.key, row]));
    this.#late.clear();
    this.loaded = this.hasMore = this.hasNewer = false;
  }

  /** Forgets every stored row and marks where the log broke. */
  forget(reason) {
    this.clear();
    this.#insert({ key: `gap ${(serial += 1)}`, kind: "gap", order: reason === "expired" ? this.lastSeq + 0.5 : 0, version: 0 });
    this.lastSeq = this.channelSeq = 0;
    this.works = null;
    this.newest = { id: "", seq: 0 };
  }

  /** Lets go of the oldest rows while nobody reads there. */
  trim() {
    const kept = this.#decayed > FLOOD ? KEPT_IN_FLOOD : KEPT;
    if (!this.held && this.rows.length > kept) this.#cut(kept, true);
  }

  #cut(most, above) {
    const spare = this.rows.length - most;
    if (spare <= 0) return;
    for (const row of above ? this.rows.splice(0, spare) : this.rows.splice(most)) this.#byId.delete(row.key);
    if (above) this.hasMore = true;
    else this.hasNewer = true;
  }

  /** The oldest stored message, from which an older page is asked for, and the newest. */
  get oldest() {
    return this.rows.find(isStored)?.message;
  }

  get #from() {
    return this.hasMore ? (this.oldest?.seq ?? 0) : 0;
  }

  /** Whether agents may have told of their work between the rows here what nobody has asked for. */
  get wantsWorks() {
    return !this.works || (this.works.more && this.works.cards[0].order > this.#from);
  }

  /** Adds what agents told before all that is known of it. */
  learnWorks(cards, more) {
    this.works = { cards: [...cards, ...(this.works?.cards ?? [])], more };
    this.#showWorks();
  }

  addWork(card) {
    this.works?.cards.push(card);
    if (!this.follows) return;
    this.put({ ...card });
    this.trim();
  }

  #showWorks() {
    for (const card of this.works?.cards ?? []) {
      const within = card.order >= this.#from && (!this.hasNewer || card.order <= this.#end());
      if (within && !this.#byId.has(card.key)) this.put({ ...card });
    }
  }

  get latest() {
    return this.rows.findLast(isStored)?.message;
  }

  // ---- floods ---------------------------------------------------------------

  /** How many come in a second, this one included: each counts for less the longer ago it was. */
  #rateNow() {
    this.#rate = { value: Math.min(MOST_RATE, this.#decayed + 1), at: performance.now() };
    return this.#rate.value;
  }

  get #decayed() {
    return this.#rate.value * Math.exp((this.#rate.at - performance.now()) / 1000);
  }

  /** Puts a message into the fold below its sender's last one, or below anybody's in a crowd; answers whether it could. */
  #fold(message, seq) {
    const last = this.rows.at(-1);
    if (!last || last.state || last.foreign || !FOLDS.has(last.kind) || last.message.deleted) return false;
    if (seq <= last.order || message.mentions?.length) return false;
    const sameSender = last.message.senderId === message.senderId && (last.senders?.size ?? 1) === 1;
    if (!sameSender && this.#rate.value <= CROWD) return false;
    if (last.kind === "message" || message.timestamp - last.firstAt > SPAN_MS) {
      const senders = new Set([message.senderId]);
      this.#insert({ key: `fold ${seq}`, kind: "fold", order: seq, version: 0, count: 1, from: last.message.id, firstAt: message.timestamp, senders, message });
      return true;
    }
    last.senders.add(message.senderId);
    Object.assign(last, { order: seq, count: last.count + 1, message, version: last.version + 1 });
    return true;
  }

  /** Puts messages in the place of a fold; what does not come with them stays folded. */
  unfold(key, messages) {
    const fold = this.rows.find((row) => row.key === key);
    if (!fold) return;
    const inside = messages.filter(({ seq }) => seq <= fold.order);
    if (inside.length >= fold.count) this.rows.splice(this.rows.indexOf(fold), 1);
    else Object.assign(fold, { count: fold.count - inside.length, from: inside.at(-1)?.id ?? fold.from, version: fold.version + 1 });
    this.#rate.value = 0; // somebody reads what flew by: it is kept
    for (const message of inside) this.store(message, message.seq);
  }

  #note({ id }, seq) {
    this.lastSeq = Math.max(this.lastSeq, seq);
    if (seq > this.newest.seq) this.newest = { id, seq };
  }

  #confirm(row, message, seq, whole) {
    const moved = row.order !== seq;
    const before = row.message;
    row.message = whole ? { ...message } : { ...before, ...message };
    if (message.content !== before.content) row.html = row.asked = undefined;
    if (moved || row.state || JSON.stringify(before) !== JSON.stringify(row.message)) row.version += 1;
    delete row.state;
    delete row.refusal;
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

function isStored({ kind, foreign, state, message }) {
  return kind === "message" && !foreign && !state && !message.told;
}
