/** The page's beginning: it alone knows the api and the stream, and does what the elements ask for. */

import { ApiError, api } from "hub/api";
import { now, store } from "hub/store";
import { Stream } from "hub/stream";

const PAGE = 50;
const HELLO_MS = 1500; // history waits for the stream's place in the log, but not for ever
const CLOCK_SAMPLES = 8;
const CLOCK_PAUSE_MS = 150;
const CLOCK_FRESH_MS = 10 * 60_000;
const AGENTS_PAUSE_MS = 500;
const RESEND_MS = 3000;
const RAIL = "rail";

const app = document.querySelector(".app");
let stream = null;
let clockAt = 0;
let draining = false;
let strangersTimer = 0;
let resendTimer = 0;

// ---- what is read from the hub ----------------------------------------------

/** Runs a call; a caller who is no longer signed in goes to the form. */
async function asked(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) location.replace("/");
    throw error;
  }
}

async function loadAgents() {
  const { agents } = await asked(api.agents());
  store.setAgents(agents);
}

async function loadChannels() {
  const { channels } = await asked(api.channels());
  store.setChannels(channels);
  route();
}

/** Reads a page of a channel's history: the newest, or what lies above. */
async function loadMessages(channelId, older = false) {
  const log = store.log(channelId);
  if (log.loading || (older && !log.hasMore)) return;
  log.loading = true;
  store.touch("log");
  try {
    const before = older ? log.oldest?.id : undefined;
    store.merge(channelId, await asked(api.messages(channelId, { before, limit: PAGE })), older);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // not reached: the stream's return reads it again
  } finally {
    log.loading = false;
    store.touch("log");
  }
}

/** Reads anew what may have changed unseen: everything that was read before, the open channel first. */
async function refresh() {
  historyRead = true;
  await Promise.allSettled([loadAgents(), loadChannels()]);
  if (!store.open) return;
  await loadMessages(store.openId);
  for (const { id } of store.mine) {
    if (id !== store.openId) await loadMessages(id);
  }
}

/** Learns the hub's clock: several short exchanges, of which the shortest counts. Only others' messages need it. */
async function learnClock() {
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

// ---- the stream -------------------------------------------------------------

const hello = Promise.withResolvers?.() ?? withResolvers();
let headSeq = 0;
let heardBefore = false;
let historyRead = false;

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}

function onFrame({ event, data, id }, receivedAt) {
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return; // not ours to understand
  }
  const act = FRAMES[event];
  if (act) act(value, id);
  else if (value.event?.type) take(value, receivedAt);
}

const FRAMES = {
  "hub.hello": (value) => {
    headSeq = value.seq;
    store.seq = Math.max(store.seq, value.seq);
    store.marks.enter(value.epoch);
    hello.resolve();
    if (heardBefore) catchUp();
    else if (historyRead) refresh(); // read before the stream had its place: something may lie between
    heardBefore = true;
    store.touch("seq");
    drain();
  },
  "hub.reset": (value) => {
    headSeq = value.seq;
    store.seq = value.seq;
    store.marks.enter(value.epoch);
    store.forget(value.reason);
    refresh();
  },
  "hub.bye": () => {},
};

/** After a break the stream replays what was missed; what has no number (names, topics seen elsewhere) is read again. */
function catchUp() {
  loadAgents().catch(() => {});
  for (const { id } of store.mine) {
    if (!store.log(id).loaded) loadMessages(id);
  }
}

function take(envelope, receivedAt) {
  const replayed = Boolean(envelope.seq) && envelope.seq <= headSeq;
  const gap = store.apply(envelope, { receivedAt: performance.timeOrigin + receivedAt, replayed });
  if (gap) loadMessages(envelope.channelId);
  if (envelope.event.type === "channel.message" && envelope.senderId !== store.me.id && !replayed) learnClock();
}

function listen() {
  stream = new Stream("/api/events", {
    frame: onFrame,
    state: (state) => {
      store.seq = Math.max(store.seq, state.seq);
      store.setConnection(state);
    },
    refused: () => location.replace("/"),
  });
  stream.start();
}

// ---- sending ----------------------------------------------------------------

/** Sends what waits, one after the other in the order it was written; the id makes a second try harmless. */
async function drain() {
  if (draining) return;
  draining = true;
  clearTimeout(resendTimer);
  for (let entry = store.outbox.next; entry; entry = store.outbox.next) {
    if (!(await sendOne(entry))) {
      resendTimer = setTimeout(drain, RESEND_MS);
      break;
    }
  }
  draining = false;
}

