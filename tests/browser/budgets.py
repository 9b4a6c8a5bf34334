"""Measures what the page costs in a real Chromium against a real hub: `python -m tests.browser.budgets [--seconds 60]`.

Nothing here is asserted: the numbers depend on the machine, shared by browser, hub and load generator.
"""

import argparse
import asyncio
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp
from playwright.sync_api import Browser, Page, sync_playwright

from tests import servers
from tests.browser.conftest import arrive
from tests.browser.hub import CHROMIUM_ARGUMENTS, Hub

WATCH = """
window.watched = { frames: [], long: [] };
let last = 0;
const frame = (now) => { if (last) watched.frames.push(now - last); last = now; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
new PerformanceObserver((list) => watched.long.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask" });
"""
SCROLL = """
async () => {
  const { store } = await import("hub/store");
  const scroller = document.querySelector(".main .scroll");
  let most = 0;
  for (let still = 0; still < 200; still += 1) {
    scroller.scrollTop = scroller.clientHeight - scroller.scrollHeight;
    await new Promise(requestAnimationFrame);
    most = Math.max(most, document.querySelectorAll(".main .log > li").length);
    const log = store.log(store.openId);
    if (log.loading) still = 0;
    if (!log.hasMore && log.loaded) break;
  }
  return { most, first: store.log(store.openId).rows[0].order };
}
"""
PULSE = """
async () => {
  const { store } = await import("hub/store");
  return store.pulse.recent(store.clock).map(({ received, painted }) => painted - received);
}
"""
TALLY = """
async () => {
  const { store } = await import("hub/store");
  const log = store.log(store.openId);
  return { seq: store.seq, newest: log.newest.seq, rows: document.querySelectorAll(".main .log > li").length };
}
"""


