"""Accessibility by the rules that a machine can judge: axe finds nothing, in both schemes and at a phone's width."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = ("health", "agents", "tokens", "invitations", "channels", "audit", "settings", "you", "nowhere")
SIZES = {"desk": (1280, 800), "phone": (390, 844)}


def violations(page: Page) -> list[str]:
    """What axe finds wrong, as `rule: element`. It is given to the page past its policy."""
    if not page.evaluate("Boolean(globalThis.axe)"):
        wire = page.context.new_cdp_session(page)
        wire.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
        wire.detach()
    found: dict[str, Any] = page.evaluate(
        "(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES
    )
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def furnish(hub: Hub) -> str:
    """A channel with something of everything; answers the id of the message with a thread."""
    scout, planner = hub.make_agent("scout"), hub.make_agent("planner")
    place = hub.channel()
    said = hub.say(scout, "# A plan\n\n1. **one**\n2. `two` for @maya\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> words")
    hub.say(planner, "```python\ndef f():\n    return 'x'  # why\n```")
    hub.call("PUT", f"/api/messages/{said['id']}/reactions/%F0%9F%91%8D", token=planner)
    thread = hub.call("POST", "/api/threads", {"channelId": place, "parentMessageId": said["id"]}, token=planner)
    reply = {"channelId": place, "content": "a **reply**", "threadId": thread["id"]}
    hub.call("POST", "/api/messages", reply, token=planner)
    asked = {"type": "agent.command", "data": {"content": "swap --yes", "actionRequired": True, "channelId": place}}
    hub.call("POST", "/api/agents/maya/events", asked, token=scout)
    hub.call("POST", f"/api/channels/{place}/collaboration", {"type": "handover", "data": {"to": "me"}}, token=scout)
    hub.call("PUT", f"/api/channels/{place}/presence", {"status": "away"}, token=scout)
    hub.publish("external:telegram:ada", "from outside")
    return str(said["id"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, hub: Hub, scheme: Any, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    wrong = {"empty": violations(page)}
    said = furnish(hub)
    expect(page.locator(".main .log .set h1")).to_be_visible()
    expect(words(page).last).to_have_text("from outside")
    page.locator(".main .log .set").first.click()
    wrong["chat"] = violations(page)
    page.keyboard.press("+")
    wrong["picker"] = violations(page)
    page.goto(f"{hub.address}/#{hub.channel()}/{said}/thread")
    expect(page.get_by_role("complementary", name="Thread").locator(".md")).to_have_count(2)
    wrong["thread"] = violations(page)
    page.get_by_role("button", name="Close the thread").click()
    page.keyboard.press("Control+k")
    page.keyboard.type("plan")
    expect(page.get_by_role("option", name="A plan")).to_be_visible()
    wrong["search"] = violations(page)
    page.keyboard.press("Escape")
    page.locator(".main .scroll").focus()
    page.keyboard.press("?")
    wrong["keys"] = violations(page)
    page.keyboard.press("Escape")
    hub.call("POST", "/api/invitations", {})
    for place in ("#needs", "#@scout", "#rail", *(f"#page/{name}" for name in PAGES)):
        page.goto(f"{hub.address}/{place}")
        page.wait_for_timeout(500)
        wrong[place] = violations(page)
    assert {place: found for place, found in wrong.items() if found} == {}


def test_axe_finds_nothing_at_the_door(context: BrowserContext, hub: Hub) -> None:
    door = context.new_page()
    for path in ("/", "/welcome#code"):
        door.goto("about:blank")
        door.goto(hub.address + path)
        expect(door.get_by_role("heading", level=1)).to_be_visible()
        assert violations(door) == []
