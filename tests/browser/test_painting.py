"""The page's part of a message's way: a busy page shows in the hop where it is busy; the paint is Chromium's own."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import arrive
from tests.browser.hub import Hub
from tests.browser.test_page import words, write
from tests.hops import Counts, stages, usual_s

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BUSY_S = 0.3
MESSAGES = 4
ALERT_TIMEOUT_S = 60

BUSY = """
const busy = () => { for (const end = performance.now() + BUSY_MS; performance.now() < end; ); };
// when a message was just sent, the thread is busy as it comes back
addEventListener("keydown", ({ key }) => key === "Enter" && window.fault === "arrival" && setTimeout(busy));
// when a row was just put in, the thread is busy before the frame is painted
new MutationObserver((changes) => {
  const isNew = (node) => node.dataset?.id && !node.previousElementSibling?.matches(`[data-id="${node.dataset.id}"]`);
  if (window.fault === "frame" && changes.some(({ addedNodes }) => [...addedNodes].some(isNew))) busy();
}).observe(document, { childList: true, subtree: true });
""".replace("BUSY_MS", str(BUSY_S * 1000))


def said_by(page: Page, hub: Hub, speak: Callable[[int], str], turn: int) -> Counts:
    """What the hub counted of each hop while some messages were said, one after the other, and seen."""
    before = stages(hub.text("/metrics"))
    for number in range(MESSAGES):
        expect(words(page).last).to_have_text(speak(turn * MESSAGES + number))
        page.wait_for_timeout(BUSY_S * 1000 + 200)
    page.reload()  # leaving tells the hub what this screen measured
    expect(words(page).last).to_be_visible()
    page.wait_for_timeout(500)
    after = stages(hub.text("/metrics"))
    return {
        stage: [now - then for now, then in zip(counts, before[stage], strict=True)] for stage, counts in after.items()
    }


def growth_s(page: Page, hub: Hub, fault: str, speak: Callable[[int], str]) -> dict[str, float]:
    """By how much the fault makes each hop grow, with and without it in turn."""
    sums: dict[bool, Counts] = {False: {}, True: {}}
    for turn in range(4):
        faulty = bool(turn % 2)
        page.evaluate("(name) => { window.fault = name; }", fault if faulty else "")
        for stage, counts in said_by(page, hub, speak, turn).items():
            so_far = sums[faulty].setdefault(stage, [0.0] * len(counts))
            sums[faulty][stage] = [total + more for total, more in zip(so_far, counts, strict=True)]
    return {stage: usual_s(counts) - usual_s(sums[False][stage]) for stage, counts in sums[True].items()}


@pytest.fixture
def watched(context: BrowserContext, hub: Hub) -> Page:
    """Maya's page, whose main thread can be made busy."""
    context.add_init_script(BUSY)
    page = context.new_page()
    arrive(page, hub)
    return page


def test_a_busy_page_is_seen_in_the_handle_hop_and_burns_an_objective(watched: Page, hub: Hub) -> None:
    def speak(number: int) -> str:
        write(watched, f"mine {number}")
        return f"mine {number}"

    grown_s = growth_s(watched, hub, "arrival", speak)
    assert {stage for stage, s in grown_s.items() if s > BUSY_S / 2} == {"handle"}, grown_s
    for turn in range(4, 6):
        watched.evaluate("window.fault = 'arrival'")
        said_by(watched, hub, speak, turn)
    watched.goto(f"{hub.address}/#page/health")
    alert = watched.get_by_role("table", name="Alerts").get_by_role("row", name="the objective painted is missed")
    expect(alert).to_be_visible(timeout=ALERT_TIMEOUT_S * 1000)
    expect(watched.get_by_role("heading", name="Something is not as it should be.")).to_be_visible()
    expect(watched.get_by_role("row", name="Painted within 100 ms")).to_contain_text("missed too often right now")


