"""What the page costs to load: requests and bytes, which are the same on every machine."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

SETTLED_MS = 3000  # one's presence is told a moment after a channel was opened


@pytest.fixture
def wire(hub: Hub) -> Iterator[Wire]:
    """A wire to the hub that counts."""
    made = Wire(int(hub.address.rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture
def visitor(browser: Browser, page: Page, hub: Hub) -> Iterator[Page]:
    """A page with the person's cookie and nothing in its cache."""
    for number in range(60):
        hub.call("POST", "/api/messages", {"channelId": hub.channel(), "content": f"what was said before, {number}"})
    context = browser.new_context(storage_state=page.context.storage_state())
    page.close()
    yield context.new_page()
    context.close()


def load(visitor: Page, wire: Wire) -> list[str]:
    """Open the page, or open it again; what was asked for until it is at rest."""
    wire.forget()
    visitor.goto("about:blank")
    visitor.goto(wire.address)
    expect(words(visitor).last).to_have_text("what was said before, 59")
    visitor.wait_for_timeout(SETTLED_MS)
    return wire.asked


def test_a_first_visit_asks_for_little(visitor: Page, wire: Wire) -> None:
    asked = load(visitor, wire)
    assert len(asked) <= 12, asked
    assert wire.received <= 80_000


def test_a_later_visit_asks_for_the_page_the_stream_and_says_that_one_is_here(visitor: Page, wire: Wire) -> None:
    load(visitor, wire)
    asked = load(visitor, wire)
    assert len(asked) <= 3, asked
    assert wire.received <= 12_000


def test_the_channel_that_was_open_comes_with_the_page(page: Page, hub: Hub) -> None:
    builds = str(hub.call("POST", "/api/channels", {"name": "builds"})["id"])
    scout = hub.make_agent("scout")
    for who in ("scout", "maya"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    hub.say(scout, "in general")
    hub.say(scout, "in builds", "builds")
    page.goto("about:blank")
    page.goto(f"{hub.address}/#{builds}")
    expect(words(page)).to_have_text(["in builds"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("about:blank")
    page.goto(hub.address)
    expect(words(page)).to_have_text(["in builds"])
    hub.say(scout, "and more", "builds")
    expect(words(page)).to_have_text(["in builds", "and more"])
    page.get_by_role("link", name="general").click()
    expect(words(page)).to_have_text(["in general"])
    assert [url for url in asked if "/api/messages" in url] == [
        f"{hub.address}/api/messages?channelId={hub.channel()}&limit=50"
    ]
