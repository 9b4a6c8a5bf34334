/** The one store: what the page knows. Elements read it and are told of changes once a frame; main.js writes it. */

import { ChannelLog } from "./log.js";
import { Drafts, Outbox, ReadMarks } from "./outbox.js";
import { Clock, Pulse, hopsOf, now } from "./pulse.js";
import { ACTS } from "./events.js";

const HIDDEN_MS = 250; // a page in the background gets no frames
const PATIENCE_MS = 2000; // a break shorter than this is nobody's concern

class Store {
  me = null;
  agents = new Map();
  channels = new Map();
  presence = new Map();
  typing = new Map();
  openId = "";
  /** `{state, tries, retryAt}` as the stream says it. */
  connection = { state: "connecting", tries: 0, retryAt: 0 };
  /** Whether the hub has not been heard for so long that a person should know. */
  lost = false;
  seq = 0;
  /** Grows when all rows must be drawn anew: names came, or the hub's clock is known. */
  generation = 0;
  /** The hops of the message that is pointed at. */
  pointed = null;
  clock = new Clock();
  pulse = new Pulse();
  /** `{busy, problem}` of the form on the page. */
  form = { busy: false, problem: null };
  /** Whether nobody is here yet, as the page was told when it was loaded. */
  needsFirstHuman = false;
  /** `{agentId, token, heard}` of an agent that was made on this page; the token is nowhere else. */
  made = null;
  outbox = null;
  drafts = null;
  marks = null;
  #logs = new Map();
  #heard = [];
  #listeners = new Map();
  #dirty = new Set();
  #scheduled = false;
  #patience = 0;

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

  enter(me) {
    this.me = me;
    this.outbox = new Outbox(me.id);
    this.drafts = new Drafts(me.id);
    this.marks = new ReadMarks(me.id);
    for (const entry of this.outbox.entries) this.#expect(entry);
    this.touch("me");
  }

  setAgents(agents) {
    this.agents = new Map(agents.map((agent) => [agent.id, agent]));
    this.generation += 1;
    this.touch("agents", "log");
  }

  /** Several exchanges of clocks with the hub. */
  setClock(exchanges) {
    this.clock = new Clock(exchanges);
    this.generation += 1;
    this.touch("log", "pulse");
  }

  point(hops) {
    if (this.pointed === hops) return;
    this.pointed = hops;
    this.touch("pulse");
  }

  setChannels(channels) {
    this.channels = new Map(channels.map((channel) => [channel.id, channel]));
    this.touch("channels");
  }

  log(channelId) {
    let log = this.#logs.get(channelId);
    if (!log) {
      log = new ChannelLog();
      log.readSeq = this.marks?.get(channelId) ?? 0;
      this.#logs.set(channelId, log);
    }
    return log;
  }

  get open() {
    return this.channels.get(this.openId);
  }

  /** Channels that the person is a member of, and those it could join, each by name. */
  get mine() {
    return this.#named((channel) => channel.role);
  }

  get joinable() {
    return this.#named((channel) => !channel.role && !channel.archivedAt);
  }

