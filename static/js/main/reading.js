/** What is read from the hub into the store. */

import { ApiError, api, asked } from "hub/api";
import { NEEDS, now, store } from "hub/store";

const PAGE = 50;
const AROUND = 25;
const CLOCK_SAMPLES = 8;
const CLOCK_PAUSE_MS = 150;
const CLOCK_FRESH_MS = 10 * 60_000;
const READ_PAUSE_MS = 700;
const DOUBT_PAUSE_MS = 400;
const HEARD_MS = 1500; // longer than this nobody waits: what was missed is read again

/** The same for what may fail without anybody being told: the stream's return reads it again. */
export async function hoped(promise) {
  try {
    return await asked(promise);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return null;
  }
}

export async function loadAgents() {
  store.setAgents((await asked(api.agents())).agents);
}

/** Reads a page of a place's history: the newest, or what adjoins the rows that are here ("older", "newer"). */
export async function loadMessages(placeId, side = "") {
  const log = store.log(placeId);
  if (placeId === NEEDS) return;
  if (log.loading || (side === "older" && !log.hasMore) || (side === "newer" && !log.hasNewer)) return;
  log.loading = true;
  store.touch("log");
  try {
    if (placeId.startsWith("@")) await loadTalk(placeId.slice(1), log, side);
    else await loadPage(placeId, log, side);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  } finally {
    log.loading = false;
    store.touch("log");
  }
  if (side !== "older" && log.hasNewer && !log.held) await loadMessages(placeId, "newer");
  if (log.stale && placeId === store.openId && store.hears(placeId) && !log.held) await loadMessages(placeId);
}

async function loadPage(placeId, log, side) {
  if (!side) await heard(placeId);
  const readAt = Math.max(store.seq, store.hears(placeId) ? log.since : 0);
  store.merge(placeId, await asked(api.messages(placeId, { ...edge(log, side), limit: PAGE })), side);
  if (!side) log.readAt = readAt;
  if (log.wantsWorks) await loadWorks(placeId, log);
}

/** What agents told of their work stands between the messages. */
async function loadWorks(placeId, log) {
  const found = await hoped(api.works(placeId, log.works?.cards[0]?.order));
  if (found) store.addWorks(placeId, found);
}

/** Waits until the words of a place come: what is read then and what is heard overlap, and nothing falls between. */
async function heard(placeId) {
  const waits = () => store.connection.state === "live" && !store.hears(placeId);
  if (!waits()) return;
  await new Promise((done) => {
    const off = store.on(["looking", "connection"], () => waits() || settle());
    const timer = setTimeout(() => settle(), HEARD_MS);
    const settle = () => {
      clearTimeout(timer);
      off();
      done();
    };
  });
}

function edge(log, side) {
  if (side === "older") return { before: log.oldest?.id };
  return side === "newer" ? { after: log.latest?.id } : {};
}

/** What was told between this person and one other. */
async function loadTalk(peer, log, side) {
  const before = side === "older" ? log.rows[0]?.order : undefined;
  const { events, hasMore } = await asked(api.told(store.me.id, { peer, before, limit: PAGE }));
  for (const told of events) store.addTold(peer, told, false);
  Object.assign(log, { loaded: true, hasMore });
}

/** Reads the rows around a message, and shows them instead of those that are here. */
export async function loadAround(channelId, messageId) {
  const log = store.log(channelId);
  if (log.find(messageId)) return;
  log.loading = true;
  try {
    await heard(channelId);
    await showAround(channelId, messageId, log);
  } finally {
    log.loading = false;
  }
  if (!log.loaded) await loadMessages(channelId);
  store.touch("log");
}

async function showAround(channelId, messageId, log) {
  const readAt = Math.max(store.seq, store.hears(channelId) ? log.since : 0);
  const message = await hoped(api.message(messageId));
  if (!message || message.channelId !== channelId) return;
  const id = message.threadId ? (await hoped(api.thread(message.threadId)))?.parentMessageId : messageId;
  if (!id) return;
  const [before, after] = await asked(Promise.all([api.messages(channelId, { before: id, limit: AROUND }), api.messages(channelId, { after: id, limit: AROUND })]));
  log.clear();
  log.held = true;
  const middle = message.threadId ? await asked(api.message(id)) : message;
  store.merge(channelId, { messages: [...before.messages, middle, ...after.messages], hasMore: before.hasMore }, "older");
  Object.assign(log, { hasNewer: after.hasMore, readAt });
}

