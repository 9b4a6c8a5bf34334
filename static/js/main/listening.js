/** The stream: in a worker that all tabs share, or here where there is none. */

import { store, trusted } from "hub/store";
import { hoped, learnClock, loadAgents, loadMessages, loadReplies, loadThread, loadUnread, refresh } from "./reading.js";
import { drain } from "./sending.js";

const UNSURE_MS = 500;

let link = null;
let headSeq = 0;
let heardBefore = false;

function onFrame({ event, data }, receivedAt) {
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return; // not ours to understand
  }
  const act = FRAMES[event];
  if (act) act(value);
  else if (value.event?.type) take(value, receivedAt);
}

const FRAMES = {
  "hub.hello": (value) => {
    headSeq = value.seq;
    store.seq = Math.max(store.seq, value.seq);
    if (heardBefore) catchUp();
    heardBefore = true;
    store.touch("seq", "greeted");
    drain();
  },
  "hub.reset": (value) => {
    headSeq = store.seq = value.seq;
    store.forget(value.reason);
    refresh();
  },
  "hub.counters": ({ channels }) => store.setCounters(channels),
  "hub.bye": () => {},
};

/** Of which channels the words come now; what was read of the open one before that may lack something. */
function onLooking(looking) {
  const begun = store.setLooking(looking);
  const log = store.open && store.log(store.openId);
  if (log && !log.loaded) loadMessages(store.openId);
  else if (log?.stale && store.hears(store.openId)) catchUpWith(log);
  if (store.side && begun.includes(store.side.channelId)) loadThread(store.side);
}

/** What was read before the words came is read again; where a person reads further up, what lies below is asked for when it is wanted. */
function catchUpWith(log) {
  if (!log.held) loadMessages(store.openId);
  else Object.assign(log, { hasNewer: true, readAt: log.since });
}

/** What this tab looks at. */
const looked = () => (store.channels.has(store.openId) ? [store.openId] : []);

/** After a break the stream replays what was missed; what has no number (names, presence, markers) is read again. */
function catchUp() {
  loadAgents().catch(() => {});
  loadUnread().catch(() => {});
  if (store.open && !store.log(store.openId).loaded) loadMessages(store.openId);
  if (store.side && !store.threads.get(store.side.parentId)?.loaded) loadThread(store.side);
}

function take(envelope, receivedAt) {
  const replayed = Boolean(envelope.seq) && envelope.seq <= headSeq;
  const gap = store.apply(envelope, { receivedAt, replayed });
  if (gap) loadMessages(envelope.channelId);
  if (envelope.event.type === "channel.message" && envelope.senderId !== store.me.id && !replayed) learnClock();
}

function onState(state) {
  store.seq = Math.max(store.seq, state.seq);
  store.setConnection(state);
}

const refused = () => location.replace("/");

/** Starts to listen where the page's first state ends. */
export async function listen(cursor, workerUrl) {
  link = shared(cursor, workerUrl) ?? (await own(cursor));
  let last = looked();
  store.on(["open"], () => {
    if (String(looked()) !== String(last)) link.look((last = looked()));
  });
  again("unsure", loadUnread);
  again("replies", loadReplies);
}

/** Reads again a moment after it was said, once for all that is said until then. */
function again(topic, load) {
  let timer = 0;
  store.on([topic], () => (timer ||= setTimeout(() => {
    timer = 0;
    hoped(load());
  }, UNSURE_MS)));
}

export function tryNow() {
  link?.tryNow();
}

function shared(cursor, workerUrl) {
  if (!globalThis.SharedWorker) return null;
  let worker;
  try {
    worker = new SharedWorker(trusted.script(workerUrl), { type: "module", name: `hub ${store.me.id}` });
  } catch {
    return null; // forbidden here: each tab listens by itself
  }
  const { port } = worker;
  port.onmessage = ({ data }) => {
    if (data.looking) onLooking(data.looking);
    for (const { frame, at } of data.frames ?? []) onFrame(frame, at);
    if (data.state) onState(data.state);
    if (data.refused) refused();
  };
  port.postMessage({ enter: { cursor, look: looked() } });
  addEventListener("pagehide", () => port.postMessage({ leave: true }));
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  return { tryNow: () => port.postMessage({ tryNow: true }), look: (look) => port.postMessage({ look }) };
}

async function own(cursor) {
  const { Stream } = await import("hub/stream");
  const here = (frame, receivedAt) => onFrame(frame, performance.timeOrigin + receivedAt);
  const stream = new Stream("/api/events", { frame: here, state: onState, looking: onLooking, refused }, cursor);
  stream.look(looked());
  stream.start();
  return stream;
}
