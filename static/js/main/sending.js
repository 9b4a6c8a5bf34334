/** What people write goes out: one after the other in the order it was written; the id makes a second try harmless. */

import { ApiError, api, asked } from "hub/api";
import { store } from "hub/store";

const RESEND_MS = 3000;

let draining = false;
let resendTimer = 0;

export async function drain() {
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
async function sendOne(entry) {
  const talk = entry.channelId.startsWith("@");
  store.sending(entry.id, "sending");
  try {
    if (talk) await tell(entry);
    else {
      const { message, seq } = await asked(api.post(await posted(entry)));
      store.sent(entry, message, seq ?? message.seq);
    }
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.sending(entry.id, error.passing ? "waiting" : "refused", refusalOf(error));
    return !error.passing;
  }
}

async function posted({ id, channelId, parentId, content }) {
  if (!parentId) return { id, channelId, content };
  const known = store.threads.get(parentId)?.threadId;
  const threadId = known || (await asked(api.openThread({ channelId, parentMessageId: parentId }))).id;
  const log = store.threads.get(parentId);
  if (log) log.threadId = threadId;
  return { id, channelId, threadId, content };
}

async function tell({ id, channelId, content }) {
  const peer = channelId.slice(1);
  const told = await asked(api.tell(peer, { id, type: "agent.direct_message", data: { content } }));
  store.discard(id);
  store.addTold(peer, told, true);
}

function refusalOf({ status, message, retryAfterS }) {
  return { detail: status === 0 ? "" : message, freeAt: status === 429 ? Date.now() + retryAfterS * 1000 : 0 };
}
