"""What the page costs, measured in a real Chromium against a real hub; each function tells some lines of the table."""

import gzip
import itertools
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, Page

from tests.browser.hub import Hub
from tests.browser.load import Flood
from tests.browser.wire import Wire

SETTLED_MS = 3000
LOADS = 5
PHONE_DELAY_S = 0.02
PHONE_SLOWER = 4
MISSED = 1000
REST_TABS = 7
READABLE_RATE = 13
"""Messages a second; 10 or 12 would meet each frame of a 60 Hz screen at the same moment, be it a good or a bad one."""

# When the first message stood in the document, and the frame after it was done.
USABLE = """
window.usable = new Promise((done) => {
  const look = () => {
    if (!document.querySelector(".main .log > li[data-id]")) return;
    watching.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  };
  const watching = new MutationObserver(look);
  watching.observe(document, { childList: true, subtree: true });
});
"""
WATCH = """
async () => {
  window.watched = { frames: [], long: [], seqs: [] };
  let last = 0;
  const frame = (now) => { if (last) watched.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => watched.long.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask" });
  const { store } = await import("hub/store");
  const apply = store.apply.bind(store);
  store.apply = (envelope, seen) => {
    if (envelope.event.type === "channel.message") watched.seqs.push(envelope.seq);
    return apply(envelope, seen);
  };
}
"""
FORGET = "watched.frames.length = watched.long.length = watched.seqs.length = 0"
SHOWN = """
async () => {
  const { store } = await import("hub/store");
  const rows = store.log(store.openId).rows.filter(({ kind }) => kind === "message" || kind === "fold");
  return rows.map(({ order, count = 1 }) => [order, count]);
}
"""
PULSE = """
async () => {
  const { store } = await import("hub/store");
  return store.pulse.recent(store.clock).map(({ received, painted }) => painted - received);
}
"""
REACHED = """
async ([place, seq]) => {
  const { store } = await import("hub/store");
  return (store.log(place).rows.at(-1)?.order ?? 0) >= seq && performance.now();
}
"""
SCROLL = """
async () => {
  const { store } = await import("hub/store");
  const scroller = document.querySelector(".main .scroll");
  const log = store.log(store.openId);
  let most = 0;
  for (let still = 0; still < 3000 && (log.hasMore || !log.loaded); still += 1) {
    scroller.scrollTop = scroller.clientHeight - scroller.scrollHeight;
    await new Promise(requestAnimationFrame);
    most = Math.max(most, document.querySelectorAll(".main .log > li").length);
    if (log.loading) still = 0;
  }
  return { most, reached: log.loaded && !log.hasMore };
}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `of` names what is measured; `goal` None is only told."""

    of: str
    unit: str
    measured: float
    goal: float | None = None
    floor: float | None = None
    """What the same machine needs with nothing to do: who is level with it has lost nothing to the page."""

    @property
    def verdict(self) -> str:
        """Whether the goal was reached."""
        if self.goal is None:
            return ""
        if self.measured <= self.goal:
            return "reached"
        return "level with an idle page" if self.floor is not None and self.measured <= self.floor else "MISSED"


def share(values: list[float], part: float) -> float:
    """The value below which this part of them lies, rounded to a tenth; 0 of nothing."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))], 1) if values else 0.0


def port_of(hub: Hub) -> int:
    """Where it listens."""
    return int(hub.address.rpartition(":")[2])


def signed_in(browser: Browser, hub: Hub, address: str = "", width: int = 1280) -> Page:
    """A page of the person who came first, in a profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": 800}, storage_state=str(hub.folder / "who.json"))
    context.add_init_script(USABLE)
    page = context.new_page()
    page.goto(address or hub.address)
    page.locator(".main .log > li[data-id]").last.wait_for()
    return page


