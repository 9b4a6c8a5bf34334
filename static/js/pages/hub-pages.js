/** <hub-pages>: the pages beside the chat: how the hub is, who is there with which keys, what was done, and one's own. */

import { ask, h, icon, say } from "hub/elements";
import { store } from "hub/store";
import { accountsPage } from "./accounts.js";
import { auditPage, settingsPage } from "./audit.js";
import { clearForms, shownOnce } from "./build.js";
import { FOR_ADMINS } from "./deeds.js";
import { healthPage } from "./health.js";
import { invitationsPage } from "./invitations.js";
import { tokensPage } from "./keys.js";
import { channelsPage } from "./rooms.js";
import { newest } from "./stages.js";
import { text } from "./text.js";
import { youPage } from "./you.js";

const NEWEST_MS = 250;

/** What each page needs before it can be drawn, and how it is. */
const PAGES = {
  health: ["health", healthPage],
  agents: ["agents", accountsPage],
  tokens: ["tokens", tokensPage],
  invitations: ["invitations", invitationsPage],
  channels: ["channels", channelsPage],
  audit: ["entries", auditPage],
  settings: ["settings", settingsPage],
  you: ["sessions", youPage],
};

class HubPages extends HTMLElement {
  #offs = [];
  #drawn = "";
  #drawnAt = 0;

  connectedCallback() {
    this.body = h("div", { class: "page" });
    this.tabs = h("nav", { class: "tabs", "aria-label": say.manage });
    this.status = h("p", { class: "sr", role: "status" });
    const back = h("a", { class: "tool only-narrow", href: "#rail", "aria-label": say.allChannels }, icon("back"));
    this.pane = h("div", { class: "wide", hidden: true }, h("header", { class: "head" }, back, this.tabs), this.status, this.body);
    this.replaceChildren(this.pane);
    this.#offs = [store.on(["page", "me"], () => this.render()), store.on(["pulse"], () => this.#beat())];
    this.render();
  }

  disconnectedCallback() {
    this.#offs.forEach((off) => off());
  }

  render() {
    const { page, pages } = store;
    this.pane.hidden = !page;
    if (page !== this.#drawn) this.#turn(page);
    if (!page) return;
    this.status.textContent = pages.did ?? "";
    const held = this.body.contains(document.activeElement) ? (document.activeElement.dataset.k ?? "") : null;
    const [first, ...rest] = drawn(page, pages).filter(Boolean);
    this.body.replaceChildren(first, ...(pages.once ? [shownOnce(pages.once)] : []), ...rest);
    if (held !== null) (this.body.querySelector(`[data-k="${CSS.escape(held)}"]`) ?? this.body.querySelector("h1"))?.focus({ preventScroll: true });
  }

  /** Another page, or none: what was written in the last one's forms is gone. */
  #turn(page) {
    this.#drawn = page;
    clearForms();
    this.pane.scrollTop = 0;
    const names = Object.entries(text.pages).filter(([name]) => store.me.admin || !FOR_ADMINS.includes(name));
    this.tabs.replaceChildren(...names.map(([name, label]) => h("a", { href: `#page/${name}`, "aria-current": name === page ? "page" : null }, label)));
    this.tabs.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (page) document.title = `${text.pages[page] ?? say.manage} · ${say.hub}`;
  }

  #beat() {
    if (store.page !== "health" || performance.now() - this.#drawnAt < NEWEST_MS) return;
    this.#drawnAt = performance.now();
    newest(this.body);
  }
}

/** The page, or why there is none yet. */
function drawn(page, pages) {
  if (!PAGES[page]) return [h("p", { class: "hubsays" }, text.noPage)];
  if (FOR_ADMINS.includes(page) && !store.me.admin) return [h("p", { class: "hubsays" }, text.adminsOnly)];
  const [needed, draw] = PAGES[page];
  const { problem } = pages;
  if (!pages[needed]) return problem ? [failed(page, problem)] : [h("p", { class: "hubsays", role: "status" }, text.loading)];
  return [problem ? failed(page, problem) : null, ...draw(pages)];
}

function failed(page, problem) {
  const again = h("button", { class: "btn", type: "button", "data-k": "again" }, text.tryAgain);
  again.addEventListener("click", () => ask(again, "again", { page }));
  const words = problem.status === 0 || problem.status >= 500 ? text.notReached : say.sentence(problem.message);
  return h("p", { class: "banner-like", role: "alert" }, icon("warn"), `${text.notRead} ${words} `, again);
}

customElements.define("hub-pages", HubPages);
