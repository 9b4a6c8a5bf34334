/** One's own: where one is signed in, the password, and what this browser remembers. */

import { ask, h, say } from "hub/elements";
import { store } from "hub/store";
import { deed, form, hint, moment, section, table } from "./build.js";
import { text } from "./text.js";

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS X", "a Mac"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];
const KEYS_OFF = "single keys off";

export function youPage({ sessions }) {
  const own = sessions.filter(({ agentId }) => agentId === store.me.id).sort((a, b) => Boolean(b.current) - Boolean(a.current) || (b.lastUsedAt ?? 0) - (a.lastUsedAt ?? 0));
  const heads = [text.device, [text.signedIn, "opt"], text.lastUse, [text.expires, "opt"], ["", "r"]];
  const secrets = { type: "password", maxlength: "1000" };
  return [
    h("h1", { class: "lede", tabindex: "-1" }, text.youLede(store.nameOf(store.me.id))),
    section(text.sessions, own.length ? table(text.sessions, heads, own.map(sessionRow)) : h("p", { class: "hubsays" }, text.noSessions), own.length ? h("p", { class: "under" }, deed(text.everywhere, "sessionsEnd", {}, text.everywhereSure)) : null),
    section(text.password, hint(text.passwordHint), form("password", [["current", text.current, null, { ...secrets, autocomplete: "current-password" }], ["password", text.wanted, null, { ...secrets, autocomplete: "new-password", minlength: "12" }]], text.change)),
    section(text.thisBrowser, h("dl", { class: "parts" }, fact(text.theme, themes()), fact(text.singleKeys, singleKeys()), fact(text.notices, notices()), fact(text.language, text.languages))),
  ];
}

const fact = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));

function sessionRow({ id, device, createdAt, lastUsedAt, expiresAt, current }) {
  return h(
    "tr",
    null,
    h("td", { title: device || null }, named(device)),
    h("td", { class: "opt" }, moment(createdAt, text.date)),
    h("td", null, moment(lastUsedAt)),
    h("td", { class: "opt" }, moment(expiresAt, text.until)),
    h("td", { class: "r" }, current ? h("b", null, text.thisOne) : deed(text.endIt, "sessionEnd", { id }, text.endSure)),
  );
}

/** What a browser calls itself, in two words that people know it by. */
function named(device = "") {
  const known = (table) => table.find(([sign]) => device.includes(sign))?.[1];
  return text.on(known(BROWSERS) ?? text.someBrowser, known(SYSTEMS));
}

function themes() {
  const root = document.documentElement;
  const choice = h("select", { "aria-label": text.theme, "data-k": "theme" }, ...text.themes.map(([value, words]) => h("option", { value, selected: value === (root.dataset.theme ?? "") }, words)));
  choice.addEventListener("change", () => ask(choice, "theme", { theme: choice.value }));
  return choice;
}

function singleKeys() {
  const box = h("input", { type: "checkbox", "aria-label": say.singleKeys, "data-k": "single-keys" });
  try {
    box.checked = localStorage.getItem(KEYS_OFF) !== "1";
    box.addEventListener("change", () => localStorage.setItem(KEYS_OFF, box.checked ? "" : "1"));
  } catch {
    box.disabled = true; // a forbidden storage remembers nothing
  }
  return h("span", { class: "check" }, box);
}

/** Notices of the system, or the reason why this browser has none here. */
function notices() {
  if (!store.notices) import("hub/notices").then(() => store.touch("page"));
  const { on, reason } = store.notices ?? {};
  if (reason) return text.noNotices[reason];
  const box = h("input", { type: "checkbox", "aria-label": text.notices, "data-k": "notices" });
  box.checked = on;
  box.addEventListener("change", () => ask(box, "notices", { wanted: box.checked, done: () => store.touch("page") }));
  return h("span", { class: "check" }, box);
}
