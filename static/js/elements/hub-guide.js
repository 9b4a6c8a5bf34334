/** <hub-guide>: how an agent says its first words in an empty hub, with a line to copy. */

import { store } from "hub/store";
import { ask, h, icon, mark } from "../parts/dom.js";
import { say } from "../parts/say.js";
import { code } from "../parts/words.js";

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
    const steps = store.me.admin ? [this.#naming(made)] : [h("li", null, h("p", null, say.askAdmin))];
    if (made || !store.me.admin) steps.push(...lines(made));
    this.replaceChildren(h("h3", null, say.guide), h("ol", { class: "steps" }, ...steps), made && !made.heard ? waiting(made.agentId) : "");
  }

  #naming(made) {
    const problem = h("p", { class: "wait no", role: "alert" });
    const name = h("input", { "aria-label": say.agentName, maxlength: "64", required: true, autocomplete: "off", spellcheck: "false" });
    name.value = made?.agentId ?? "scout";
    name.readOnly = Boolean(made);
    const button = h("button", { class: "btn", disabled: Boolean(made) }, made ? icon("check") : "", made ? say.keyMade : say.makeKey);
    const form = h("form", { class: "pair" }, h("div", { class: "in" }, name), button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, "key", { agentId: name.value.trim(), done: (error) => (problem.textContent = say.sentence(error)) });
    });
    return h("li", null, h("p", null, say.nameIt), form, problem);
  }
}

function lines(made) {
  const { id, name } = store.open;
  const token = made?.token ?? "$HUB_TOKEN";
  const hello = say.hello(made?.agentId ?? "an agent");
  const body = `{"channelId": "${id}",\n           "content": "${hello}"}`;
  const curl = `curl ${location.origin}/api/messages \\\n  -H "Authorization: Bearer ${token}" \\\n  --json '${body}'`;
  const hubctl = `HUB_URL=${location.origin} \\\nHUB_TOKEN=${token} \\\n  hubctl send ${quoted(name)} "${hello}"`;
  return [
    h("li", null, h("p", null, say.runLine), code(say.shell, curl)),
    h("li", null, h("p", null, say.orHere), code(say.shell, hubctl)),
  ];
}

function quoted(name) {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}

function waiting(agentId) {
  return h("div", { class: "awaited" }, mark("agent"), h("p", { class: "who bot" }, agentId), h("p", { class: "hubsays" }, say.notSpoken));
}

customElements.define("hub-guide", HubGuide);
