/** What is unread, place by place, and of which channels the words are heard: of the others the hub tells numbers. */

import { Outgoing } from "./outgoing.js";

export class Unread extends Outgoing {
  /** What is unread by place, `{unread, mentions, readSeq}`, as the hub's markers say, and since; `seq` is the newest that is in it. */
  counts = new Map();
  /** The channels of which the words come, each with the number behind which none is missing. */
  looking = {};
  /** Threads that this person follows and has not read to the end, by id: `{channelId, parentMessageId, unread}`. */
  replies = {};
  /** Whether this person wants notices here, and why there can be none: `{on, reason}`; null until somebody looks. */
  notices = null;
  #summons = [];
  /** How far the page's first state reached. */
  counted = 0;

  setUnread(channels) {
    for (const [id, { unread }] of Object.entries(channels)) this.#begin(id, unread);
    this.counts = new Map(Object.entries(channels));
    this.touch("channels");
  }

  /** When something new came to where nothing was. */
  #begin(id, unread) {
    if (unread && !this.unread(id).unread) this.log(id).freshAt = Date.now();
  }

  /** Numbers of channels that nobody looks at here. */
  setCounters(channels) {
    for (const [id, { seq, unread, mentions }] of Object.entries(channels)) {
      if (this.looking[id] !== undefined) continue; // a moment late: its words come, and are counted
      const before = this.unread(id);
      this.#begin(id, unread);
      this.counts.set(id, { ...before, unread, mentions, seq });
    }
    this.touch("channels");
  }

  setReplies(threads) {
    this.replies = threads;
    this.touch("channels");
  }

  unread(placeId) {
    return this.counts.get(placeId) ?? { unread: 0, mentions: 0, readSeq: 0, seq: 0 };
  }

  /** Somebody else said something, which this person may be watching. */
  count(placeId, seq, senderId, mentions, watched = false) {
    const before = this.unread(placeId);
    if (watched && !before.unread) {
      this.counts.set(placeId, { ...before, readSeq: Math.max(seq, before.readSeq) });
      return this.touch("read");
    }
    if (senderId === this.me.id || seq <= Math.max(before.readSeq, before.seq ?? 0, this.counted)) return undefined;
    const called = before.mentions + Number(Boolean(mentions?.includes(this.me.id)));
    this.counts.set(placeId, { ...before, unread: before.unread + 1, mentions: called });
    return this.touch("channels");
  }

  /** This person is meant: by a mention, a private word or a question. */
  summon(placeId, senderId, content, seq) {
    if (!this.notices?.on) return;
    this.#summons.push({ placeId, senderId, content, seq });
    this.touch("summons");
  }

  takeSummons() {
    return this.#summons.splice(0);
  }

  setNotices(notices) {
    this.notices = notices;
    this.touch("notices");
  }

  /** How much calls for this person, `calls` by name, and how much is unread in all, each thread as one. */
  get waiting() {
    let [calls, unread] = [this.asked.length, 0];
    for (const [id, count] of this.counts) {
      if (!id.startsWith("@") && !this.channels.get(id)?.role) continue;
      calls += count.mentions;
      unread += count.unread;
    }
    return { calls, unread: unread + Object.keys(this.replies).length };
  }

  /** The person has seen everything in the open place. */
  markRead() {
    const { lastSeq, loaded, hasNewer, stale } = this.log(this.openId);
    const before = this.unread(this.openId);
    if (!loaded || stale || hasNewer || (before.readSeq >= lastSeq && !before.unread)) return;
    this.counts.set(this.openId, { unread: 0, mentions: 0, readSeq: lastSeq });
    this.touch("channels", "read", ...(this.openId.startsWith("@") ? ["agents"] : []));
  }

  /** The hub has moved a marker: a number that it told before did not know that. */
  setRead(placeId, { unread, mentions, readSeq }) {
    if (this.hears(placeId) || this.unread(placeId).readSeq > readSeq) return;
    this.#begin(placeId, unread);
    this.counts.set(placeId, { ...this.unread(placeId), unread, mentions, readSeq });
    this.touch("channels");
  }

  /** It changed of which channels the words come, whole from behind their numbers on. Answers those that are new. */
  setLooking(looking) {
    const begun = Object.keys(looking).filter((id) => this.looking[id] === undefined);
    for (const id of Object.keys(this.looking)) if (looking[id] === undefined) this.log(id).leave();
    for (const id of begun) {
      this.log(id).hear(looking[id]);
      if (id !== this.openId) this.touch("unsure"); // what was said a moment ago came neither as words nor as a number
    }
    this.looking = looking;
    this.touch("looking");
    return begun;
  }

  /** Whether the words of this place come: those of channels only while somebody looks. */
  hears(placeId) {
    return !this.channels.has(placeId) || this.looking[placeId] !== undefined;
  }
}
