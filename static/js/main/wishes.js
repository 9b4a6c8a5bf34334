/** What people ask for: each name is an event `hub:NAME` of an element, with its detail. */

import { ApiError, answered, api, asked } from "hub/api";
import { store } from "hub/store";
import { tryNow } from "./listening.js";
import { go } from "./place.js";
import { hoped, loadAgents, loadChannels, loadMessages, loadNewest, unfold } from "./reading.js";
import { drain } from "./sending.js";

const TYPING_MS = 4000;

export const WISHES = {
  send: async ({ channelId, parentId, content }) => {
    if (!parentId) await loadNewest(channelId);
    store.write(channelId, content, parentId);
    drain();
  },
  retry: ({ id }) => {
    store.sending(id, "waiting");
    drain();
  },
  discard: ({ id }) => store.discard(id),
  older: () => loadMessages(store.openId, "older"),
  newer: () => loadMessages(store.openId, "newer"),
  newest: () => loadNewest(store.openId),
  unfold: ({ key }) => unfold(store.openId, key),
  reconnect: tryNow,
  theme: switchTheme,
  signout: () => asked(api.logout()).then(() => location.replace("/")),
  join: ({ channelId }) => asked(api.join(channelId, store.me.id)).then(loadChannels),
  channel: ({ name, done }) => answered(done, async () => {
    const { id } = await asked(api.makeChannel({ name }));
    await loadChannels();
    go(id);
  }),
  key: ({ agentId, done }) => answered(done, () => makeKey(agentId)),
  login: (person) => submitted(() => api.login(person)),
  welcome: (person) => submitted(() => api.welcome(person)),
  go: ({ to }) => go(to),
  typing: ({ channelId, started }) => type(channelId, started),
  react: ({ channelId, id, emoji, wanted }) => react(channelId, id, emoji, wanted),
  edit: ({ channelId, id, content, done }) => answered(done, async () => store.alter(channelId, id, await asked(api.edit(id, content)))),
  delete: ({ channelId, id, done }) => answered(done, async () => {
    await asked(api.remove(id));
    store.alter(channelId, id, { content: "", deleted: true, reactions: undefined });
  }),
  decide: ({ seq, decision, done }) => answered(done, async () => {
    const told = await asked(api.decide(store.me.id, seq, decision));
    store.settle(seq, told.decision, store.me.id, told.decidedAt);
  }),
  notices: async (wish) => (await import("hub/notices")).setNotices(wish),
  search: async ({ query, done }) => done(await hoped(api.search(query))),
  latency: async ({ id, done }) => done((await hoped(api.latency(id)))?.hops ?? {}),
  html: async ({ ids, done }) => done((await hoped(api.html(ids)))?.html ?? {}),
};

async function makeKey(agentId) {
  if (!store.agents.has(agentId)) await asked(api.makeAgent({ id: agentId, kind: "agent" }));
  const { token } = await asked(api.makeToken({ agentId, name: "first words" }));
  store.setMade({ agentId, token, heard: false });
  await loadAgents();
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

/** Shown at once; a refusal takes it back. */
async function react(channelId, id, emoji, wanted) {
  store.react(channelId, id, emoji, wanted);
  try {
    await asked(wanted ? api.react(id, emoji) : api.unreact(id, emoji));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.react(channelId, id, emoji, !wanted);
  }
}

let typedAt = 0;

/** Says at most every few seconds that one writes, and at once that one no longer does. */
function type(channelId, started) {
  if (!store.channels.get(channelId)?.role || store.connection.state !== "live") return;
  if (started ? performance.now() - typedAt < TYPING_MS : !typedAt) return;
  typedAt = started ? performance.now() : 0;
  hoped(api.type(channelId, started));
}

/** To the one that is wanted ("" is the system's), else to the other of the two. */
function switchTheme({ theme }) {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = theme ?? (dark ? "light" : "dark");
  if (!root.dataset.theme) delete root.dataset.theme;
  document.cookie = `theme=${root.dataset.theme ?? ""}; path=/; max-age=31536000; samesite=strict`;
}
