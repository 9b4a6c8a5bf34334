/** What the forms of the first pages share: fields, the reason of a refusal, the hub's three marks. */

import { h, icon, mark, say } from "hub/elements";
import { store } from "hub/store";
import { text } from "./text.js";

/** A labelled field with a hint; `{element, input, hint}`. */
export function field(id, label, attributes, hint) {
  const words = hint ? h("p", { class: "hint", id: `${id}-hint` }, ...[hint].flat()) : "";
  const input = h("input", { id, name: id, "aria-describedby": hint ? `${id}-hint` : null, ...attributes });
  const box = h("div", { class: "in" }, input);
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), box, words), input, box };
}

/** A password's field with an eye to see it. */
export function passwordField(attributes, hint) {
  const made = field("password", text.password, { type: "password", required: true, ...attributes }, hint);
  const eye = h("button", { class: "tool", type: "button", "aria-label": text.showPassword, "aria-pressed": "false" }, icon("eye"));
  eye.addEventListener("click", () => {
    const shown = made.input.type === "text";
    made.input.type = shown ? "password" : "text";
    eye.setAttribute("aria-pressed", String(!shown));
  });
  made.box.append(eye);
  return made;
}

/** The paragraph that says why a form was refused; keep it in the page and call `tell` when the form's state changed. */
export function problemLine(wordsOf) {
  const line = h("p", { class: "wait no", role: "alert" });
  const tell = () => (line.textContent = store.form.problem ? wordsOf(store.form.problem) : "");
  return { line, tell };
}

/** The words of a refusal that any form can meet, or undefined. */
export function commonRefusal(problem) {
  if (problem.status === 0 || problem.status >= 500) return say.notReached;
  if (problem.status === 429) return text.tooMany(problem.retryAfterS);
  return undefined;
}

export function kinds() {
  const kind = (name, label) => h("span", null, mark(name), label);
  return h(
    "li",
    { class: "event" },
    h("div", { class: "body kinds" }, h("span", null, text.drawn), kind("person", text.aPerson), kind("agent", text.anAgent), kind("bridge", text.outside)),
  );
}

/** A heading of two short sentences, one a line. */
export function lede([first, second]) {
  return h("h1", { class: "lede" }, first, h("br"), second);
}
