/** What the pages beside the chat are made of: sections, tables, forms that keep what was written, deeds that may be refused. */

import { ask, copyButton, h, say } from "hub/elements";
import { text } from "./text.js";

const forms = new Map();

/** Forgets what was written in the forms of a page. */
export function clearForms() {
  forms.clear();
}

export function section(title, ...content) {
  return h("section", null, h("h2", null, title), ...content);
}

export function hint(words) {
  return h("p", { class: "hint" }, words);
}

/**
 * A table; heads are words, or `[words, class]`. On a narrow screen its rows are laid out as cards, which would take away
 * what a table means: the roles say it again.
 */
export function table(label, heads, rows) {
  const all = heads.map((one) => [one].flat());
  const head = all.map(([name, style]) => h("th", { scope: "col", role: "columnheader", class: style }, name || h("span", { class: "sr" }, text.deeds)));
  for (const row of rows) {
    row.setAttribute("role", "row");
    [...row.children].forEach((cell, at) => {
      cell.setAttribute("role", "cell");
      if (at && all[at][0]) cell.dataset.head = all[at][0];
    });
  }
  return h("table", { class: "tbl", role: "table", "aria-label": label }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head)), h("tbody", { role: "rowgroup" }, ...rows));
}

/** A moment in a few words, with the whole of it on hover. */
export function moment(at, words = text.ago) {
  return at ? h("time", { datetime: new Date(at).toISOString(), title: `${text.moment(at)} · ${text.utc(at)}` }, words(at)) : text.never;
}

/** A button that does something and says beside it why not, if so. With `sure` it asks once more. */
export function deed(label, name, detail, sure = "") {
  const problem = h("span", { class: "wait no", role: "alert" });
  const button = h("button", { class: "btn", type: "button", "data-k": `${name} ${JSON.stringify(detail)}` }, label);
  let asked = !sure;
  button.addEventListener("blur", () => {
    if (!sure) return;
    asked = false;
    button.textContent = label;
  });
  button.addEventListener("click", () => {
    if (asked) return ask(button, name, { ...detail, told: (error) => (problem.textContent = say.sentence(error)) });
    asked = true;
    return (button.textContent = sure);
  });
  return h("span", { class: "deed" }, button, problem);
}

function control([key, title, options, more]) {
  if (options) return h("select", { name: key, "aria-label": title, "data-k": `field ${key}`, ...more }, ...options.map(([value, words, selected]) => h("option", { value, selected }, words)));
  return h("input", { name: key, "aria-label": title, placeholder: title, maxlength: "80", required: true, autocomplete: "off", spellcheck: "false", "data-k": `field ${key}`, ...more });
}

function checks([key, title, , more]) {
  const boxes = more.choices.map(([value, words]) => h("label", { class: "check" }, h("input", { type: "checkbox", name: key, value, checked: more.chosen.includes(value), "data-k": `${key} ${value}` }), words));
  return h("fieldset", { class: "choices" }, h("legend", { class: "sr" }, title), ...boxes);
}

/** A form in one line: fields are `[key, title]`, `[key, title, options]` or `[key, title, null, attributes]`. The same one while its page is open. */
export function form(name, fields, label, detail = {}) {
  const sign = JSON.stringify([name, fields, detail]);
  if (forms.has(sign)) return forms.get(sign);
  const problem = h("p", { class: "wait no", role: "alert" });
  const inputs = fields.map((field) => (field[3]?.choices ? checks(field) : h("div", { class: "in" }, control(field))));
  const made = h("form", { class: "pair" }, ...inputs, h("button", { class: "btn", "data-k": `send ${name}` }, label), problem);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = new FormData(made);
    const many = fields.filter((field) => field[3]?.choices).map(([key]) => [key, values.getAll(key)]);
    const told = (error) => {
      problem.textContent = say.sentence(error);
      if (!error) made.reset();
    };
    ask(made, name, { ...detail, ...Object.fromEntries(values), ...Object.fromEntries(many), told });
  });
  forms.set(sign, made);
  return made;
}

/** A secret that is shown this once, to be copied. */
export function shownOnce({ words, secret }) {
  return h("section", { class: "card once" }, h("h4", null, words), h("pre", { class: "cmd", tabindex: "0", "aria-label": words }, secret), h("p", { class: "facts" }, copyButton(() => secret)));
}
