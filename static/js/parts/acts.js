/** What can be done with a message: one toolbar for the whole list, the picker of reactions, the question before deleting. */

import { store } from "hub/store";
import { ask, copied, h, icon } from "./dom.js";
import { say } from "./say.js";

const SIGNS = ["👍", "👀", "🎉", "✅", "❤️", "😄", "🙏", "🚀", "🤔", "👎", "🔥", "➕"];

const bars = new WeakMap();

/** Puts the toolbar into the row that is pointed at or has the focus; `place` is where the rows stand. */
export function moveActs(place, shown, aside) {
  const { key, act } = store.active;
  const row = key && store.active.aside === aside && shown.element(key);
  const message = row && shown.row(row)?.message;
  const bar = bars.get(place);
  if (!message || !mayAct(shown.row(row))) {
    leave(bar);
    return;
  }
  const sign = `${key} ${act} ${message.deleted}`;
  if (bar?.dataset.sign === sign && row.contains(bar)) return;
  const made = act === "react" ? picker(message) : act === "delete" ? question(message) : toolbar(message);
  made.dataset.sign = sign;
  made.classList.toggle("low", row.getBoundingClientRect().top < place.parentElement.getBoundingClientRect().top + 16);
  const hadFocus = bar?.contains(document.activeElement);
  leave(bar);
  row.classList.add("acting");
  row.querySelector(".body")?.append(made);
  bars.set(place, made);
  if (act || hadFocus) made.querySelector("button")?.focus({ preventScroll: true });
}

function leave(bar) {
  bar?.closest("li")?.classList.remove("acting");
  bar?.remove();
}

function mayAct({ kind, foreign, state, message }) {
  return kind === "message" && !foreign && !state && !message.deleted && !message.told;
}

const channelOf = (message) => message.channelId ?? (store.side && store.threads.get(store.side.parentId)?.find(message.id) ? store.side.channelId : store.openId);

function tool(name, label, act) {
  const button = h("button", { class: "tool", type: "button", "aria-label": label, title: label, "data-k": `act ${name}` }, icon(name));
  button.addEventListener("click", () => act(button));
  return button;
}

function toolbar(message) {
  const mine = message.senderId === store.me.id;
  const channel = store.channels.get(channelOf(message));
  const writes = channel?.role && !channel.archivedAt;
  const removes = writes && (mine || channel.role !== "member");
  return h(
    "div",
    { class: "acts", role: "toolbar", "aria-label": say.actions },
    writes && tool("react", say.react, () => store.activate(message.id, "react")),
    message.threadId ? null : tool("reply", say.reply, (button) => ask(button, "go", { to: threadHash(message) })),
    tool("link", say.copyLink, (button) => copyLink(button, message)),
    writes && mine && tool("edit", say.edit, () => store.edit(message.id)),
    removes && tool("bin", say.takeBack, () => store.activate(message.id, "delete")),
  );
}

export function threadHash(message) {
  return `${channelOf(message)}/${message.id}/thread`;
}

async function copyLink(button, message) {
  const done = await copied(`${location.origin}/#${channelOf(message)}/${message.id}`);
  button.replaceChildren(icon(done ? "check" : "close"));
  setTimeout(() => button.replaceChildren(icon("link")), 1500);
}

function back(element, message) {
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    const row = element.closest("li");
    store.activate(message.id);
    row.focus({ preventScroll: true });
  });
  return element;
}

function picker(message) {
  const buttons = SIGNS.map((emoji) => {
    const button = h("button", { class: "sign", type: "button", "aria-label": emoji }, emoji);
    button.addEventListener("click", () => {
      const row = button.closest("li");
      ask(button, "react", { channelId: channelOf(message), id: message.id, emoji, wanted: !message.reacted?.includes(emoji) });
      store.activate(message.id);
      row.focus({ preventScroll: true });
    });
    return button;
  });
  const box = h("div", { class: "acts signs", role: "group", "aria-label": say.react }, ...buttons);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
  return back(box, message);
}

function question(message) {
  const problem = h("span", { class: "wait no", role: "alert" });
  const yes = h("button", { class: "btn", type: "button" }, say.takeBack);
  const no = h("button", { class: "btn", type: "button" }, say.keep);
  yes.addEventListener("click", () =>
    ask(yes, "delete", { channelId: channelOf(message), id: message.id, done: (error) => (error ? (problem.textContent = say.sentence(error)) : store.activate("")) }),
  );
  no.addEventListener("click", () => {
    const row = no.closest("li");
    store.activate(message.id);
    row.focus({ preventScroll: true });
  });
  return back(h("div", { class: "redo", role: "group", "aria-label": say.takeBackAsk }, h("span", { class: "hubsays" }, say.takeBackAsk), yes, no, problem), message);
}
