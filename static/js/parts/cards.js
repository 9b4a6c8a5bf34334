/** Cards: a question that a person must decide, and what agents tell each other about their work. */

import { store } from "hub/store";
import { ask, h } from "./dom.js";
import { say } from "./say.js";

const PAIRS = 12;
const encoder = new TextEncoder();

/** An agent's command or invitation: its exact bytes, the time left, and what can be decided. */
export function askCard(told) {
  const { data, type } = told.event;
  const content = data.content ?? "";
  const over = told.decision || data.expiresAt <= Date.now();
  const head = h("h4", null, over ? null : timeLeft(data.expiresAt), ...askedBy(told, type));
  const facts = h("p", { class: "facts" }, say.bytes(encoder.encode(content).length));
  if (globalThis.crypto?.subtle) addDigest(facts, content);
  const words = content && h("pre", { class: type === "agent.command" ? "cmd shell" : "cmd", dir: "ltr", tabindex: "0", "aria-label": say.exactly }, ...inWords(content));
  const mine = told.agentId === store.me.id;
  const foot = over || !mine ? h("p", { class: "facts" }, outcome(told, over)) : decide(told);
  return h("section", { class: mine && !over ? "card ask" : "card" }, head, words, facts, foot);
}

/** Each word an element: a command breaks between words, never inside one, and is never cut off. */
function inWords(content) {
  return content.split(/(\s+)/).map((piece, at) => (at % 2 || content.length > 2000 ? piece : piece && h("span", null, piece)));
}

function askedBy(told, type) {
  const name = h("b", { class: "id" }, store.nameOf(told.senderId));
  const channel = store.channels.get(told.event.data.channelId);
  return [name, type === "agent.command" ? say.asksToRun : say.invites, channel ? say.about(channel.name) : ""];
}

function outcome({ decision, by, agentId }, over) {
  const who = store.nameOf(by ?? agentId);
  if (decision === "allow") return h("span", { class: "done" }, say.allowed(who));
  if (decision === "refuse") return say.refused(who);
  return over ? say.lapsed : say.waitsFor(who);
}

/** Minutes and seconds, counted down while the card is on the page. */
function timeLeft(expiresAt) {
  const time = h("time", { title: say.lapses });
  const draw = () => {
    const left = Math.max(0, Math.round((expiresAt - Date.now()) / 1000));
    time.textContent = say.timeLeft(left);
    if (left > 0 && (time.isConnected || !time.dataset.drawn)) setTimeout(draw, 1000);
    else if (left <= 0) {
      store.generation += 1;
      store.touch("log", "channels", "asked");
    }
    time.dataset.drawn = "1";
  };
  draw();
  return time;
}

function decide(told) {
  const problem = h("p", { class: "wait no", role: "alert" });
  const button = (decision, label, className) => {
    const made = h("button", { class: className, type: "button", "data-k": decision }, label);
    made.addEventListener("click", () => {
      yes.disabled = no.disabled = true;
      ask(made, "decide", { seq: told.seq, decision, done: (error) => {
        yes.disabled = no.disabled = false;
        problem.textContent = say.sentence(error);
      } });
    });
    return made;
  };
  const yes = button("allow", say.allowOnce, "btn go");
  const no = button("refuse", say.refuse, "btn");
  return h("div", { class: "do" }, yes, no, h("small", null, say.onlyThese), problem);
}

async function addDigest(facts, content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(content)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  facts.append(", sha256 ", h("span", { class: "num", title: hex }, `${hex.slice(0, 4)} ${hex.slice(4, 8)} … ${hex.slice(-4)}`));
}

/** An agent's own event: its type as a heading, its fields as pairs. */
export function collaborationCard({ type, data }) {
  const pairs = Object.entries(data ?? {}).slice(0, PAIRS);
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 400);
  return h(
    "section",
    { class: "card" },
    h("h4", { dir: "auto" }, h("b", { class: "id" }, type)),
    pairs.length ? h("dl", null, ...pairs.flatMap(([name, value]) => [h("dt", { dir: "auto" }, name), h("dd", { dir: "auto" }, shown(value))])) : null,
  );
}
