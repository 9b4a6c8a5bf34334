/** What each event of the stream changes in the store. */

import { now } from "./pulse.js";

const TYPING_MS = 10_000;

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
  return channelId === store.openId && !document.hidden && !store.log(channelId).held;
}

function addMessage(store, envelope, seen) {
  const { channelId, event, foreign, senderId, seq } = envelope;
  const log = store.log(channelId);
  if (!isWatched(store, channelId) && log.freshSeq === null && senderId !== store.me.id) {
    log.freshSeq = log.readSeq;
    log.freshAt = Date.now();
  }
  const row = foreign ? log.foreign(event.message, senderId) : log.store(event.message, seq);
  if (!foreign) store.outbox.remove(event.message.id);
  measure(store, channelId, row, seen);
  if (channelId !== store.openId || !log.held) log.trim();
  store.typing.get(channelId)?.delete(senderId);
  if (senderId !== store.me.id && !seen.replayed) store.hear(channelId, row);
  if (!foreign && store.made?.agentId === senderId && !store.made.heard) store.setMade({ ...store.made, heard: true });
  if (!foreign && !store.agents.has(senderId) && !senderId.startsWith("external:")) store.touch("strangers");
  store.touch("log", "channels", "typing");
}

/** Only what is painted as it comes, on a page that is looked at, has a time to the screen. */
function measure(store, channelId, row, seen) {
  if (seen.replayed || row.seen?.painted || !isWatched(store, channelId)) return;
  row.seen = { ...row.seen, received: seen.receivedAt, handled: now() };
  row.unpainted = true;
}

function change(store, channelId, messageId, changes) {
  store.log(channelId).change(messageId, changes);
  store.touch("log", "channels");
}

function changeChannel(store, channelId, changes) {
  const channel = store.channels.get(channelId);
  if (channel) store.channels.set(channelId, { ...channel, ...changes });
  store.touch("channels", "open");
}

function memberMoves(store, { channelId, seq, timestamp }, agentId, by) {
  const channel = store.channels.get(channelId);
  if (!channel || agentId === store.me.id) return store.touch("mine");
  if (channel.memberCount !== undefined) changeChannel(store, channelId, { memberCount: channel.memberCount + by });
  store.log(channelId).say({ type: by > 0 ? "join" : "leave", agentId }, seq, timestamp);
  return store.touch("log");
}

export const ACTS = {
  "channel.message": addMessage,
  "channel.message.edit": (store, { channelId, event }) =>
    change(store, channelId, event.messageId, { content: event.content, edited: true, editedAt: event.editedAt }),
  "channel.message.delete": (store, { channelId, event }) =>
    change(store, channelId, event.messageId, { content: "", deleted: true }),
  "channel.member.join": (store, envelope) => memberMoves(store, envelope, envelope.event.member.agentId, 1),
  "channel.member.leave": (store, envelope) => memberMoves(store, envelope, envelope.event.agentId, -1),
  "channel.update": (store, { channelId, event }) => changeChannel(store, channelId, event.channel),
  "channel.archive": (store, { channelId, event }) => changeChannel(store, channelId, { archivedAt: event.archivedAt }),
  "channel.delete": (store) => store.touch("mine"),
  "channel.presence": (store, { event }) => {
    store.presence.set(event.presence.agentId, event.presence);
    store.touch("agents");
  },
  "channel.typing": (store, { channelId, event }) => {
    if (event.threadId || event.agentId === store.me.id) return;
    if (!store.typing.has(channelId)) store.typing.set(channelId, new Map());
    const writers = store.typing.get(channelId);
    if (event.started) writers.set(event.agentId, Date.now() + TYPING_MS);
    else writers.delete(event.agentId);
    store.touch("typing");
  },
};
