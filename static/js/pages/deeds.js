/** What the pages beside the chat read and do; with `main` this is who knows the API. Each deed is an event `hub:NAME`. */

import { ApiError, answered, api, asked } from "hub/api";
import { store } from "hub/store";
import { DAY_MS, text } from "./text.js";
import { wire } from "./wire.js";

const LOOK_MS = 5000;

let looking = 0;

const READ = {
  health: async () => ({ health: await wire.health() }),
  agents: async () => ({ ...(await api.agents()), ...(await wire.tokens()) }),
  tokens: async () => ({ ...(await api.agents()), ...(await wire.tokens()) }),
  invitations: () => wire.invitations(),
  channels: async () => {
    const { channels } = await api.channels();
    const chosen = store.pages.chosen ?? channels[0]?.id;
    return { channels, chosen, members: chosen ? (await wire.members(chosen)).members : [] };
  },
  audit: () => wire.audit(),
  settings: async () => ({ settings: await wire.settings() }),
  you: () => wire.sessions(),
};

/** Whether this page is for those only who run the hub. */
export const FOR_ADMINS = ["agents", "invitations", "channels", "audit", "settings"];

/** Reads what a page shows; what cannot be read is told there. */
export async function openPage(page) {
  clearTimeout(looking);
  if (!READ[page] || (FOR_ADMINS.includes(page) && !store.me.admin)) return;
  if (page === "health") looking = setTimeout(() => store.page === page && openPage(page), LOOK_MS);
  try {
    const shown = await asked(READ[page]());
    if (store.page === page) store.setPage(page, { ...shown, problem: null });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (store.page === page) store.setPage(page, { problem: error });
  }
}

/** Does it, says whether it was refused, and reads the page anew. */
async function done(told, act) {
  await answered((refusal) => {
    told(refusal);
    if (!refusal) store.setPage(store.page, { did: text.done });
  }, act);
  await openPage(store.page);
}

const shown = (words, secret) => store.setPage(store.page, { once: { words, secret } });

async function learnAgents() {
  store.setAgents((await asked(api.agents())).agents);
}

async function makeKey(wish, words) {
  const { agentId, token } = await asked(api.makeToken(wish));
  shown(words(agentId), token);
}

const DEEDS = {
  again: ({ page }) => openPage(page),
  agentMake: ({ id, kind, told }) => done(told, async () => {
    await asked(api.makeAgent({ id, kind }));
    await learnAgents();
  }),
  agentDrop: ({ id, told }) => done(told, async () => {
    await asked(wire.dropAgent(id));
    await learnAgents();
  }),
  agentPower: ({ id, admin, told }) => done(told, () => asked(wire.alterAgent(id, { admin }))),
  passwordLink: ({ id, told }) => done(told, async () => {
    const { path } = await asked(wire.invite({ agentId: id }));
    shown(text.linkFor(store.nameOf(id)), location.origin + path);
  }),
  tokenMake: ({ agentId, name, scopes, days, told }) => done(told, () => {
    const expiresAt = Number(days) ? Date.now() + Number(days) * DAY_MS : undefined;
    return makeKey({ agentId, name, scopes, expiresAt }, text.keyOnce);
  }),
  tokenBeside: ({ agentId, name, scopes, expiresAt, told }) => done(told, () => makeKey({ agentId, name, scopes, expiresAt }, text.keyBeside)),
  tokenDrop: ({ id, told }) => done(told, () => asked(wire.dropToken(id))),
  invite: ({ told }) => done(told, async () => {
    const { path } = await asked(wire.invite({}));
    shown(text.linkOnce, location.origin + path);
  }),
  withdraw: ({ id, told }) => done(told, () => asked(wire.withdraw(id))),
  membersOf: ({ channelId }) => {
    store.setPage("channels", { chosen: channelId });
    openPage("channels");
  },
  seat: ({ channelId, agentId, role, told }) => done(told, () => asked(wire.seat(channelId, agentId, role))),
  unseat: ({ channelId, agentId, told }) => done(told, () => asked(wire.unseat(channelId, agentId))),
  keep: ({ channelId, days, other, told }) => done(told, () => asked(wire.keep(channelId, Number(other || days) || null))),
  archive: ({ channelId, told }) => done(told, () => asked(wire.archive(channelId))),
  entriesOlder: async () => {
    const { entries = [] } = store.pages;
    if (store.page !== "audit" || !entries.length) return;
    const more = await asked(wire.audit(entries.at(-1).id));
    store.setPage("audit", { entries: [...entries, ...more.entries], hasMore: more.hasMore });
  },
  sessionEnd: ({ id, told }) => done(told, () => asked(wire.endSession(id))),
  sessionsEnd: ({ told }) => done(told, async () => {
    await asked(wire.endSessions());
    location.replace("/");
  }),
  password: ({ current, password, told }) => done(told, () => wire.password({ current, password })),
};

for (const [name, act] of Object.entries(DEEDS)) document.addEventListener(`hub:${name}`, ({ detail }) => act(detail));