def share(values: list[float], part: float) -> float:
    """The value below which this part of them lies, rounded; 0 of nothing."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))], 1) if values else 0.0


async def post(address: str, tokens: list[str], channel_id: str, rate: float, count: int) -> None:
    """Post so many messages at that rate in turn from each agent, over 16 connections; rate 0 is as fast as it goes."""
    waiting: asyncio.Queue[int] = asyncio.Queue()
    for number in range(count):
        waiting.put_nowait(number)
    began_s = time.monotonic()

    async def work(session: aiohttp.ClientSession) -> None:
        while not waiting.empty():
            number = waiting.get_nowait()
            if rate:
                await asyncio.sleep(max(0.0, began_s + number / rate - time.monotonic()))
            body = {"channelId": channel_id, "content": f"message {number} of a flood, as agents write them"}
            headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
            async with session.post(f"{address}/api/messages", json=body, headers=headers) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        await asyncio.gather(*(work(session) for _ in range(16)))


def load(page: Page, hub: Hub) -> dict[str, Any]:
    """Requests and bytes of a cold and a warm load, and how long until the messages stand there."""
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    found: dict[str, Any] = {}
    for name in ("cold", "warm"):
        if name == "cold":
            wire.send("Network.clearBrowserCache")
        asked: list[str] = []
        size = [0]
        cached: set[str] = set()
        wire.on("Network.requestWillBeSent", lambda event, asked=asked: asked.append(event["requestId"]))
        wire.on("Network.requestServedFromCache", lambda event, cached=cached: cached.add(event["requestId"]))
        wire.on(
            "Network.loadingFinished",
            lambda event, size=size: size.__setitem__(0, size[0] + event["encodedDataLength"]),
        )
        began_s = time.monotonic()
        page.goto(hub.address)
        page.locator(".main .log > li[data-id]").last.wait_for()
        usable_ms = round((time.monotonic() - began_s) * 1000)
        page.wait_for_timeout(1000)
        fetched = len([one for one in asked if one not in cached])
        found[name] = {"requests": fetched, "kilobytes": round(size[0] / 1000, 1), "usable_ms": usable_ms}
    wire.detach()
    return found


def flood(browser: Browser, hub: Hub, tokens: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """Frame times while messages come in at that rate, spread over the agents of these tokens."""
    page = signed_in(browser, hub)
    page.evaluate(WATCH)
    page.wait_for_timeout(2000)
    page.evaluate("watched.frames.length = watched.long.length = 0")
    posting = threading.Thread(
        target=lambda: asyncio.run(post(hub.address, tokens, hub.channel(), rate, int(rate * seconds)))
    )
    posting.start()
    while posting.is_alive():
        page.wait_for_timeout(200)
    page.wait_for_timeout(1000)
    watched, tally = page.evaluate("watched"), page.evaluate(TALLY)
    painted = page.evaluate(PULSE)
    page.context.close()
    return {
        "messages_a_second": rate,
        "agents": len(tokens),
        "frame_ms": {
            "p50": share(watched["frames"], 0.5),
            "p95": share(watched["frames"], 0.95),
            "p99": share(watched["frames"], 0.99),
        },
        "long_tasks": len(watched["long"]),
        "received_to_painted_ms": {"p50": share(painted, 0.5), "p95": share(painted, 0.95)},
        "rows": tally["rows"],
        "heard_to_the_end": tally["seq"]
        == hub.call("GET", f"/api/messages?channelId={hub.channel()}&limit=1")["messages"][0]["seq"],
    }


def scrolled(browser: Browser, hub: Hub, tokens: list[str], count: int) -> dict[str, Any]:
    """The heap after a channel of so many messages was scrolled through to its beginning."""
    posting = threading.Thread(target=lambda: asyncio.run(post(hub.address, tokens, hub.channel(), 0, count)))
    posting.start()
    posting.join()
    page = signed_in(browser, hub)
    began_s = time.monotonic()
    seen = page.evaluate(SCROLL)
    wire = page.context.new_cdp_session(page)
    wire.send("HeapProfiler.collectGarbage")
    used = wire.send("Runtime.getHeapUsage")["usedSize"]
    page.context.close()
    spent_s = round(time.monotonic() - began_s)
    return {"messages": count, "heap_mb": round(used / 1e6, 1), "rows_at_most": seen["most"], "seconds": spent_s}


def tabs(browser: Browser, hub: Hub, count: int) -> dict[str, Any]:
    """How many streams the hub counts with so many tabs open."""
    page = signed_in(browser, hub)
    for _ in range(count - 1):
        page.context.new_page().goto(hub.address)
    page.wait_for_timeout(1500)
    lines = [line for line in hub.text("/metrics").splitlines() if line.startswith("hub_sse_connections")]
    page.context.close()
    return {"tabs": count, "streams": sum(int(float(line.split()[-1])) for line in lines)}


def signed_in(browser: Browser, hub: Hub) -> Page:
    """A page of the person who came first, in a profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=str(hub.folder / "who.json"))
    page = context.new_page()
    page.goto(hub.address)
    page.locator(".main .log > li").last.wait_for()
    return page


def main() -> None:
    """Measure everything and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--messages", type=int, default=100_000)
    options = parser.parse_args()
    os.environ.setdefault("HUB_STREAMS_PER_TOKEN", "50")
    with tempfile.TemporaryDirectory(prefix="hub-budgets-") as folder, sync_playwright() as playwright:
        hub = Hub(Path(folder))
        hub.start()
        try:
            browser = playwright.chromium.launch(executable_path=servers.chromium(), args=list(CHROMIUM_ARGUMENTS))
            page = browser.new_page()
            arrive(page, hub)
            page.context.storage_state(path=str(hub.folder / "who.json"))
            tokens = [hub.make_agent(f"agent-{number}", limits={"message": 0}) for number in range(20)]
            hub.say(tokens[0], "the first")
            show({"load": load(page, hub)})
            page.context.close()
            show({"one_agent": flood(browser, hub, tokens[:1], options.rate, options.seconds)})
            show({"twenty_agents": flood(browser, hub, tokens, options.rate, options.seconds)})
            show({"tabs": tabs(browser, hub, 20)})
            show({"scrolled": scrolled(browser, hub, tokens, options.messages)})
        finally:
            hub.kill()


def show(found: dict[str, Any]) -> None:
    """Print what was found, a line each."""
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
