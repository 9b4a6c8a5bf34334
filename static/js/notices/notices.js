/** Notices of the system for who wants them: read when they were turned on, or when somebody looks whether they are. */

import { NEEDS, store } from "hub/store";

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
