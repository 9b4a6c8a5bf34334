/** Markdown, as the hub made it into HTML: asked for when a row stands on the page, put in when it comes. */

import { store, trusted } from "hub/store";
import { code, marked } from "./words.js";
import { ask, h } from "./dom.js";
import { say } from "./say.js";

const MARKS = /[*_`#[\]|~<&\\>]|^\s*(?:[-+]|\d+[.)])\s|\n\s*\n| {2}\n/m;
const MOST = 50;
const TALL = 20; // lines above which a block of code is shown in part
const TALLEST = 40; // lines of words above which a message is
const WIDE = 90; // characters of a line, about
const FENCED = /^```[^]*?^```/gm;
const ASK_PAUSE_MS = 30;

let wanted = new Map();
let pausing = 0;

/** Asks for the HTML of these rows where it would say more than the words do. */
export function typeset(from, rows) {
  for (const row of rows) {
    const { message } = row;
    if (row.html || row.asked || row.state || row.foreign || row.kind !== "message") continue;
    row.asked = true;
    if (message.deleted || message.told || !MARKS.test(message.content)) continue;
    wanted.set(message.id, { row, content: message.content });
  }
  if (wanted.size && !pausing) pausing = setTimeout(() => fetchAll(from), ASK_PAUSE_MS);
}

async function fetchAll(from) {
  const all = [...wanted.values()];
  pausing = 0;
  wanted = new Map();
  for (let at = 0; at < all.length; at += MOST) {
    const some = all.slice(at, at + MOST);
    const html = await new Promise((done) => ask(from, "html", { ids: some.map(({ row }) => row.message.id), done }));
    for (const { row, content } of some) {
      if (row.message.content !== content) row.asked = false; // written anew meanwhile
      else if (html[row.message.id]) Object.assign(row, { html: html[row.message.id], version: row.version + 1 });
    }
    store.touch("log", "side");
  }
}

/** The hub's HTML as elements; mentions are told apart, code gets its frame. */
export function htmlBlock(html, who) {
  const template = document.createElement("template");
  template.innerHTML = trusted.html(html);
  const block = h("div", { class: "md set", dir: "auto" });
  block.append(template.content);
  for (const pre of block.querySelectorAll("pre")) frame(pre);
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("code, a, pre")) texts.push(walker.currentNode);
  for (const text of texts) if (text.data.includes("@")) text.replaceWith(...marked(text.data, who));
  return block;
}

function frame(pre) {
  const text = pre.textContent.replace(/\n$/, "");
  const figure = code(pre.dataset.language ?? "", text, pre.firstElementChild);
  pre.replaceWith(shorten(figure, text.split("\n").length, TALL));
}

/** A message that would fill more than a screen shows its beginning; code is shortened by itself. */
export function shortened(block, content) {
  const lines = content.replace(FENCED, "").split("\n").reduce((sum, line) => sum + 1 + Math.floor(line.length / WIDE), 0);
  return lines > TALLEST ? shorten(h("div", { class: "tall" }, block), lines, TALLEST) : block;
}

/** A tall block shows its first lines, and a button for the rest. */
function shorten(figure, lines, most) {
  if (lines <= most) return figure;
  figure.classList.add("short");
  const button = h("button", { class: "copy", type: "button", "aria-expanded": "false" }, say.allLines(lines));
  button.addEventListener("click", () => {
    const short = figure.classList.toggle("short");
    button.setAttribute("aria-expanded", String(!short));
    button.textContent = short ? say.allLines(lines) : say.fewerLines;
  });
  figure.append(button);
  return figure;
}
