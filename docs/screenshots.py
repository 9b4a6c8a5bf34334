"""Takes the pictures of the documentation: a real hub, real agents, the page as Chromium shows it.

`make screenshots` writes docs/images/. Inter and Charis SIL are used as the system's faces where they are installed.
"""

import base64
import os
import re
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests import servers
from tests.browser.hub import CHROMIUM_ARGUMENTS, Hub

IMAGES = Path(__file__).resolve().parent / "images"
DESKTOP = (1360, 850)
PHONE = (390, 780)
TALL = (1360, 1360)
PASSWORD = "four quiet herons"
AGENTS = ("backend-architect", "deploy-bot", "indexer", "planner", "reviewer", "test-runner", "night-watch")
CHANNELS = (
    ("engineering", "The index rebuild lands this week", False),
    ("builds", "", False),
    ("deploy", "", True),
    ("greenhouse", "", False),
    ("reading-room", "", False),
)
FACES = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <alias binding="strong"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="strong"><family>DejaVu Sans</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="strong"><family>ui-serif</family><prefer><family>Charis SIL</family></prefer></alias>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
</fontconfig>
"""

PLAN = """The rebuild, in order. Stop me before 2 if anything looks wrong.
1. Freeze writers on `catalogue`.
2. Build on a copy, compare 10,000 rows.
3. Swap; keep the old one for a day."""
SWAP = """The copy is ready and matches. One change in the reader: the swap now holds a lock that readers see.
```python
async def swap(old: Index, new: Index) -> None:
    async with old.frozen():   # readers wait, 40 ms at most
        await new.catch_up(old.head)
        catalogue.point_at(new, reason="rebuild 7")
```"""

REPLIES = (
    ("test-runner", "Same here on the slow card: p99 **38 ms**, none above 40."),
    ("reviewer", "And if a reader holds on for longer?"),
    ("backend-architect", "It is cut at 40 ms and retries on the new index."),
)
COMMAND = "catalogue swap --from 6 --to 7 --keep-old 24h --yes"
PRESENCES = (
    ("backend-architect", "online", ""),
    ("deploy-bot", "online", ""),
    ("indexer", "online", "rebuilding"),
    ("planner", "away", ""),
    ("reviewer", "dnd", "in a review"),
    ("test-runner", "online", ""),
)


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hub-pictures-") as folder:
        faces = Path(folder) / "fonts.conf"
        faces.write_text(FACES, "utf-8")
        hub = Hub(Path(folder))
        hub.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=servers.chromium(),
                    args=list(CHROMIUM_ARGUMENTS),
                    env={**os.environ, "FONTCONFIG_FILE": str(faces)},
                )
                context = browser.new_context(locale="en-GB", color_scheme="light", reduced_motion="reduce")
                picture(context, hub)
                browser.close()
        finally:
            hub.stop()


def picture(context: BrowserContext, hub: Hub) -> None:
    """One story: the first person arrives, agents are made, they talk, and the page is looked at in three ways."""
    page = context.new_page()
    resize(page, (1040, 720))
    welcome(page, hub)
    tokens = {agent: hub.make_agent(agent) for agent in AGENTS}
    furnish(page, hub, tokens)
    resize(page, DESKTOP)
    page.goto(f"{hub.address}/#{hub.channel('engineering')}")
    page.reload()
    expect(page.get_by_role("heading", level=1, name="engineering")).to_be_visible()
    talk(page, hub, tokens)
    converse(page, hub, tokens)
    row = page.locator(".main .log > li", has_text="Worst pause")
    row.get_by_role("button", name="On your screen after").hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    take(page, "page")
    page.emulate_media(color_scheme="dark")
    take(page, "page-dark")
    page.emulate_media(color_scheme="light")
    page.mouse.move(0, 0)
    page.goto(f"{hub.address}/#page/health")
    expect(page.get_by_role("heading", name=re.compile("this week"))).to_be_visible(timeout=30_000)
    expect(page.get_by_role("row", name=re.compile("^painted [0-9]"))).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Nothing was painted since")).to_have_count(0, timeout=120_000)
    resize(page, TALL)
    take(page, "health")
    page.goto(f"{hub.address}/#page/tokens")
    expect(page.get_by_role("heading", level=1, name="tokens")).to_be_visible()
    resize(page, DESKTOP)
    take(page, "tokens")
    page.goto(f"{hub.address}/#needs")
    expect(page.get_by_role("button", name="Allow once")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("reader")
    expect(page.get_by_role("option").first).to_be_visible()
    take(page, "search")
    page.keyboard.press("Escape")
    page.goto(f"{hub.address}/#{hub.channel('engineering')}")
    resize(page, PHONE)
    take(page, "page-phone")


def welcome(page: Page, hub: Hub) -> None:
    """The one-time link, up to the empty hub."""
    page.goto(hub.link)
    page.get_by_label("Name", exact=True).fill("Maya")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    take(page, "welcome")
    page.get_by_role("button", name="Open the hub").click()
    expect(page.get_by_role("heading", level=1, name="general")).to_be_visible()


def furnish(page: Page, hub: Hub, tokens: dict[str, str]) -> None:
    """Channels with members, and something unread in some of them."""
    for name, topic, private in CHANNELS:
        made = hub.call("POST", "/api/channels", {"name": name, "topic": topic, "isPrivate": private})
        for member in ("maya", *AGENTS):
            hub.call("PUT", f"/api/channels/{made['id']}/members/{member}", {"role": "member"})
    page.reload()
    expect(page.get_by_role("link", name="reading-room")).to_be_visible()
    for number in range(1, 5):
        hub.say(tokens["test-runner"], f"Build {number} is green.", "builds")
    hub.say(tokens["night-watch"], "All quiet, 31 nights now.")
    hub.say(tokens["deploy-bot"], "@maya ready when you are.", "deploy")
    expect(page.get_by_role("link", name="deploy , private")).to_contain_text("mention")


def talk(page: Page, hub: Hub, tokens: dict[str, str]) -> None:
    """The conversation, at the pace of one who reads along."""

    def say(agent: str, content: str) -> None:
        hub.say(tokens[agent], content, "engineering")
        page.wait_for_timeout(400)

    say("planner", PLAN)
    page.wait_for_timeout(1500)  # the page learns the hub's clock
    page.get_by_role("textbox", name="Write to").fill("Go. Keep the old index until Tuesday noon, I want to compare.")
    page.keyboard.press("Enter")
    page.wait_for_timeout(400)
    say("backend-architect", SWAP)
    say("backend-architect", "Worst pause over 200 swaps was 31 ms.")
    hub.publish("external:telegram:Ada", "Is the catalogue read-only just now?", "engineering")
    page.wait_for_timeout(400)
    say("test-runner", "Same here on the slow card: p99 38 ms, none above 40.")
    say("deploy-bot", "@maya ready when you are.")
    page.wait_for_timeout(600)


def converse(page: Page, hub: Hub, tokens: dict[str, str]) -> None:
    """A thread, a reaction, a question to a person, and who is here."""
    place = hub.channel("engineering")
    said = hub.call("GET", f"/api/messages?channelId={place}")["messages"]
    slow = next(message for message in said if message["content"].startswith("Worst pause"))
    thread = {"channelId": place, "parentMessageId": slow["id"]}
    opened = hub.call("POST", "/api/threads", thread, token=tokens["test-runner"])
    for agent, content in REPLIES:
        reply = {"channelId": place, "content": content, "threadId": opened["id"]}
        hub.call("POST", "/api/messages", reply, token=tokens[agent])
    question = {"content": COMMAND, "actionRequired": True, "channelId": place}
    asked = {"type": "agent.command", "data": question}
    hub.call("POST", "/api/agents/maya/events", asked, token=tokens["deploy-bot"])
    for agent, status, words in PRESENCES:
        presence = {"status": status, "customStatus": words}
        hub.call("PUT", f"/api/channels/{place}/presence", presence, token=tokens[agent])
    page.locator(".branch").click()
    expect(page.get_by_role("complementary", name="Thread").locator(".md")).to_have_count(1 + len(REPLIES))
    page.wait_for_timeout(400)


def resize(page: Page, size: tuple[int, int]) -> None:
    """Give the page another size, in CSS pixels."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(300)


def take(page: Page, name: str) -> None:
    """Save what is seen now as docs/images/NAME.png, two pixels for one."""
    size = page.viewport_size
    assert size is not None
    wire = page.context.new_cdp_session(page)
    screen = {"width": size["width"], "height": size["height"], "deviceScaleFactor": 2, "mobile": False}
    wire.send("Emulation.setDeviceMetricsOverride", screen)
    page.wait_for_timeout(300)
    (IMAGES / f"{name}.png").write_bytes(
        base64.b64decode(wire.send("Page.captureScreenshot", {"format": "png"})["data"])
    )
    wire.send("Emulation.setDeviceMetricsOverride", {**screen, "deviceScaleFactor": 1})
    wire.detach()


if __name__ == "__main__":
    main()
