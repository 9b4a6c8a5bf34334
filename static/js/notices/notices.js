/** Notices of the system for who wants them: read when they were turned on, or when somebody looks whether they are. */

import { api } from "hub/api";
import { NEEDS, store } from "hub/store";

const LOOKED_BACK = 20;
const LENGTH = 200;

const picture = document.querySelector("link[rel=apple-touch-icon]")?.href;
const key = (name) => `${name} ${store.me.id}`;

function remembered(name) {
  try {
    return localStorage.getItem(key(name)) ?? "";
  } catch {
    return "";
  }
}

/** Why there can be no notices here: "", "insecure", "missing" or "denied". */
function hindrance() {
  if (!isSecureContext) return "insecure";
  if (!("Notification" in globalThis)) return "missing";
  return Notification.permission === "denied" ? "denied" : "";
}

function know() {
  const reason = hindrance();
  store.setNotices({ reason, on: !reason && Notification.permission === "granted" && remembered("notices") === "1" });
}

/** Turned on or off by this person; the browser is asked on that click, never by itself. */
export async function setNotices({ wanted, done }) {
  if (wanted && !hindrance()) await Notification.requestPermission();
  try {
    localStorage.setItem(key("notices"), wanted ? "1" : "");
  } catch {
    // a forbidden storage remembers nothing
  }
  know();
  done();
}

/** Where this person was mentioned out of sight only a number came: the words are read for the notice. */
function lookBack() {
  const places = [...store.called];
  store.called.clear();
  if (!store.notices.on) return;
  places.forEach(async (placeId) => {
    const page = await api.messages(placeId, { limit: LOOKED_BACK }).catch(() => null);
    const last = page?.messages.findLast(({ mentions, senderId }) => mentions?.includes(store.me.id) && senderId !== store.me.id);
    if (last) notify({ placeId, senderId: last.senderId, content: last.content, seq: last.seq });
  });
}

/** Told once, by the tab that comes first, and only to who is not looking there already. */
function notify({ placeId, senderId, content, seq }) {
  if (!store.notices.on || (document.hasFocus() && !document.hidden && placeId === store.openId)) return;
  if (Number(remembered("noticed")) >= seq) return;
  localStorage.setItem(key("noticed"), String(seq));
  const where = placeId.startsWith("@") || placeId === NEEDS ? "" : ` · ${store.channels.get(placeId)?.name ?? ""}`;
  try {
    const told = new Notification(`${store.nameOf(senderId)}${where}`, { body: content.slice(0, LENGTH), tag: placeId, icon: picture, renotify: true });
    told.onclick = () => {
      focus();
      location.hash = placeId;
      told.close();
    };
  } catch {
    store.setNotices({ reason: "missing", on: false }); // a phone's browser has them for installed apps with a worker only
  }
}

know();
store.on(["summons"], () => store.takeSummons().forEach(notify));
store.on(["called"], lookBack);
