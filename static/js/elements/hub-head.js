/** <hub-head>: the open channel's name, topic and number of members. */

import { store } from "hub/store";
import { ask, h, icon, unseen } from "../parts/dom.js";
import { say } from "../parts/say.js";

class HubHead extends HTMLElement {
  #off = null;

  connectedCallback() {
    this.#off = store.on(["open", "channels", "page"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
  }

  render() {
    const channel = store.open;
    if (!channel) return;
    const name = channel.name ?? say.needsYou;
    if (!store.page) document.title = `${unreadElsewhere()}${name} · ${say.hub}`;
    this.replaceChildren(
      h("a", { class: "tool only-narrow", href: "#rail", "aria-label": say.allChannels }, icon("back")),
      h("h1", null, h("bdi", null, name)),
      channel.isPrivate ? h("span", { class: "lock" }, icon("lock"), unseen(say.privateChannel)) : "",
      h("p", { dir: "auto", title: channel.description || null }, channel.peer ? say.talkBetween : channel.topic || channel.description || ""),
      members(channel),
    );
  }
}

function members({ memberCount: count, name }) {
  if (count === undefined) return "";
  const find = h("button", { class: "tool", type: "button", "aria-label": say.searchIn(name), title: say.searchIn(name) }, icon("search"));
  find.addEventListener("click", () => ask(find, "jump", { words: `in:${name} ` }));
  const here = [icon("people"), h("span", { class: "num", "aria-hidden": "true" }, String(count)), unseen(say.members(count))];
  return h("div", { class: "tools" }, h("span", { class: "tool still" }, ...here), find);
}

function unreadElsewhere() {
  const count = store.mine.reduce((sum, { id }) => sum + store.unread(id).unread, 0);
  return count ? `(${say.count(count)}) ` : "";
}

customElements.define("hub-head", HubHead);
