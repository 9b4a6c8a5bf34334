/** What stands in the list, top to bottom: rows, days, the mark of what is new, the guide of an empty hub. */

import { store } from "hub/store";
import { ask, h } from "./dom.js";
import { dayElement, eventElement, follows, freshElement, refold, rowElement } from "./rows.js";
import { say } from "./say.js";

/** Items `{key, sign, make, row?, un?}`: an item whose sign is as before keeps its element. */
export function plan(log) {
  const items = [];
  const add = (key, sign, make) => items.push({ key, sign, make });
  const guide = wantsGuide(log);
  const days = !guide && log.loaded && store.open.retentionDays;
  if (log.hasMore) add("older", `${log.loading}`, () => olderElement(log.loading));
  else if (days) add("begins", `${days}`, () => line(say.begins(days)));
  let above = null;
  let day = "";
  let [dawn, dusk] = [0, 0];
  let fresh = false;
  const addDay = (at) => {
    day = say.day(at);
    dawn = new Date(at).setHours(0, 0, 0, 0);
    dusk = new Date(at).setHours(24, 0, 0, 0);
    add(`day ${day}`, "", () => dayElement(at));
    if (guide && items.length === 1) add("guide", "", guideElement);
    above = null;
  };
  if (guide && !log.rows.length) addDay(Date.now());
  if (!guide && log.loaded && !log.rows.length) add("quiet", store.openId, quietElement);
  for (let at = 0; at < log.rows.length; at += 1) {
    const row = log.rows[at];
    const time = row.message?.timestamp ?? row.timestamp;
    if (time && (time < dawn || time >= dusk)) addDay(time);
    const un = log.freshSeq !== null && row.order > log.freshSeq;
    if (un && !fresh) {
      fresh = true;
      items.push({ key: "fresh", sign: `${log.freshAt}`, make: () => freshElement(log.freshAt), un });
      above = null;
    }
    const told = row.kind === "event" && row.event.agentId ? together(log.rows, at) : [row];
    at += told.length - 1;
    items.push({ ...item(row, told, follows(row, above)), un });
    above = row;
  }
  return items;
}

function item(row, told, more) {
  if (row.kind === "event") {
    return { key: row.key, sign: `${told.length} ${row.version}`, make: () => eventElement(told) };
  }
  const sign = `${row.version} ${more} ${store.generation}`;
  const update = row.kind === "fold" ? (element) => refold(element, row) : undefined;
  return { key: row.key, sign, row, update, make: () => rowElement(row, more) };
}

/** This line of the hub's and those after it that say the same of others. */
function together(rows, at) {
  const { type } = rows[at].event;
  let end = at + 1;
  while (end < rows.length && rows[end].kind === "event" && rows[end].event.type === type) end += 1;
  return rows.slice(at, end);
}

/** The items of a thread: the message that it hangs under, how many replies, and they. */
export function planThread({ message, html }, log) {
  const row = { key: message.id, kind: "message", order: 0, version: 0, message: { ...message, thread: undefined }, html };
  const items = [{ ...item(row, [row], false), sign: `${JSON.stringify(row.message)} ${Boolean(html)} ${store.generation}` }];
  const count = log.rows.filter(({ kind }) => kind === "message").length;
  items.push({ key: "count", sign: `${count}`, make: () => line(say.replies(count)) });
  let above = null;
  for (const reply of log.rows) {
    items.push(item(reply, [reply], follows(reply, above)));
    above = reply;
  }
  return items;
}

function wantsGuide(log) {
  if (!store.channels.get(store.openId)?.role || !log.loaded) return false;
  return Boolean(store.made) || (!log.hasMore && !log.rows.some((row) => row.kind === "message"));
}

/** Nothing here yet: said in the hub's own voice. */
function quietElement() {
  const { peer, name } = store.open;
  return line(peer ? say.quietTalk(name) : name ? say.quiet(name) : say.nothingNeeds);
}

function line(words) {
  return h("li", { class: "event" }, h("p", { class: "body" }, words));
}

/** The guide is read when it is needed, which is once in a hub's life. */
function guideElement() {
  import("hub/guide");
  return h("li", { class: "event" }, document.createElement("hub-guide"));
}

function olderElement(loading) {
  const button = h("button", { class: "btn", type: "button", disabled: loading }, say.older);
  button.addEventListener("click", () => ask(button, "older"));
  return h("li", { class: "event" }, h("div", { class: "body" }, button));
}