/** Reads the newest rows when those that are here end further up. */
export async function loadNewest(channelId) {
  const log = store.log(channelId);
  if (!log.hasNewer) return;
  log.clear();
  log.held = false;
  await loadMessages(channelId);
}

export async function unfold(channelId, key) {
  const row = store.log(channelId).rows.find((one) => one.key === key);
  const page = row && (await hoped(api.messages(channelId, { after: row.from, limit: 100 })));
  if (page) store.log(channelId).unfold(key, page.messages);
  store.touch("log");
}

export async function loadThread({ channelId, parentId }) {
  const parent = await hoped(api.message(parentId));
  if (!parent || parent.channelId !== channelId) return;
  const page = parent.thread && (await hoped(api.replies(parent.thread.id, { limit: 200 })));
  store.setThread(parentId, parent, page);
  takeReplies({ ...store.replies });
}

/** Reads anew what may have changed unseen. */
export async function refresh() {
  const all = [loadAgents(), loadChannels(), loadUnread()];
  await Promise.allSettled(all);
  if (store.open) await loadMessages(store.openId);
  if (store.side) await loadThread(store.side);
}

export async function loadChannels() {
  store.setChannels((await asked(api.channels())).channels);
  store.touch("listed");
}

export async function loadUnread() {
  const { channels, threads } = await asked(api.unread());
  const own = [...store.counts].filter(([id]) => id.startsWith("@"));
  store.setUnread({ ...channels, ...Object.fromEntries(own) });
  takeReplies(threads);
}

/** Reads which followed threads have new replies. */
export async function loadReplies() {
  takeReplies((await asked(api.unread())).threads);
}

/** These threads have new replies; the one that stands beside the log is read. */
function takeReplies(threads) {
  const log = !document.hidden && store.side && store.threads.get(store.side.parentId);
  if (log && threads[log.threadId] && log.newest.id) {
    delete threads[log.threadId];
    hoped(api.readThread(log.threadId, log.newest.id));
  }
  store.setReplies(threads);
}

let clockAt = 0;

/** Learns the hub's clock: several short exchanges, of which the shortest counts. Only others' messages need it. */
export async function learnClock() {
  if (clockAt && now() - clockAt < CLOCK_FRESH_MS) return;
  clockAt = now();
  const exchanges = [];
  try {
    while (exchanges.length < CLOCK_SAMPLES) {
      const sentAt = now();
      const { time } = await api.time();
      exchanges.push({ sentAt, receivedAt: now(), hubTime: time });
      await new Promise((resolve) => setTimeout(resolve, CLOCK_PAUSE_MS));
    }
    store.setClock(exchanges);
  } catch {
    clockAt = 0; // not reached: the next message tries again
  }
}

let readTimer = 0;
let reading = "";

/** Moves the hub's marker to what was read last, at most every 700 ms; at once when the person goes elsewhere. */
export function tellRead() {
  if (reading && reading !== store.openId) sendRead();
  reading = store.openId;
  readTimer ||= setTimeout(sendRead, READ_PAUSE_MS);
}

async function sendRead() {
  clearTimeout(readTimer);
  const channelId = reading;
  readTimer = 0;
  reading = "";
  const { id } = store.log(channelId).newest;
  if (!id || !store.channels.get(channelId)?.role) return;
  const marker = await hoped(api.read(channelId, id));
  if (marker) store.setRead(channelId, marker);
}

/** Called when another place was opened. */
export function leaveRead() {
  if (reading && reading !== store.openId) sendRead();
}

let doubtTimer = 0;

/** Reads again the messages whose counts may have been told twice. */
export function resolveDoubts() {
  clearTimeout(doubtTimer);
  doubtTimer = setTimeout(async () => {
    const ids = [...store.doubts].slice(0, PAGE);
    store.doubts.clear();
    for (const id of ids) {
      const message = await hoped(api.message(id));
      if (message) store.alter(message.channelId, id, { reactions: message.reactions, reacted: message.reacted, thread: message.thread });
    }
  }, DOUBT_PAUSE_MS);
}