def loading(browser: Browser, hub: Hub) -> list[Line]:
    """Requests and bytes of a first and of a later visit."""
    wire = Wire(port_of(hub))
    page = signed_in(browser, hub, wire.address)
    page.wait_for_timeout(SETTLED_MS)
    asked, received = list(wire.asked), wire.received
    wire.forget()
    page.goto("about:blank")
    page.goto(wire.address)
    page.locator(".main .log > li[data-id]").last.wait_for()
    page.wait_for_timeout(SETTLED_MS)
    later = len(wire.asked)
    page.context.close()
    wire.close()
    return [
        Line("first visit, requests", "", len(asked), 12),
        Line("first visit, all bytes, heads included", "KB", round(received / 1000, 1), 80),
        Line("first visit, scripts compressed", "KB", compressed(hub, asked, ".js"), 45),
        Line("first visit, styles compressed", "KB", compressed(hub, asked, ".css"), 14),
        Line("later visit, requests", "", later, 3),
    ]


def compressed(hub: Hub, asked: list[str], suffix: str) -> float:
    """Kilobytes of the files with this ending, as the hub compresses them."""
    size = 0
    for path in asked:
        if path.endswith(suffix):
            with urlopen(hub.address + path, timeout=15) as answer:
                size += len(gzip.compress(answer.read(), 9))
    return round(size / 1000, 1)


def usable(browser: Browser, hub: Hub) -> list[Line]:
    """From the call of the address to the messages on the screen, with nothing in the cache: median of some."""
    near = [_usable_ms(browser, hub, hub.address, 1) for _ in range(LOADS)]
    wire = Wire(port_of(hub), PHONE_DELAY_S)
    far = [_usable_ms(browser, hub, wire.address, PHONE_SLOWER) for _ in range(LOADS)]
    wire.close()
    return [
        Line("usable, desk", "ms", round(median(near)), 300),
        Line("usable, phone (4x slower, 40 ms round trip)", "ms", round(median(far)), 1000),
    ]


def _usable_ms(browser: Browser, hub: Hub, address: str, slower: int) -> float:
    width = 390 if slower > 1 else 1280
    context = browser.new_context(viewport={"width": width, "height": 800}, storage_state=str(hub.folder / "who.json"))
    context.add_init_script(USABLE)
    page = context.new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(address)
    taken_ms = float(page.evaluate("usable"))
    context.close()
    return taken_ms


def flooded(browser: Browser, hub: Hub, flood: Flood, rate: int, seconds: float) -> list[Line]:
    """Frames, long tasks and losses while many agents post into the open channel."""
    page = signed_in(browser, hub)
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate(WATCH)
    page.wait_for_timeout(5000)
    idle = page.evaluate("watched.frames")
    page.evaluate(FORGET)
    posting = flood.start(rate, seconds)
    while posting.poll() is None:
        page.wait_for_timeout(200)
    watched = page.evaluate("watched")
    posted = flood.end(posting).answered
    newest = _newest(hub)
    page.wait_for_function(REACHED, arg=[hub.channel(), newest])
    heard, shown = page.evaluate("watched.seqs"), page.evaluate(SHOWN)
    page.context.close()
    holes = sum(
        bisect_right(heard, later) - bisect_right(heard, order) != count
        for (order, _), (later, count) in itertools.pairwise(shown)
        if order in heard
    )
    frames = watched["frames"]
    return [
        Line("flood, messages a second", "", round(posted / seconds)),
        Line("flood, frame p50", "ms", share(frames, 0.5)),
        Line("flood, frame p95", "ms", share(frames, 0.95), 16.7, share(idle, 0.95)),
        Line("flood, frame p99", "ms", share(frames, 0.99), 33, share(idle, 0.99)),
        Line("flood, idle page before it, frame p95", "ms", share(idle, 0.95)),
        Line("flood, tasks above 50 ms a minute", "", round(len(watched["long"]) * 60 / seconds, 1), 1),
        Line("flood, messages lost or out of order", "", _lost(heard, posted) + holes, 0),
    ]


