/** The one store: what the page knows. Elements read it and are told of changes once a frame; main.js writes it. */

import { ChannelLog } from "./log.js";
import { Drafts, Outbox } from "./outbox.js";
import { Clock, Pulse, hopsOf, now } from "./pulse.js";
import { ACTS, WORDS, cardOf, hearAside, reacted } from "./events.js";
import { Unread } from "./unread.js";

const PATIENCE_MS = 2000; // a break shorter than this is nobody's concern

/** The place where everything stands that waits for this person's decision. */
export const NEEDS = "needs";

class Store extends Unread {
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
  /** The channel that was open last. */
  last = "";
  /** Whether nobody is here yet, as the page was told when it was loaded. */
  needsFirstHuman = false;
  /** `{agentId, token, heard}` of an agent that was made on this page; the token is nowhere else. */
  made = null;
  outbox = null;
  drafts = null;
  /** The threads that were opened here, by the message that they hang under. */
  threads = new Map();
  /** What stands beside the log: null or `{channelId, parentId}`. */
  side = null;
  /** The message that an address points at. */
  target = "";
  /** `{key, act}` of the row under the pointer or the focus; act is "", "react" or "delete". */
  active = { key: "", act: "", aside: false };
  /** The message that is being written anew, by its id. */
  editing = "";
  /** Messages whose counts are to be read again. */
  doubts = new Set();
  /** What the pages beside the chat show, by name; `page` is the one that is open. */
  page = "";
  pages = {};
  #logs = new Map();
  #heard = [];
  #patience = 0;

  enter({ me, agents, channels, unread, replies, counted, asked, place }) {
    this.me = me;
    this.counted = this.seq = counted;
    this.outbox = new Outbox(me.id);
    this.drafts = new Drafts(me.id);
    this.setAgents(agents);
    this.setChannels(channels);
    this.counts = new Map(Object.entries(unread));
    this.replies = replies;
    this.log(NEEDS).loaded = true;
    for (const told of asked) this.addTold(told.senderId, told, false);
    for (const entry of this.outbox.entries) this.expect(entry);
    if (place) this.#begin(place);
    this.touch("me");
  }

