/** One stream for all tabs: the first that comes opens it, later ones get what they missed from here. */

import { seqOf } from "../stream/frames.js";
import { Stream } from "../stream/stream.js";

const REST_MS = 8; // half a frame
const KEPT = 3000; // frames remembered for tabs that come later

const tabs = new Set();
let stream = null;
let hello = null;
let lastState = null;
let looking = {};
let recent = [];
let startedAt = 0;
let latest = 0;

/** Frames for all tabs, told together when they came together: in a flood one message to each a frame of theirs. */
let outgoing = [];
let flushedAt = 0;
let waiting = 0;

/** Tells the tabs at once, or in a moment when they were told a moment ago. */
function soon() {
  const rest = flushedAt + REST_MS - performance.now();
  if (rest <= 0) queueMicrotask(flush);
  else waiting ||= setTimeout(flush, rest);
}

function flush() {
  clearTimeout(waiting);
  waiting = 0;
  if (!outgoing.length) return;
  flushedAt = performance.now();
  const frames = outgoing;
  outgoing = [];
  for (const tab of tabs) {
    const wanted = frames.filter(({ frame }) => fresh(tab, frame));
    if (wanted.length) tab.port.postMessage({ frames: wanted });
  }
}

function fresh(tab, { id, event }) {
  return id === undefined || event === "hub.hello" || event === "hub.reset" || seqOf(id) > tab.since;
}

function take(frame, receivedAt) {
  const told = { frame, at: performance.timeOrigin + receivedAt };
  if (frame.event === "hub.hello") hello = told;
  else if (frame.id !== undefined) recent.push(told);
  if (frame.id !== undefined) latest = seqOf(frame.id);
  if (frame.event === "hub.reset") {
    recent = [];
    startedAt = seqOf(frame.id);
  }
  if (recent.length > KEPT) startedAt = seqOf(recent.splice(0, recent.length - KEPT / 2).at(-1).frame.id);
  if (outgoing.push(told) === 1) soon();
}

function tell(state) {
  lastState = state;
  flush();
  for (const { port } of tabs) port.postMessage({ state });
}

/** Of which channels words come from now on, told in its place among the frames. */
function looks(next) {
  looking = next;
  flush();
  for (const { port } of tabs) port.postMessage({ looking });
}

/** Words come of what any tab looks at. */
function look() {
  stream?.look([...tabs].flatMap((tab) => tab.look));
}

function open(cursor) {
  startedAt = seqOf(cursor);
  stream = new Stream("/api/events", { frame: take, state: tell, looking: looks, refused }, cursor);
  look();
  stream.start();
}

function refused(status) {
  for (const { port } of tabs) port.postMessage({ refused: status });
  stream = hello = null;
  recent = [];
  looking = {};
}

/** A tab that comes late gets the greeting and what came since its page was made; if that is gone, a reset. */
function greet(tab) {
  if (!hello) return;
  const greeting = JSON.parse(hello.frame.data);
  greeting.seq = Math.max(greeting.seq, latest);
  const old = tab.since < startedAt;
  const replay = old ? [] : recent.filter(({ frame }) => fresh(tab, frame));
  const word = (event, data) => ({ frame: { event, data: JSON.stringify(data) }, at: hello.at });
  const words = [word("hub.hello", greeting), ...(old ? [word("hub.reset", { ...greeting, reason: "late" })] : [])];
  tab.port.postMessage({ looking, frames: [...words, ...replay] });
}

function enter(tab, { cursor, look: ids }) {
  Object.assign(tab, { since: seqOf(cursor), look: ids });
  if (tabs.has(tab)) return;
  if (stream) {
    flush();
    greet(tab);
  }
  tabs.add(tab);
  if (stream) look();
  else open(cursor);
  if (lastState) tab.port.postMessage({ state: lastState });
}

function leave(tab) {
  tabs.delete(tab);
  if (tabs.size) return void look();
  stream?.stop();
  stream = hello = lastState = null;
  recent = [];
  looking = {};
}

addEventListener("connect", ({ ports: [port] }) => {
  const tab = { port, since: 0, look: [] };
  port.onmessage = ({ data }) => {
    if (data.enter) enter(tab, data.enter);
    else if (data.leave) leave(tab);
    else if (data.look) {
      tab.look = data.look;
      look();
    }
    else if (data.tryNow) stream?.tryNow();
  };
});
