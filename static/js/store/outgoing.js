/** What this person wrote, on its way to the hub: it stands in its place at once, and says how far it came. */

import { now } from "./pulse.js";
import { Topics } from "./topics.js";

export class Outgoing extends Topics {
  write(channelId, content, parentId) {
    const entry = this.outbox.add(channelId, content, parentId);
    if (!parentId) this.log(channelId).freshSeq = null;
    this.expect(entry);
    this.touch("log", "side");
    return entry;
  }

  expect(entry) {
    if (entry.parentId) return this.threads.get(entry.parentId)?.expect(entry, this.me.id);
    return this.log(entry.channelId).expect(entry, this.me.id);
  }

  #logOf({ channelId, parentId }) {
    return parentId ? this.thread(parentId) : this.log(channelId);
  }

  /** An entry of the outbox goes to another state; its row says so. */
  sending(id, state, refusal = null) {
    const entry = this.outbox.find(id);
    if (!entry) return;
    this.outbox.mark(id, state, refusal);
    const row = this.#logOf(entry).find(id);
    if (row?.state) Object.assign(row, { state, refusal, version: row.version + 1 });
    if (row?.state === "sending") row.seen = { sent: now() };
    this.touch("log", "side");
  }

  /** The hub has it on disk. */
  sent(entry, message, seq) {
    this.outbox.remove(entry.id);
    const log = this.#logOf(entry);
    log.threadId ||= message.threadId ?? "";
    if (log.find(message.id) || (log.loaded && !log.hasNewer)) log.store(message, seq);
    this.touch("log", "side");
  }

  discard(id) {
    const entry = this.outbox.find(id);
    if (!entry) return;
    this.outbox.remove(id);
    this.#logOf(entry).drop(id);
    this.touch("log", "side");
  }
}