  /** The channel that came with the page: nothing of it is missing up to where the first state reached. */
  #begin({ channelId, page, works, presence }) {
    this.last = channelId;
    this.meet(presence);
    this.merge(channelId, page, "");
    this.addWorks(channelId, works);
    this.log(channelId).readAt = this.counted;
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
      this.#logs.set(channelId, log);
    }
    return log;
  }

  /** The open place: a channel, a talk with one (`@ID`), or what needs this person. */
  get open() {
    const peer = this.openId.startsWith("@") ? this.openId.slice(1) : "";
    if (peer) return { id: this.openId, name: this.nameOf(peer), peer, role: "member" };
    return this.openId === NEEDS ? { id: NEEDS } : this.channels.get(this.openId);
  }

  nameOf(agentId) {
    const agent = this.agents.get(agentId);
    return agent?.kind === "human" ? agent.displayName || agentId : agentId;
  }

  /** Whether this place can be opened. */
  has(placeId) {
    return this.channels.has(placeId) || placeId === NEEDS || (placeId.startsWith("@") && this.agents.has(placeId.slice(1)));
  }

  /** What waits for this person's decision, the first to run out first. */
  get asked() {
    const waits = ({ kind, told }) => kind === "ask" && !told.decision && told.event.data.expiresAt > Date.now();
    return this.log(NEEDS).rows.filter(waits);
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
    const { unread, readSeq } = this.unread(channelId);
    log.freshSeq = unread && !channelId.startsWith("@") ? readSeq : null;
    if (log.freshSeq === null) log.freshAt = 0;
    this.editing = "";
    this.active = { key: "", act: "", aside: false };
    this.touch("open", "channels", "log");
  }

  /** Merges a page of history into a channel, and puts what was not sent yet below the newest. */
  merge(channelId, page, side) {
    const log = this.log(channelId);
    log.merge(page, side);
    if (!log.hasNewer) for (const entry of this.outbox.entries) if (entry.channelId === channelId && !entry.parentId) this.expect(entry);
    this.touch("log", "channels");
  }

  // ---- threads --------------------------------------------------------------

  /** The row of a message of this channel, in its log or in a thread. */
  row(channelId, messageId) {
    const logs = [this.log(channelId), ...this.threads.values()];
    return logs.map((log) => log.find(messageId)).find(Boolean);
  }

  /** Opens the thread under a message, or closes the pane. */
  openSide(side) {
    if (this.side?.parentId === side?.parentId) return;
    this.side = side;
    if (side) {
      const log = this.thread(side.parentId);
      log.channelId = side.channelId;
      const parent = this.row(side.channelId, side.parentId);
      if (parent) log.parent = parent.message;
    }
    this.touch("side");
  }

  thread(parentId) {
    let log = this.threads.get(parentId);
    if (!log) {
      log = new ChannelLog();
      this.threads.set(parentId, log);
      for (const entry of this.outbox.entries) if (entry.parentId === parentId) log.expect(entry, this.me.id);
    }
    return log;
  }

  setThread(parentId, parent, page) {
    const log = this.thread(parentId);
    log.parent = parent;
    log.threadId = parent.thread?.id ?? "";
    if (page) log.merge(page);
    else log.loaded = true;
    this.touch("side");
  }

  // ---- what is done with messages --------------------------------------------

  /** Whether this person's reaction is wanted there; shown at once, confirmed later. */
  react(channelId, messageId, emoji, wanted) {
    const row = this.row(channelId, messageId);
    if (row) this.alter(channelId, messageId, reacted(row.message, emoji, wanted ? 1 : -1, true));
  }

  /** A message as it is now. */
  alter(channelId, messageId, changes) {
    for (const log of [this.log(channelId), ...this.threads.values()]) if (log.find(messageId)) log.change(messageId, changes);
    for (const log of this.threads.values()) if (log.parent?.id === messageId) log.parent = { ...log.parent, ...changes };
    this.touch("log", "side");
  }

  doubt(messageId) {
    this.doubts.add(messageId);
    this.touch("doubts");
  }

  /** A row has the pointer or the focus; `aside` says that it stands in the pane beside the log. */
  activate(key, act = "", aside = this.active.aside) {
    if (this.active.key === key && this.active.act === act && this.active.aside === aside) return;
    this.active = { key, act, aside };
    this.touch("active");
  }

  edit(messageId) {
    this.editing = messageId;
    this.touch("editing");
  }

  // ---- what is told to this person alone --------------------------------------

  /** Adds what was told to or by this person: to the talk with that peer, and a question to what needs an answer. */
  addTold(peer, told, live) {
    const log = this.log(`@${peer}`);
    const { type, data } = told.event;
    const row = { order: told.seq, told, timestamp: told.timestamp };
    if (data.actionRequired) {
      const ask = { ...row, key: `ask ${told.seq}`, kind: "ask", message: { senderId: told.senderId, timestamp: told.timestamp } };
      if (told.agentId === this.me.id) this.log(NEEDS).put({ ...ask });
      if (told.agentId === this.me.id && this.channels.has(data.channelId)) this.log(data.channelId).put({ ...ask });
      if (log.loaded || !live) log.put(ask);
    } else if (log.loaded || !live) {
      if (data.inReplyTo) log.say({ type: "answered", ...data }, told.seq, told.timestamp);
      else log.store({ id: `told ${told.seq}`, content: data.content ?? "", senderId: told.senderId, timestamp: told.timestamp, told: type }, told.seq);
    }
    if (live) this.count(`@${peer}`, told.seq, told.senderId, [this.me.id]);
    this.touch("log", "agents", "asked");
  }

  /** Adds what agents told a channel of their work, older than what is known of it. */
  addWorks(channelId, { events, hasMore }) {
    this.log(channelId).learnWorks(events.map(cardOf), hasMore);
    this.touch("log");
  }

  /** A question was decided, here or elsewhere, or its time ran out. */
  settle(seq, decision, by, at) {
    for (const log of this.#logs.values()) {
      const row = log.find(`ask ${seq}`);
      if (row) Object.assign(row, { told: { ...row.told, decision, by, decidedAt: at }, version: row.version + 1 });
    }
    this.touch("log", "channels", "asked");
  }

  /** Takes in one envelope of the stream. Answers whether events of its channel are missing before it. */
  apply(envelope, seen) {
    const { channelId, channelSeq, event, foreign, seq } = envelope;
    if (seq) this.seq = Math.max(this.seq, seq);
    if (WORDS.has(event.type) && !this.hears(channelId)) {
      hearAside(this, envelope);
      return false;
    }
    const log = channelId && this.hears(channelId) && this.log(channelId);
    const gap = Boolean(log?.loaded && channelSeq && log.channelSeq && channelSeq > log.channelSeq + 1);
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
    for (const log of this.#logs.values()) if (log.loaded) log.forget(reason);
    this.log(NEEDS).loaded = true;
    this.threads.clear();
    this.counted = 0;
    this.touch("log", "channels", "side");
  }

  setConnection({ state, tries, retryAt }) {
    const broke = this.connection.state === "live" && state !== "live";
    this.connection = { state, tries, retryAt };
    if (state === "live") {
      clearTimeout(this.#patience);
      this.#patience = 0;
      this.lost = false;
    } else {
      if (broke) this.typing.clear();
      if (broke) this.presence.clear();
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

  /** Presences as they were told: of two the newer counts. */
  meet(presences) {
    for (const presence of presences) {
      if ((this.presence.get(presence.agentId)?.lastSeen ?? 0) > presence.lastSeen) continue;
      this.presence.set(presence.agentId, presence);
    }
    this.touch("agents");
  }

  /** A page beside the chat opens ("" closes it), or has something to show. */
  setPage(page, shown) {
    if (page !== this.page) this.pages = {};
    this.page = page;
    if (shown) this.pages = { ...this.pages, ...shown };
    this.touch("page");
  }

  setMade(made) {
    this.made = made;
    this.touch("log", "agents", "made");
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

  hops = (row) => (row.seen ? hopsOf(row, this.clock) : null);
}

export const store = new Store();
