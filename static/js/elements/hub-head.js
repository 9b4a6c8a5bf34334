/** <hub-head>: the open channel's name, topic and number of members. */

import { store } from "hub/store";
import { h, icon, unseen } from "../parts/dom.js";
import { say } from "../parts/say.js";

class HubHead extends HTMLElement {
  #off = null;

  connectedCallback() {
    this.#off = store.on(["open", "channels"], () => this.render());
    this.render();
  }

  disconnectedCallback() {
    this.#off();
  }

  render() {
    const channel = store.open;
    if (!channel) return;
    document.title = `${unreadElsewhere()}${channel.name} · ${say.hub}`;
    this.replaceChildren(
      h("a", { class: "tool only-narrow", href: "#rail", "aria-label": say.allChannels }, icon("back")),
      h("h1", null, h("bdi", null, channel.name)),
      channel.isPrivate ? h("span", { class: "lock" }, icon("lock"), unseen(say.privateChannel)) : "",
      h("p", { dir: "auto", title: channel.description || null }, channel.topic || channel.description || ""),
      members(channel.memberCount),
    );
  }
}

function members(count) {
  if (count === undefined) return "";
  return h("div", { class: "tools" }, h("span", { class: "tool still" }, icon("people"), h("span", { class: "num", "aria-hidden": "true" }, String(count)), unseen(say.members(count))));
}

function unreadElsewhere() {
  const count = store.mine.reduce((sum, { id }) => sum + store.log(id).unread(store.me.id).unread, 0);
  return count ? `(${say.count(count)}) ` : "";
}

customElements.define("hub-head", HubHead);
