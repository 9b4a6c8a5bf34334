/** Who is here, told and asked for: this person's own presence in the open channel, and that of its members. */

import { api } from "hub/api";
import { store } from "hub/store";
import { hoped } from "./reading.js";

const SETTLE_MS = 1500; // what one only passes through is not told
const AWAY_MS = 5 * 60_000;

let settling = 0;
let awayTimer = 0;
let told = new Map();
let status = "online";
let brought = true; // the page came with the presence of one channel

/** Tells and asks when a channel was opened, the hub is heard again, or the person leaves and returns. */
export function attend() {
  store.on(["open", "greeted"], soon);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(awayTimer);
    if (document.hidden) awayTimer = setTimeout(() => become("away"), AWAY_MS);
    else become("online");
  });
  store.on(["greeted"], () => (told = new Map()));
}

function become(next) {
  if (status === next) return;
  status = next;
  soon();
}

function soon() {
  clearTimeout(settling);
  settling = setTimeout(tellAndAsk, SETTLE_MS);
}

async function tellAndAsk() {
  const channel = store.channels.get(store.openId);
  if (!channel || store.connection.state !== "live") return;
  const key = `${channel.id} ${status}`;
  if (told.get(channel.id) === key) return;
  told.set(channel.id, key);
  if (channel.role && !channel.archivedAt) {
    const own = await hoped(api.appear(channel.id, status));
    if (own) store.meet([own]);
  }
  if (brought && channel.id === store.last) return void (brought = false);
  brought = false;
  const found = await hoped(api.presence(channel.id));
  if (found) store.meet(found.presence);
}
