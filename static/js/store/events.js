/** What each event of the stream changes in the store. */

import { now } from "./pulse.js";

const TYPING_MS = 10_000;

/** What is said in a channel, and what becomes of it: this comes only of channels that somebody looks at. */
export const WORDS = new Set(["message", "message.edit", "message.delete", "reaction.add", "reaction.remove", "typing"].map((name) => `channel.${name}`).concat("thread.message"));

/** Who a message is from as the hub tells it: `{id, kind, name, via}`; kind is "person", "agent" or "outside". */
export function senderOf(store, row) {
  const id = row.foreign ? row.senderId : row.message.senderId;
  const external = /^external:([^:]+):(.+)$/.exec(id);
  if (external) return { id, kind: "outside", name: external[2], via: external[1] };
  if (row.foreign) return { id, kind: "outside", name: id, via: "" };
  const agent = store.agents.get(id);
  if (agent?.kind === "human") return { id, kind: "person", name: agent.displayName || id, via: "" };
  return { id, kind: agent?.kind === "bridge" ? "outside" : "agent", name: id, via: "" };
}

function isWatched(store, channelId) {
  const log = store.log(channelId);
  return channelId === store.openId && !document.hidden && !log.held && !log.hasNewer;
}

/** A mark stands before the first of what comes while nobody looks. */
function markFresh(store, channelId, senderId, seq) {
  const log = store.log(channelId);
  if (isWatched(store, channelId) || log.freshSeq !== null || senderId === store.me.id) return;
  log.freshSeq = seq ? seq - 1 : log.lastSeq;
  log.freshAt = Date.now();
}

function addMessage(store, envelope, seen) {
  const { channelId, event, foreign, senderId, seq } = envelope;
  const log = store.log(channelId);
  const watched = isWatched(store, channelId);
  markFresh(store, channelId, senderId, seq);
  const row = foreign ? (log.loaded ? log.foreign(event.message, senderId) : undefined) : log.take(event.message, seq, store.agents.get(senderId)?.kind !== "human");
  if (!foreign) {
    store.outbox.remove(event.message.id);
    store.count(channelId, seq, senderId, event.message.mentions, watched);
  }
  if (row) measure(store, channelId, row, seen);
  if (channelId !== store.openId || !log.held) log.trim();
  store.typing.get(channelId)?.delete(senderId);
  if (!seen.replayed && !foreign) summon(store, envelope);
  if (senderId !== store.me.id && !seen.replayed) store.hear(channelId, row ?? { foreign, senderId, message: event.message });
  if (!foreign && store.made?.agentId === senderId && !store.made.heard) store.setMade({ ...store.made, heard: true });
  if (!foreign && !store.agents.has(senderId) && !senderId.startsWith("external:")) store.touch("strangers");
  store.touch("log", "typing");
}

/** Whether this person is called by name; then they are told where they asked for that. */
function summon(store, { channelId, event: { message }, senderId, seq }) {
  if (senderId === store.me.id || !message.mentions?.includes(store.me.id)) return false;
  store.summon(channelId, senderId, message.content, seq);
  return true;
}

/** Words of a channel that nobody looks at: meant for this person, or on their way when they looked elsewhere. */
export function hearAside(store, envelope) {
  const { type } = envelope.event;
  if (type === "thread.message") store.touch("replies");
  if (type !== "thread.message" && type !== "channel.message") return;
  if (!summon(store, envelope) && type === "channel.message") store.touch("unsure");
}

/** Only what is painted as it comes, on a page that is looked at, has a time to the screen. */
function measure(store, channelId, row, seen) {
  if (seen.replayed || row.seen?.painted || !isWatched(store, channelId)) return;
  row.seen = { ...row.seen, received: seen.receivedAt, handled: now() };
  row.unpainted = true;
}

function change(store, channelId, messageId, changes) {
  store.log(channelId).change(messageId, changes);
  for (const log of store.threads.values()) if (log.find(messageId)) log.change(messageId, changes);
  store.touch("log", "channels", "side");
}

/** Applies `alter(message)` to a message wherever it is shown; where its counts may be told twice, it is read again. */
function recount(store, channelId, row, alter) {
  if (!row || row.message.deleted) return;
  const logs = [store.log(channelId), ...store.threads.values()].filter((log) => log.find(row.key));
  if (logs.some((log) => log.doubtful)) store.doubt(row.key);
  for (const log of logs) log.change(row.key, alter(log.find(row.key).message));
  store.touch("log", "side");
}

/** The message with one more or one less of a reaction; what is so already stays. */
export function reacted(message, emoji, by, mine) {
  const own = new Set(message.reacted);
  if (mine && own.has(emoji) === by > 0) return {};
  if (mine) own[by > 0 ? "add" : "delete"](emoji);
  const reactions = { ...message.reactions, [emoji]: (message.reactions?.[emoji] ?? 0) + by };
  if (reactions[emoji] <= 0) delete reactions[emoji];
  return { reactions, reacted: [...own] };
}

function react(store, { channelId, event }, by) {
  const row = store.row(channelId, event.messageId);
  recount(store, channelId, row, (message) => reacted(message, event.emoji, by, event.agentId === store.me.id));
}

