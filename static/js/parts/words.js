/** An author's words as elements: code, mentions and links are told apart; everything stays text. */

import { copyButton, h } from "./dom.js";

const FENCE = /^```[ \t]*([\w+#.-]{0,24})[ \t]*\n([\s\S]*?)(?:\n```[ \t]*$|(?![\s\S]))/m;
const INLINE = /(^|[^`])`([^`\n]+)`(?!`)|(^|[\s(])@([A-Za-z0-9][A-Za-z0-9._-]{0,63})|\bhttps?:\/\/[^\s<>"'`]+/g;

const MENTION = /(^|[\s(])@([A-Za-z0-9][A-Za-z0-9._-]{0,63})/g;

/** The message's words in a block; `who(id)` says of a mentioned id "you", "known" or nothing. */
export function words(content, who) {
  const block = h("div", { class: "md", dir: "auto" });
  let rest = content;
  for (let found = FENCE.exec(rest); found; found = FENCE.exec(rest)) {
    prose(block, rest.slice(0, found.index), who);
    block.append(code(found[1], found[2]));
    rest = rest.slice(found.index + found[0].length);
  }
  prose(block, rest, who);
  return block;
}

function prose(block, text, who) {
  const trimmed = text.replace(/^\n+|\s+$/g, "");
  if (trimmed) block.append(h("p", { dir: "auto" }, ...pieces(trimmed, who)));
}

function* pieces(text, who) {
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, beforeCode, inline, beforeName, id] = found;
    const start = found.index + (beforeCode ?? beforeName ?? "").length;
    const [piece, length] = inline ? [h("code", null, inline), inline.length + 2] : id ? mention(id, who) : link(all);
    if (!piece) continue;
    yield text.slice(from, start);
    yield piece;
    from = start + length;
  }
  yield text.slice(from);
}

function mention(id, who) {
  const name = id.replace(/[._-]+$/, "");
  const known = who(name.toLowerCase());
  return known ? [h("span", { class: known === "you" ? "to you" : "to" }, `@${name}`), name.length + 1] : [null, 0];
}

function link(text) {
  const address = text.replace(/[.,;:!?)\]]+$/, "");
  return [h("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, address), address.length];
}

/** Plain text with its mentions told apart. */
export function marked(text, who) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(MENTION)) {
    const start = found.index + found[1].length;
    const [piece, length] = mention(found[2], who);
    if (!piece) continue;
    parts.push(text.slice(from, start), piece);
    from = start + length;
  }
  return [...parts, text.slice(from)];
}

/** A block of code with its language's name and a button that copies it; `inner` is the code as an element. */
export function code(language, text, inner = h("code", null, text)) {
  return h(
    "figure",
    { class: "code", dir: "ltr" },
    h("figcaption", null, h("span", null, language), copyButton(() => text)),
    h("pre", { tabindex: "0" }, inner),
  );
}
