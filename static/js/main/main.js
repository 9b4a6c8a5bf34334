/** The page's beginning: this folder knows the api and the stream, and does what the elements ask for. */

import { store } from "hub/store";
import { listen, tryNow } from "./listening.js";
import { attendCalls } from "./calls.js";
import { rememberChannel, route } from "./place.js";
import { attend } from "./presence.js";
import { hoped, loadAgents, loadChannels, leaveRead, loadUnread, resolveDoubts, tellRead } from "./reading.js";
import { report } from "./reports.js";
import { WISHES } from "./wishes.js";

const AGENTS_PAUSE_MS = 500;

function startChat(state) {
  store.enter(state);
  route();
  if (store.last && store.last !== store.openId) store.log(store.last).leave();
  listen(state.cursor, state.worker);
  addEventListener("hashchange", route);
  addEventListener("focus", () => hoped(loadChannels())); // of a new public channel nobody else tells who is not in it
  store.on(["open"], rememberChannel);
  store.on(["listed"], route);
  store.on(["read"], tellRead);
  store.on(["open"], leaveRead);
  store.on(["doubts"], resolveDoubts);
  store.on(["mine"], () => hoped(loadChannels()));
  let pause = 0;
  store.on(["strangers"], () => {
    clearTimeout(pause);
    pause = setTimeout(() => hoped(loadAgents()), AGENTS_PAUSE_MS);
  });
  attend();
  attendCalls();
  report();
}

async function start() {
  const state = JSON.parse(document.getElementById("state").textContent);
  store.needsFirstHuman = state.needsFirstHuman;
  for (const [name, act] of Object.entries(WISHES)) document.addEventListener(`hub:${name}`, ({ detail }) => act(detail));
  document.addEventListener("visibilitychange", () => {
    store.unstick();
    if (document.hidden || !store.me) return;
    tryNow();
    hoped(loadUnread()); // another device may have read on
  });
  addEventListener("online", tryNow);
  if (state.view === "chat") startChat(state);
  await import(state.view === "chat" ? "hub/elements" : "hub/door");
}

start();