def test_a_frame_that_takes_long_is_seen_in_the_paint_hop(watched: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    grown_s = growth_s(watched, hub, "frame", lambda number: str(hub.say(scout, f"theirs {number}")["content"]))
    assert {stage for stage, s in grown_s.items() if s > BUSY_S / 2} == {"paint"}, grown_s


@contextmanager
def traced(browser: Browser, page: Page) -> Iterator[list[dict[str, Any]]]:
    """Chromium's own trace of the block: filled with events at its end, in ms of the page's clock, by their time."""
    kinds = ("devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing", "viz")
    found: list[dict[str, Any]] = []
    browser.start_tracing(page=page, categories=list(kinds))
    page.evaluate("performance.mark(`now ${performance.timeOrigin + performance.now()}`)")
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mark = next(event for event in events if event["name"].startswith("now "))
    ahead_ms = mark["ts"] / 1000 - float(mark["name"].split()[1])
    for event in sorted(events, key=lambda event: event["ts"]):
        begun_ms = event["ts"] / 1000 - ahead_ms
        here = (event["pid"], event["tid"]) == (mark["pid"], mark["tid"])
        found.append(
            {"name": event["name"], "here": here, "begun": begun_ms, "ended": begun_ms + event.get("dur", 0) / 1000}
        )


def test_what_the_page_calls_painted_is_what_chromium_painted(page: Page, hub: Hub, browser: Browser) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    hub.say(scout, "the first")
    expect(words(page).last).to_have_text("the first")
    page.wait_for_timeout(1000)
    with traced(browser, page) as events:
        for number in range(12):
            hub.say(scout, f"traced {number}")
            expect(words(page).last).to_have_text(f"traced {number}")
            page.wait_for_timeout(100)
        script = """import("hub/store").then(({ store }) => store.log(store.openId).rows
          .filter(({ seen, message }) => seen?.painted && message.content.startsWith("traced"))
          .map(({ seen }) => seen))"""
        rows = page.evaluate(script)
    assert len(rows) >= 6
    ours, committed, drawn = [], [], []
    for seen in rows:
        frame = [event for event in events if event["begun"] >= seen["rendered"] - 1]
        paint = next(event for event in frame if event["here"] and event["name"] == "Paint")
        commit = next(event for event in frame if event["here"] and event["name"] == "Commit")
        draw = next(
            event for event in frame if event["name"] == "Display::DrawAndSwap" and event["begun"] > commit["begun"]
        )
        assert seen["painted"] >= paint["begun"], "nothing is painted before Chromium begins to"
        ours.append(seen["painted"] - seen["received"])
        committed.append(commit["ended"] - seen["received"])
        drawn.append(draw["ended"] - seen["received"])
    assert 0.75 <= median(ours) / median(committed) <= 1.33, (ours, committed)
    assert 0.5 <= median(ours) / median(drawn) <= 1.33, (ours, drawn)


def test_the_hops_add_up_to_the_whole_way(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    script = 'import("hub/store").then(({ store }) => store.clock.error)'
    hub.say(scout, "who is there?")  # another's message makes the page learn the hub's clock
    for _ in range(100):
        if (page.evaluate(script) or 1000) <= 5:
            break
        page.wait_for_timeout(200)
    before = sums(hub)
    for number in range(20):
        hub.say(scout, f"on its way {number}")
        expect(words(page).last).to_have_text(f"on its way {number}")
    page.reload()
    expect(words(page).last).to_be_visible()
    page.wait_for_timeout(500)
    after = sums(hub)
    counted = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}
    assert counted["painted"][1] > 0, "the clock is known, so times since arrival are told"
    hops_s = sum(counted[stage][0] / counted[stage][1] for stage in STAGES)
    whole_s = counted["painted"][0] / counted["painted"][1]
    # two clocks and the way between two processes lie between the hub's hops and the page's
    assert 0.75 <= hops_s / whole_s <= 1.33


STAGES = ("accept", "store", "publish", "fanout", "handle", "render", "paint")


def sums(hub: Hub) -> dict[str, tuple[float, float]]:
    """Sum and count of each stage and point."""
    text = hub.text("/metrics")
    found: dict[str, list[float]] = {}
    for name, value in re.findall(
        r'^hub_message_(?:stage|latency)_seconds_(?:sum|count){(?:stage|point)="(\w+)"} (\S+)$', text, re.MULTILINE
    ):
        found.setdefault(name, []).append(float(value))
    return {name: (sum_s, count) for name, (count, sum_s) in found.items()}


def test_a_page_with_nothing_to_tell_paints_nothing(page: Page, hub: Hub, browser: Browser) -> None:
    scout = hub.make_agent("scout")
    hub.say(scout, "the last one for a while")
    expect(words(page).last).to_have_text("the last one for a while")
    expect(page.locator(".strip .last")).to_have_attribute("d", re.compile("M"))
    page.wait_for_timeout(1500)  # what a message leaves behind is drawn by then
    with traced(browser, page) as found:
        page.wait_for_timeout(2000)
    drawn = [event for event in found if event["name"] == "Display::DrawAndSwap"]
    assert len(drawn) <= 10, f"{len(drawn)} frames in two silent seconds"
