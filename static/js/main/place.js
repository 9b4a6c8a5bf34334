/**
 * Where the page is, as its address says: `#CHANNEL`, `#CHANNEL/MESSAGE` for one message, `#CHANNEL/MESSAGE/thread`, `#@AGENT`
 * for a talk, `#needs`, `#page/NAME` for a page beside the chat and, on a narrow screen, `#rail`.
 */

import { store } from "hub/store";
import { loadAround, loadMessages, loadThread } from "./reading.js";

const RAIL = "rail";
const app = document.querySelector(".app");

export function route() {
  const [placeId, message, side] = decodeURIComponent(location.hash.slice(1)).split("/");
  const wanted = placeId === RAIL ? "" : placeId;
  const page = wanted === "page" ? message : "";
  store.setPage(page);
  if (page) import("hub/pages").then(({ openPage }) => openPage(page));
  app.dataset.view = page ? "page" : "chat";
  const known = store.has(wanted) ? wanted : store.has(store.openId) ? store.openId : first();
  store.openSide(side === "thread" ? { channelId: known, parentId: message } : null);
  app.dataset.pane = placeId === RAIL ? RAIL : store.side ? "side" : "main";
  if (store.side) loadThread(store.side);
  show(known, page || side ? "" : message);
}

function show(known, target = "") {
  if (known && known !== store.openId) store.openChannel(known);
  else store.touch("open");
  if (!known) return;
  if (target) {
    store.target = target;
    loadAround(known, target).then(() => store.touch("target"));
  } else if (!store.log(known).loaded) loadMessages(known);
}

function first() {
  if (store.channels.has(store.last)) return store.last;
  return (store.mine.find(({ name }) => name === "general") ?? store.mine[0] ?? store.joinable[0])?.id ?? "";
}

/** The hub is told with the next request for the page, so that it can bring this channel along. */
export function rememberChannel() {
  if (store.channels.has(store.openId)) document.cookie = `channel=${store.openId}; path=/; max-age=31536000; samesite=strict`;
}

/** Goes to a place without leaving a step behind when only the pane beside it closes. */
export function go(hash) {
  location.hash = hash;
}
