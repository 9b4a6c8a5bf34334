/** <hub-guide>: how an agent says its first words in an empty hub, with a line to copy. */

import { ask, code, h, icon, mark, say } from "hub/elements";
import { store } from "hub/store";
import { text } from "./text.js";

class HubGuide extends HTMLElement {
  #off = null;

  connectedCallback() {
    this.classList.add("body", "guide");
    this.#off = store.on(["made", "me", "open"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
  }

  render() {
    if (!store.me || !store.open) return;
    const { made } = store;
    const steps = store.me.admin ? [this.#naming(made)] : [h("li", null, h("p", null, text.askAdmin))];
    if (made || !store.me.admin) steps.push(...lines(made));
    this.replaceChildren(h("h3", null, text.guide), h("ol", { class: "steps" }, ...steps), made && !made.heard ? waiting(made.agentId) : "");
  }

  #naming(made) {
    const problem = h("p", { class: "wait no", role: "alert" });
    const name = h("input", { "aria-label": text.agentName, maxlength: "64", required: true, autocomplete: "off", spellcheck: "false" });
    name.value = made?.agentId ?? "scout";
    name.readOnly = Boolean(made);
    const button = h("button", { class: "btn", disabled: Boolean(made) }, made ? icon("check") : "", made ? text.keyMade : text.makeKey);
    const form = h("form", { class: "pair" }, h("div", { class: "in" }, name), button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, "key", { agentId: name.value.trim(), done: (error) => (problem.textContent = say.sentence(error)) });
    });
    return h("li", null, h("p", null, text.nameIt), form, problem);
  }
}

function lines(made) {
  const { id, name } = store.open;
  const token = made?.token ?? "$HUB_TOKEN";
  const hello = text.hello(made?.agentId ?? "an agent");
  const body = `{"channelId": "${id}",\n           "content": "${hello}"}`;
  const curl = `curl ${location.origin}/api/messages \\\n  -H "Authorization: Bearer ${token}" \\\n  --json '${body}'`;
  const hubctl = `HUB_URL=${location.origin} \\\nHUB_TOKEN=${token} \\\n  hubctl send ${quoted(name)} "${hello}"`;
  return [
    h("li", null, h("p", null, text.runLine), code(text.shell, curl)),
    h("li", null, h("p", null, text.orHere), code(text.shell, hubctl)),
  ];
}

function quoted(name) {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}

function waiting(agentId) {
  return h("div", { class: "awaited" }, mark("agent"), h("p", { class: "who bot" }, agentId), h("p", { class: "hubsays" }, text.notSpoken));
}

customElements.define("hub-guide", HubGuide);
