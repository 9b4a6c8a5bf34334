/** One row of the log as an element: a message, what the hub says, a break, a day, the mark of what is new. */

import { senderOf, store } from "hub/store";
import { threadHash } from "./acts.js";
import { askCard, collaborationCard } from "./cards.js";
import { ask, h, mark, unseen } from "./dom.js";
import { say } from "./say.js";
import { trace } from "./scale.js";
import { htmlBlock, shortened } from "./typeset.js";
import { words } from "./words.js";

const TOGETHER_MS = 5 * 60_000;
const NAMED = 3;

/** The words of a row as elements: they stay when the row is made anew, with what a person unfolded or copied there. */
const blocks = new WeakMap();

/** Whether a row goes on where the one above it left off: the same sender, soon after, nothing between. */
export function follows(row, above) {
  if (row.kind !== "message" || (above?.kind !== "message" && above?.kind !== "fold") || above.senders?.size > 1) return false;
  const [one, other] = [senderOf(store, row), senderOf(store, above)];
  const near = Math.abs(row.message.timestamp - above.message.timestamp) < TOGETHER_MS;
  return one.id === other.id && one.kind === other.kind && near && !row.message.deleted && !above.message.deleted;
}

/** The element of a row; `more` leaves out name and mark. */
export function rowElement(row, more) {
  if (row.kind === "fold") return foldElement(row);
  if (row.kind === "gap") return h("li", { class: "event" }, h("p", { class: "body gap" }, say.gap));
  if (row.kind === "event") return eventElement([row]);
  const sender = senderOf(store, row);
  const { message } = row;
  return h(
    "li",
    { class: more ? "more" : null, "data-id": row.foreign ? null : row.key, tabindex: row.foreign ? null : "-1" },
    stamp(message.timestamp),
    more ? null : mark(sender.kind),
    h("article", { class: "body" }, more ? unseen(sender.name) : nameOf(sender), content(row), reactions(message), branch(message), redo(row)),
    beside(row),
  );
}

function content(row) {
  if (row.kind === "ask") return askCard(row.told);
  return row.kind === "card" ? collaborationCard(row.event) : body(row);
}

/** Many posts in a moment: how many, of how many senders, in how long, and the last one's words. */
function foldElement(row) {
  const button = h("button", { class: "branch", type: "button", "data-k": "fold" }, h("b"), h("span", { dir: "auto" }));
  button.addEventListener("click", () => ask(button, "unfold", { key: row.key }));
  const element = h("li", { class: "more" }, h("div", { class: "body" }, button));
  refold(element, row);
  return element;
}

/** Tells in the same element how far a fold has grown: who is about to press it presses it. */
export function refold(element, row) {
  const seconds = Math.max(1, Math.round((row.message.timestamp - row.firstAt) / 1000));
  const many = row.senders.size > 1;
  element.querySelector("b").textContent = say.folded(row.count, many ? row.senders.size : 0, seconds);
  element.querySelector("span").textContent = say.lastOf(many ? senderOf(store, row).name : "", row.message.content.slice(0, 120));
}

function reactions(message) {
  const all = Object.entries(message.reactions ?? {}).sort();
  if (!all.length || message.deleted) return null;
  return h("div", { class: "rx" }, ...all.map(([emoji, count]) => {
    const mine = Boolean(message.reacted?.includes(emoji));
    const label = say.reaction(emoji, count, mine);
    const button = h("button", { type: "button", "aria-pressed": String(mine), "aria-label": label, "data-k": `rx ${emoji}` }, h("i", null, emoji), String(count));
    button.addEventListener("click", () => ask(button, "react", { channelId: message.channelId ?? store.openId, id: message.id, emoji, wanted: !mine }));
    return button;
  }));
}

/** Where a thread leaves the line. */
function branch(message) {
  const { thread } = message;
  if (!thread?.replyCount || message.threadId) return null;
  const from = thread.lastFrom ? senderOf(store, { message: { senderId: thread.lastFrom } }) : null;
  return h(
    "a",
    { class: "branch", href: `#${threadHash(message)}`, "data-k": "branch" },
    from ? mark(from.kind) : null,
    h("b", null, say.replies(thread.replyCount)),
    h("span", null, say.lastReply(from?.name, thread.lastReplyAt)),
  );
}

/** Several of the hub's lines of one kind in a row, told in one. */
export function eventElement(rows) {
  const { type } = rows[0].event;
  if (type === "said" || type === "answered") return saidElement(rows[0].event);
  const names = rows.map(({ event }) => event.agentId);
  const more = names.length > NAMED + 1 ? names.length - NAMED : 0;
  const named = names.slice(0, more ? NAMED : names.length);
  const told = say[rows[0].event.type === "join" ? "joined" : "left"](named, more);
  const pieces = told.map((piece) => (named.includes(piece) ? h("b", { class: "id" }, piece) : piece));
  return h("li", { class: "event" }, h("p", { class: "body" }, ...pieces));
}

function saidElement({ type, text, by, decision, inReplyTo, severity }) {
  const words = type === "said" ? text : say.answered(by && store.nameOf(by), decision, inReplyTo);
  return h("li", { class: "event" }, h("p", { class: severity && severity !== "info" ? "body gap" : "body", dir: "auto" }, words));
}

export function dayElement(at) {
  return h("li", { class: "day" }, h("h2", { class: "body" }, say.day(at)));
}

export function freshElement(at) {
  return h("li", { class: "fresh" }, h("p", { class: "body" }, say.freshSince(at)));
}

function stamp(at) {
  return h("time", { class: "at", datetime: new Date(at).toISOString(), title: say.utc(at) }, say.time(at));
}

function nameOf(sender) {
  return h(
    "h3",
    { class: sender.kind === "agent" ? "who bot" : "who" },
    h("bdi", null, sender.name),
    unseen(`, ${say.kinds[sender.kind]}`),
    sender.kind === "outside" ? h("span", { class: "via" }, say.via(sender.via)) : null,
  );
}

function body(row) {
  const { message } = row;
  if (message.deleted) return h("p", { class: "hubsays" }, say.tookBack);
  const names = message.content.includes("@") ? store.generation : 0;
  const sign = [row.html, message.content, message.edited || message.editedAt, names].join("\n");
  const kept = blocks.get(row);
  if (kept?.sign === sign) return kept.block;
  const made = row.html ? htmlBlock(row.html, relation) : words(message.content, relation);
  if (message.edited || message.editedAt) {
    (made.querySelector(":scope > p:last-child") ?? made).append(" ", h("span", { class: "edited" }, say.edited));
  }
  const block = shortened(made, message.content);
  blocks.set(row, { sign, block });
  return block;
}

function relation(id) {
  if (id === "all" || id === "channel" || id === store.me.id.toLowerCase()) return "you";
  return store.agents.has(id) ? "known" : "";
}

function redo(row) {
  if (row.state !== "refused") return null;
  const button = (name, label) => {
    const made = h("button", { class: "btn", type: "button" }, label);
    made.addEventListener("click", () => ask(made, name, { id: row.key }));
    return made;
  };
  return h(
    "p",
    { class: "redo" },
    h("span", { class: "wait no" }, say.refusal(row.refusal)),
    " ",
    button("retry", say.tryAgain),
    " ",
    button("discard", say.discard),
  );
}

function beside(row) {
  if (row.state === "sending") return h("span", { class: "wait" }, say.sending);
  if (row.state === "waiting") return h("span", { class: "wait" }, say.waits);
  const hops = store.hops(row);
  return hops ? trace(hops) : null;
}
