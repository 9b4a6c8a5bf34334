/** Builds elements. Strings become text, never markup: whatever an author wrote stays words. */

import { say } from "./say.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: `h("p", {class: "hint"}, "words", h("b", null, "more"))`. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** One of the page's icons; what it means is said by its button's label. */
export function icon(name, className = "ic") {
  return s("svg", { class: className, "aria-hidden": "true" }, s("use", { href: `#${name}` }));
}

/** The shape that tells who speaks: disc = person, square = agent, lozenge = from outside. */
export function mark(kind, extra = "") {
  return h("i", { class: `mark ${kind} ${extra}`.trim() });
}

/** Words for those who cannot see the shape. */
export function unseen(text) {
  return h("span", { class: "sr" }, text);
}

/** Tells main.js what a person wants. */
export function ask(from, name, detail = {}) {
  from.dispatchEvent(new CustomEvent(`hub:${name}`, { detail, bubbles: true }));
}

/** A button that copies the text it is given at the moment of the click, and says so for two seconds. */
export function copyButton(textOf) {
  const label = h("span", null, say.copy);
  const button = h("button", { class: "copy", type: "button" }, icon("copy"), label);
  button.addEventListener("click", async () => {
    label.textContent = (await copied(textOf())) ? say.copied : say.copyFailed;
    setTimeout(() => (label.textContent = say.copy), 2000);
  });
  return button;
}

/** Puts text on the clipboard; answers whether it could. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text); // plain-HTTP pages have no clipboard of their own
  }
}

function copiedBySelection(text) {
  const area = h("textarea", { class: "sr", "aria-hidden": "true" });
  area.value = text;
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
