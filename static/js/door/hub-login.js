/** <hub-login>: signing in; before anyone is here, where the one-time link is. */

import { ask, h, mark, say } from "hub/elements";
import { store } from "hub/store";
import { commonRefusal, field, kinds, passwordField, problemLine } from "./forms.js";
import { text } from "./text.js";

class HubLogin extends HTMLElement {
  #off = null;

  connectedCallback() {
    document.title = `${text.signIn} · ${say.hub}`;
    this.replaceChildren(h("ol", { class: "log" }, ...(store.needsFirstHuman ? nobody() : this.#form()), kinds()));
    this.querySelector("input")?.focus();
  }

  disconnectedCallback() {
    this.#off?.();
  }

  #form() {
    const id = field("id", text.id, { required: true, autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: "64" }, text.idHint);
    const password = passwordField({ autocomplete: "current-password" });
    const button = h("button", { class: "btn go" }, text.signIn);
    const problem = problemLine((refused) => commonRefusal(refused) ?? text.wrongLogin);
    const form = h("form", { class: "body" }, id.element, password.element, problem.line, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, "login", { id: id.input.value.trim(), password: password.input.value });
    });
    this.#off = store.on(["form"], () => {
      button.disabled = store.form.busy;
      problem.tell();
    });
    return [h("li", null, mark("person", "you"), h("div", { class: "body" }, h("h1", { class: "lede" }, text.welcomeBack))), h("li", null, form)];
  }
}

function nobody() {
  const words = [h("h1", { class: "lede" }, text.nobodyYet), h("p", { class: "hint" }, text.linkInTerminal), h("p", { class: "hint" }, text.linkAgain)];
  return [h("li", null, mark("person", "you"), h("div", { class: "body" }, ...words))];
}

customElements.define("hub-login", HubLogin);
