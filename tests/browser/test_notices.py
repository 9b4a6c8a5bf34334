"""What calls for a person who looks elsewhere: notices when they want them, and the number on the tab."""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words

pytestmark = pytest.mark.browser

# Headless Chromium shows nothing, so what the page asks to be shown is noted down.
NOTED = """
window.noted = [];
window.Notification = class {
  static permission = sessionStorage.getItem("permission") ?? "default";
  static async requestPermission() {
    sessionStorage.setItem("asked", "yes");
    sessionStorage.setItem("permission", "granted");
    return (this.permission = "granted");
  }
  constructor(title, { body, tag }) { noted.push({ title, body, tag }); }
  close() {}
};
"""


def noted(page: Page) -> Any:
    """The notices that were asked for so far."""
    return page.evaluate("noted")


@pytest.fixture
def noting(context: BrowserContext, page: Page) -> Page:
    """Maya's page, where notices are noted down."""
    context.add_init_script(NOTED)
    page.reload()
    expect(page.get_by_role("heading", level=1, name="general")).to_be_visible()
    return page


def want_notices(page: Page) -> None:
    """Turn them on, as a person does."""
    page.evaluate("location.hash = 'page/you'")
    page.get_by_role("checkbox", name="Notices of mentions").check()
    page.evaluate("location.hash = ''")


def test_nobody_is_asked_or_told_who_has_not_turned_notices_on(noting: Page, hub: Hub) -> None:
    builds = hub.call("POST", "/api/channels", {"name": "builds"})["id"]
    scout = hub.make_agent("scout")
    for who in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    hub.say(scout, "@maya look", "builds")
    expect(noting.get_by_role("link", name="builds")).to_contain_text("1 mention of you")
    assert noted(noting) == []
    assert noting.evaluate("sessionStorage.getItem('asked')") is None


def test_who_wants_notices_is_told_of_mentions_and_private_words_once(noting: Page, hub: Hub) -> None:
    builds = hub.call("POST", "/api/channels", {"name": "builds"})["id"]
    scout = hub.make_agent("scout")
    for who in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    want_notices(noting)
    noting.get_by_role("link", name="general").click()
    hub.say(scout, "nothing of note", "builds")
    hub.say(scout, "@maya the build is red", "builds")
    noting.wait_for_function("() => noted.length === 1")
    assert noted(noting) == [{"title": "scout · builds", "body": "@maya the build is red", "tag": builds}]
    word = {"type": "agent.direct_message", "data": {"content": "a word in private"}}
    hub.call("POST", "/api/agents/maya/events", word, token=scout)
    noting.wait_for_function("() => noted.length === 2")
    assert noted(noting)[1] == {"title": "scout", "body": "a word in private", "tag": "@scout"}
    hub.say(scout, "@maya here, before your eyes")
    expect(words(noting).last).to_have_text("@maya here, before your eyes")
    assert len(noted(noting)) == 2
    noting.reload()
    expect(words(noting).last).to_have_text("@maya here, before your eyes")
    assert noted(noting) == []


def test_the_tabs_icon_has_the_number_of_calls(page: Page, hub: Hub) -> None:
    builds = hub.call("POST", "/api/channels", {"name": "builds"})["id"]
    scout = hub.make_agent("scout")
    for who in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("/icons/hub.svg$"))
    hub.say(scout, "@maya one", "builds")
    hub.say(scout, "@maya two", "builds")
    expect(icon).to_have_attribute("href", re.compile("%3E2%3C"))
    page.get_by_role("link", name="builds").click()
    expect(icon).to_have_attribute("href", re.compile("/icons/hub.svg$"))


def test_a_page_without_tls_says_why_it_has_no_notices(context: BrowserContext, page: Page) -> None:
    context.add_init_script("Object.defineProperty(globalThis, 'isSecureContext', { value: false })")
    page.reload()
    page.evaluate("location.hash = 'page/you'")
    expect(page.get_by_text("This page came without TLS.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Notices of mentions")).to_have_count(0)