/** Answers whether the next one may be tried. */
async function sendOne({ id, channelId, content }) {
  store.sending(id, "sending");
  try {
    const { message, seq } = await asked(api.post({ id, channelId, content }));
    store.sent(message, seq ?? message.seq);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.sending(id, error.passing ? "waiting" : "refused", refusalOf(error));
    return !error.passing;
  }
}

function refusalOf({ status, message, retryAfterS }) {
  return { detail: message, freeAt: status === 429 ? Date.now() + retryAfterS * 1000 : 0 };
}

// ---- what people ask for ----------------------------------------------------

const WISHES = {
  send: ({ channelId, content }) => {
    store.write(channelId, content);
    drain();
  },
  retry: ({ id }) => {
    store.sending(id, "waiting");
    drain();
  },
  discard: ({ id }) => store.discard(id),
  older: () => loadMessages(store.openId, true),
  reconnect: () => stream.tryNow(),
  theme: switchTheme,
  signout: () => asked(api.logout()).then(() => location.replace("/")),
  join: ({ channelId }) => asked(api.join(channelId, store.me.id)).then(loadChannels),
  channel: ({ name, done }) => answered(done, async () => {
    const { id } = await asked(api.makeChannel({ name }));
    await loadChannels();
    location.hash = id;
  }),
  key: ({ agentId, done }) => answered(done, () => makeKey(agentId)),
  login: (person) => submitted(() => api.login(person)),
  welcome: (person) => submitted(() => api.welcome(person)),
};

async function makeKey(agentId) {
  if (!store.agents.has(agentId)) await asked(api.makeAgent({ id: agentId, kind: "agent" }));
  const { token } = await asked(api.makeToken({ agentId, name: "first words" }));
  store.setMade({ agentId, token, heard: false });
  await loadAgents();
}

/** Does something and calls `done` with nothing, or with the words of a refusal. */
async function answered(done, act) {
  try {
    await act();
    done("");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    done(error.message);
  }
}

async function submitted(act) {
  store.setForm({ busy: true });
  try {
    await act();
    location.replace("/");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.setForm({ problem: error });
  }
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
}

// ---- where the page is ------------------------------------------------------

/** The address says what is shown: `#CHANNEL` or, on a narrow screen, `#rail`. */
function route() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  app.dataset.pane = wanted === RAIL ? RAIL : "main";
  const known = store.channels.has(wanted) ? wanted : store.channels.has(store.openId) ? store.openId : first();
  if (!known || known === store.openId) return store.touch("open");
  store.openChannel(known);
  if (!store.log(known).loaded) loadMessages(known);
  return undefined;
}

function first() {
  const last = localStorage.getItem("channel");
  if (store.channels.has(last)) return last;
  return (store.mine.find(({ name }) => name === "general") ?? store.mine[0] ?? store.joinable[0])?.id ?? "";
}

function rememberChannel() {
  try {
    if (store.openId) localStorage.setItem("channel", store.openId);
  } catch {
    // a forbidden storage remembers nothing
  }
}

// ---- beginning --------------------------------------------------------------

async function startChat() {
  store.enter(await asked(api.me()));
  listen();
  await Promise.race([hello.promise, new Promise((resolve) => setTimeout(resolve, HELLO_MS))]);
  addEventListener("hashchange", route);
  store.on(["open"], rememberChannel);
  store.on(["mine"], () => loadChannels().catch(() => {}));
  store.on(["strangers"], () => {
    clearTimeout(strangersTimer);
    strangersTimer = setTimeout(() => loadAgents().catch(() => {}), AGENTS_PAUSE_MS);
  });
  await refresh();
}

async function start() {
  const state = JSON.parse(document.getElementById("state").textContent);
  store.needsFirstHuman = state.needsFirstHuman;
  for (const [name, act] of Object.entries(WISHES)) document.addEventListener(`hub:${name}`, ({ detail }) => act(detail));
  document.addEventListener("visibilitychange", () => {
    store.unstick();
    if (!document.hidden) stream?.tryNow();
  });
  addEventListener("online", () => stream?.tryNow());
  await import("hub/elements");
  if (state.view === "chat") await startChat();
}

start();