def _lost(heard: list[int], posted: int) -> int:
    return posted - len(set(heard)) + (heard != sorted(heard))


def _newest(hub: Hub) -> int:
    return int(hub.call("GET", f"/api/messages?channelId={hub.channel()}&limit=1")["messages"][0]["seq"])


def painted(browser: Browser, hub: Hub, flood: Flood, seconds: float) -> list[Line]:
    """From the worker's receipt to the screen, at a rate that people can read."""
    page = signed_in(browser, hub)
    page.wait_for_timeout(SETTLED_MS)
    flood.end(flood.start(READABLE_RATE, seconds))
    page.wait_for_timeout(500)
    taken = page.evaluate(PULSE)
    page.context.close()
    return [
        Line("received to painted, p50", "ms", share(taken, 0.5), 20),
        Line("received to painted, p95", "ms", share(taken, 0.95), 30),
    ]


def missed(browser: Browser, hub: Hub, flood: Flood) -> list[Line]:
    """A page whose wire was cut while a thousand messages came."""
    wire = Wire(port_of(hub))
    page = signed_in(browser, hub, wire.address)
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate(WATCH)
    wire.cut()
    came = flood.end(flood.start(MISSED, 1.0)).answered
    newest = _newest(hub)
    began = page.evaluate("performance.now()")
    wire.mend()
    page.evaluate("dispatchEvent(new Event('online'))")
    reached = page.wait_for_function(REACHED, arg=[hub.channel(), newest]).json_value()
    heard = page.evaluate("watched.seqs")
    page.context.close()
    wire.close()
    return [
        Line(f"reconnect with {MISSED:,} missed, all there after", "ms", round(reached - began), 1000),
        Line("reconnect, missed or out of order", "", _lost(heard, came), 0),
    ]


def tabs(browser: Browser, hub: Hub, count: int) -> list[Line]:
    """The hub's streams with so many tabs open, and a call from the seventh over HTTP/1.1."""
    page = signed_in(browser, hub)
    waited_ms = 0.0
    for number in range(2, count + 1):
        other = page.context.new_page()
        other.goto(hub.address)
        if number == REST_TABS:
            call = (
                "async () => { const at = performance.now(); await fetch('/api/me'); return performance.now() - at; }"
            )
            waited_ms = round(other.evaluate(call), 1)
    page.wait_for_timeout(1500)
    lines = [line for line in hub.text("/metrics").splitlines() if line.startswith("hub_sse_connections")]
    page.context.close()
    return [
        Line(f"{count} tabs, streams", "", sum(int(float(line.split()[-1])) for line in lines), 1),
        Line(f"a call from tab {REST_TABS}", "ms", waited_ms, 1000),
    ]


def scrolled(browser: Browser, hub: Hub, flood: Flood, count: int) -> list[Line]:
    """The heap after a channel of so many messages was scrolled through to its beginning."""
    filled = flood.fill(count)
    page = signed_in(browser, hub)
    wire = page.context.new_cdp_session(page)
    began_s = time.monotonic()
    seen: dict[str, Any] = page.evaluate(SCROLL)
    spent_s = round(time.monotonic() - began_s)
    peak = wire.send("Runtime.getHeapUsage")["usedSize"]
    wire.send("HeapProfiler.collectGarbage")
    kept = wire.send("Runtime.getHeapUsage")["usedSize"]
    page.context.close()
    return [
        Line("scrolled through, messages", "", filled if seen["reached"] else 0),
        Line("scrolled through, seconds", "s", spent_s),
        Line("scrolled through, heap", "MB", round(kept / 1e6, 1), 60),
        Line("scrolled through, heap before collecting", "MB", round(peak / 1e6, 1)),
        Line("scrolled through, rows at most", "", seen["most"], 300),
    ]


def state_of(page: Page, folder: Path) -> None:
    """Keep who is signed in for the pages to come."""
    page.context.storage_state(path=str(folder / "who.json"))
