/** The sheet that says what the keyboard does, and turns single keys off. */

import { h, icon, say } from "hub/elements";

const text = {
  keysTitle: "Keys",
  keys: [
    [["Ctrl", "K"], "search or go to"],
    [["Alt", "↑"], "channel above"],
    [["Alt", "↓"], "channel below"],
    [["Alt", "Shift", "↓"], "next unread channel"],
    [["@", "Tab"], "complete a name"],
    [["↑"], "edit your last message"],
    [["J"], "next message"],
    [["K"], "message before"],
    [["R"], "reply in a thread"],
    [["T"], "how long it took"],
    [["E"], "edit"],
    [["+"], "react"],
    [["/"], "search"],
    [["Esc"], "close, or leave as it was"],
    [["?"], "this sheet"],
  ],
};

/** Shows it in `host`; the choice is remembered under the name `off`. */
export function sheet(host, off) {
  if (host.querySelector("dialog")) return;
  const close = h("button", { class: "tool", type: "button", "aria-label": say.close }, icon("close"));
  const box = h("input", { type: "checkbox", id: "single-keys" });
  try {
    box.checked = localStorage.getItem(off) !== "1";
    box.addEventListener("change", () => localStorage.setItem(off, box.checked ? "" : "1"));
  } catch {
    box.disabled = true; // a forbidden storage remembers nothing
  }
  const rows = text.keys.flatMap(([keys, what]) => [h("dt", null, ...keys.map((key) => h("kbd", null, key))), h("dd", null, what)]);
  const dialog = h(
    "dialog",
    { class: "sheet", "aria-labelledby": "keys-title" },
    h("header", null, h("h2", { id: "keys-title" }, text.keysTitle), close),
    h("dl", null, ...rows),
    h("label", { class: "check", for: "single-keys" }, box, say.singleKeys),
  );
  const from = document.activeElement;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    from?.focus?.({ preventScroll: true });
  });
  host.append(dialog);
  dialog.showModal();
}
