/** What calls for this person while they look elsewhere: the app's badge, the number on the tab's icon. */

import { store } from "hub/store";

const icon = document.querySelector("link[rel=icon]");
const plain = icon?.href;

export function attendCalls() {
  store.on(["channels", "agents", "asked", "me"], drawCount);
  drawCount();
  let wanted = "";
  try {
    wanted = localStorage.getItem(`notices ${store.me.id}`);
  } catch {
    // a forbidden storage remembers nothing
  }
  if (wanted) import("hub/notices");
}

/** The number of calls on the app's badge and the tab's icon; a badge without a number where something is only unread. */
function drawCount() {
  const { calls, unread } = store.waiting;
  if (navigator.setAppBadge) {
    const drawn = calls ? navigator.setAppBadge(calls) : unread ? navigator.setAppBadge() : navigator.clearAppBadge();
    drawn.catch(() => {}); // an app that is not installed has no badge
  }
  if (icon && icon.dataset.calls !== String(calls)) {
    icon.dataset.calls = calls;
    icon.href = calls ? numbered(calls) : plain;
  }
}

function numbered(calls) {
  const text = calls > 9 ? "9+" : calls;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><rect width="20" height="20" rx="5" fill="#b3341a"/><text x="10" y="14.5" font-family="sans-serif" font-size="13" font-weight="700" text-anchor="middle" fill="#fff">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