  #named(wanted) {
    return [...this.channels.values()].filter(wanted).sort((a, b) => a.name.localeCompare(b.name));
  }

  openChannel(channelId) {
    const left = this.openId && this.log(this.openId);
    if (left) {
      left.held = false;
      left.freshSeq = null;
      left.trim();
    }
    this.openId = channelId;
    if (this.made?.heard) this.setMade(null); // the key was used: it need not stand there any longer
    const log = this.log(channelId);
    log.freshSeq = log.unread(this.me.id).unread ? log.readSeq : null;
    if (log.freshSeq === null) log.freshAt = 0;
    this.touch("open", "channels", "log");
  }

  /** Merges a page of history into a channel. */
  merge(channelId, page, older) {
    const log = this.log(channelId);
    const first = !log.loaded;
    log.merge(page, older);
    if (first && this.marks.get(channelId) === undefined) this.#read(channelId, log);
    if (first && channelId === this.openId && log.unread(this.me.id).unread) log.freshSeq = log.readSeq;
    this.touch("log", "channels");
  }

  /** The person has seen everything in the open channel. */
  markRead() {
    const log = this.log(this.openId);
    if (!log.loaded || log.readSeq >= log.lastSeq) return;
    this.#read(this.openId, log);
    this.touch("channels");
  }

  #read(channelId, log) {
    log.readSeq = Math.max(log.readSeq, log.lastSeq);
    this.marks.set(channelId, log.readSeq);
  }

  /** Takes in one envelope of the stream. Answers whether events of its channel are missing before it. */
  apply(envelope, seen) {
    const { channelId, channelSeq, event, foreign, seq } = envelope;
    if (seq) this.seq = Math.max(this.seq, seq);
    const log = channelId && this.log(channelId);
    const gap = Boolean(log && channelSeq && log.channelSeq && channelSeq > log.channelSeq + 1);
    if (log && channelSeq) log.channelSeq = channelSeq;
    const act = foreign && event.type !== "channel.message" ? undefined : ACTS[event.type];
    act?.(this, envelope, seen);
    this.touch("seq");
    return gap;
  }

  /** A message that came while the page was looking: told to those who cannot see it. */
  hear(channelId, row) {
    this.#heard.push({ channelId, row });
    if (this.#heard.length > 50) this.#heard.shift();
    this.touch("heard");
  }

  takeHeard() {
    return this.#heard.splice(0);
  }

  /** The log broke: everything is read anew, with a mark where it was. */
  forget(reason) {
    for (const log of this.#logs.values()) log.forget(reason);
    this.touch("log", "channels");
  }

  setConnection({ state, tries, retryAt }) {
    this.connection = { state, tries, retryAt };
    if (state === "live") {
      clearTimeout(this.#patience);
      this.#patience = 0;
      this.lost = false;
    } else {
      this.typing.clear();
      this.presence.clear();
      this.#patience ||= setTimeout(() => this.#lose(), PATIENCE_MS);
    }
    this.touch("connection", "agents", "typing");
  }

  #lose() {
    this.lost = true;
    this.touch("connection");
  }

  setForm(form) {
    this.form = { busy: false, problem: null, ...form };
    this.touch("form");
  }

  setMade(made) {
    this.made = made;
    this.touch("log", "agents", "made");
  }

  write(channelId, content) {
    const entry = this.outbox.add(channelId, content);
    this.log(channelId).freshSeq = null;
    this.#expect(entry);
    this.touch("log");
    return entry;
  }

  #expect(entry) {
    this.log(entry.channelId).expect(entry, this.me.id);
  }

  /** An entry of the outbox goes to another state; its row says so. */
  sending(id, state, refusal = null) {
    const entry = this.outbox.find(id);
    if (!entry) return;
    this.outbox.mark(id, state, refusal);
    const row = this.log(entry.channelId).find(id);
    if (row?.state) Object.assign(row, { state, refusal, version: row.version + 1 });
    if (row?.state === "sending") row.seen = { sent: now() };
    this.touch("log");
  }

  /** The hub has it on disk. */
  sent(message, seq) {
    this.outbox.remove(message.id);
    this.log(message.channelId).store(message, seq);
    this.touch("log");
  }

  discard(id) {
    const entry = this.outbox.find(id);
    if (!entry) return;
    this.outbox.remove(id);
    this.log(entry.channelId).drop(id);
    this.touch("log");
  }

  /** The list has painted these rows. */
  painted(rows, renderedAt) {
    const paintedAt = now();
    for (const row of rows) {
      row.seen.rendered = renderedAt;
      row.seen.painted = paintedAt;
      row.version += 1;
      this.pulse.add(row);
    }
    this.touch("pulse", "log");
  }

  hops(row) {
    return row.seen ? hopsOf(row, this.clock) : null;
  }
}

export const store = new Store();
