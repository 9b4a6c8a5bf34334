/** <hub-welcome>: where a one-time link leads. A person writes a name and a password, and is in. */

import { ask, h, mark, say } from "hub/elements";
import { store } from "hub/store";
import { commonRefusal, field, kinds, lede, passwordField, problemLine } from "./forms.js";
import { text } from "./text.js";

class HubWelcome extends HTMLElement {
  #off = null;

  connectedCallback() {
    document.title = `${text.welcomeTitle} · ${say.hub}`;
    const code = location.hash.slice(1);
    const heading = code ? (store.needsFirstHuman ? text.firstName : text.nextName) : text.noCode;
    const hint = code ? `${text.linkOnce}${store.needsFirstHuman ? ` ${text.runsHub}` : ""}` : text.noCodeHint;
    const words = h("div", { class: "body" }, lede(heading), h("p", { class: "hint" }, hint));
    this.replaceChildren(h("ol", { class: "log" }, h("li", null, mark("person", "you"), words), code ? h("li", null, this.#form(code)) : "", kinds()));
    this.querySelector("input")?.focus();
  }

  disconnectedCallback() {
    this.#off?.();
  }

  #form(code) {
    const name = field("displayName", text.name, { required: true, autocomplete: "name", maxlength: "80" });
    const handle = field("id", text.handle, { required: true, autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: "64", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*" }, reach());
    const password = passwordField({ autocomplete: "new-password", minlength: "12" }, text.passwordHint);
    const button = h("button", { class: "btn go" }, text.openHub);
    const problem = problemLine(refusalWords);
    const form = h("form", { class: "body" }, name.element, handle.element, password.element, problem.line, button);
    deriveHandle(name.input, handle.input, handle.element.querySelector(".to"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, "welcome", { code, id: handle.input.value.trim(), displayName: name.input.value.trim(), password: password.input.value });
    });
    this.#off = store.on(["form"], () => {
      button.disabled = store.form.busy;
      problem.tell();
    });
    return form;
  }
}

function reach() {
  return [`${text.reach} `, h("span", { class: "to" }, "@"), ". ", text.handleHint];
}

/** The short name follows the name until it is written by hand. */
function deriveHandle(name, handle, shown) {
  let own = false;
  const show = () => (shown.textContent = `@${handle.value || "…"}`);
  name.addEventListener("input", () => {
    if (!own) handle.value = handleOf(name.value);
    show();
  });
  handle.addEventListener("input", () => {
    own = handle.value !== "";
    show();
  });
  show();
}

function handleOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.trim().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+|-+$/g, "").slice(0, 64);
}

function refusalWords(problem) {
  if (problem.status === 403 || problem.status === 410) return text.badCode;
  return commonRefusal(problem) ?? say.sentence(problem.message);
}

customElements.define("hub-welcome", HubWelcome);