function openThread(store, { channelId, event: { thread } }) {
  const row = store.row(channelId, thread.parentMessageId);
  recount(store, channelId, row, (message) => ({ thread: { replyCount: thread.replyCount, ...message.thread, id: thread.id } }));
  const log = store.threads.get(thread.parentMessageId);
  if (log) Object.assign(log, { threadId: thread.id, loaded: true });
}

function addReply(store, envelope, seen) {
  const { channelId, event, seq, senderId } = envelope;
  const { threadId, message } = event;
  store.outbox.remove(message.id);
  for (const log of store.threads.values()) if (log.threadId === threadId) log.take(message, seq);
  const parent = store.log(channelId).rows.find((row) => row.message?.thread?.id === threadId);
  recount(store, channelId, parent, ({ thread }) => ({
    thread: { ...thread, replyCount: thread.replyCount + 1, lastReplyAt: message.timestamp, lastFrom: senderId },
  }));
  if (senderId !== store.me.id) store.touch("replies");
  if (!seen.replayed) summon(store, envelope);
  if (senderId !== store.me.id && !seen.replayed) store.hear(channelId, { message });
  store.touch("log", "side");
}

function changeChannel(store, channelId, changes) {
  const channel = store.channels.get(channelId);
  if (channel) store.channels.set(channelId, { ...channel, ...changes });
  store.touch("channels", "open");
}

function memberMoves(store, { channelId, seq, timestamp }, agentId, by) {
  const channel = store.channels.get(channelId);
  if (!channel || agentId === store.me.id) return store.touch("mine");
  if (!store.agents.has(agentId)) store.touch("strangers");
  if (channel.memberCount !== undefined) changeChannel(store, channelId, { memberCount: channel.memberCount + by });
  const log = store.log(channelId);
  if (log.follows) log.say({ type: by > 0 ? "join" : "leave", agentId }, seq, timestamp);
  return store.touch("log");
}

/** What is told to one: a question, its answer, a private word. It stands in the talk with its sender, a question with all. */
function tellAgent(store, { event, senderId, seq, timestamp }, seen) {
  const told = { seq, senderId, timestamp, event, agentId: senderId === store.me.id ? "" : store.me.id };
  const { inReplyTo, decision, by } = event.data;
  if (inReplyTo) store.settle(inReplyTo, decision, by, timestamp);
  if (!store.agents.has(senderId)) store.touch("strangers");
  if (!told.agentId) return store.touch("told"); // to whom, only the hub knows: it is asked
  store.addTold(senderId, told, true);
  if (!seen.replayed && !inReplyTo) store.summon(`@${senderId}`, senderId, event.data.content ?? "", seq);
  if (!seen.replayed) store.hear(`@${senderId}`, { message: { senderId, content: event.data.content ?? "" } });
  return store.touch("log", "channels", "asked");
}

function announce(store, { event, seq, timestamp }) {
  if (!event.data?.message || !store.open) return;
  store.log(store.openId).say({ type: "said", text: event.data.message, severity: event.data.severity }, seq, timestamp);
  store.touch("log");
}

/** What an agent told a channel of its work, as a row. */
export function cardOf({ event, senderId, seq, timestamp }) {
  return { key: `card ${seq}`, kind: "card", order: seq, event: event.event, message: { senderId, timestamp } };
}

function collaborate(store, envelope) {
  store.log(envelope.channelId).addWork(cardOf(envelope));
  store.touch("log");
}

export const ACTS = {
  "channel.message": addMessage,
  "channel.message.edit": (store, { channelId, event }) =>
    change(store, channelId, event.messageId, { content: event.content, edited: true, editedAt: event.editedAt, mentions: event.mentions }),
  "channel.message.delete": (store, { channelId, event }) =>
    change(store, channelId, event.messageId, { content: "", deleted: true, reactions: undefined }),
  "channel.reaction.add": (store, envelope) => react(store, envelope, 1),
  "channel.reaction.remove": (store, envelope) => react(store, envelope, -1),
  "thread.create": openThread,
  "thread.update": openThread,
  "thread.message": addReply,
  "channel.member.join": (store, envelope) => memberMoves(store, envelope, envelope.event.member.agentId, 1),
  "channel.member.leave": (store, envelope) => memberMoves(store, envelope, envelope.event.agentId, -1),
  "channel.update": (store, { channelId, event }) => changeChannel(store, channelId, event.channel),
  "channel.archive": (store, { channelId, event }) => changeChannel(store, channelId, { archivedAt: event.archivedAt }),
  "channel.delete": (store) => store.touch("mine"),
  "channel.presence": (store, { event }) => store.meet([event.presence]),
  "channel.typing": (store, { channelId, event }) => {
    if (event.agentId === store.me.id) return;
    const place = event.threadId ?? channelId;
    if (!store.typing.has(place)) store.typing.set(place, new Map());
    const writers = store.typing.get(place);
    if (event.started) writers.set(event.agentId, Date.now() + TYPING_MS);
    else writers.delete(event.agentId);
    store.touch("typing");
  },
  "collaboration.event": collaborate,
  "agent.direct_message": tellAgent,
  "agent.notification": tellAgent,
  "agent.command": tellAgent,
  "agent.invite": tellAgent,
  "system.announcement": announce,
  "system.maintenance": announce,
  "system.performance.alert": announce,
};
