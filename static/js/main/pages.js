/** What the pages beside the chat show and do. */

import { answered, api } from "hub/api";
import { store } from "hub/store";
import { asked, hoped, loadAgents } from "./reading.js";

const LOOK_MS = 5000;

let looking = 0;

const SHOWN = {
  agents: async () => ({ agents: (await asked(api.agents())).agents, tokens: (await asked(api.tokens())).tokens }),
  channels: async () => {
    const { channels } = await asked(api.channels());
    const id = store.pages.chosen ?? channels[0]?.id;
    return { channels, chosen: id, members: id ? (await asked(api.members(id))).members : [] };
  },
  health: async () => {
    clearTimeout(looking);
    looking = setTimeout(() => store.page === "health" && openPage("health"), LOOK_MS);
    const [ready, metrics] = await Promise.all([api.ready(), asked(api.metrics())]);
    return { ready, metrics };
  },
};

export async function openPage(page) {
  await import("hub/pages");
  const shown = SHOWN[page] && (await hoped(SHOWN[page]()));
  if (shown && store.page === page) store.setPage(page, shown);
}

async function done(told, act) {
  await answered(told, act);
  await openPage(store.page);
}

export const DEEDS = {
  agentMake: ({ id, kind, told }) => done(told, async () => {
    await asked(api.makeAgent({ id, kind }));
    await loadAgents();
  }),
  agentDrop: ({ id, told }) => done(told, async () => {
    await asked(api.dropAgent(id));
    await loadAgents();
  }),
  tokenMake: ({ agentId, name, told }) => done(told, async () => {
    const made = await asked(api.makeToken({ agentId, name }));
    store.setPage("agents", { secret: made });
  }),
  tokenDrop: ({ id, told }) => done(told, () => asked(api.dropToken(id))),
  membersOf: ({ channelId }) => {
    store.setPage("channels", { chosen: channelId });
    openPage("channels");
  },
  seat: ({ channelId, agentId, role, told }) => done(told, () => asked(api.seat(channelId, agentId, role))),
  unseat: ({ channelId, agentId, told }) => done(told, () => asked(api.unseat(channelId, agentId))),
  archive: ({ channelId, told }) => done(told, () => asked(api.archive(channelId))),
  topic: ({ channelId, topic, told }) => done(told, () => asked(api.alterChannel(channelId, { topic }))),
};
