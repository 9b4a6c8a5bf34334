"""How long a message took, beside it: by the pointer and by the keyboard, one's own and others', new and old."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hub import Hub
from tests.browser.test_access import violations
from tests.browser.test_conversation import row
from tests.browser.test_page import words, write

pytestmark = pytest.mark.browser

STAGES = ["stored", "published", "received", "handled", "rendered", "painted"]


def test_a_messages_time_tells_its_way(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    said = hub.say(scout, "from somebody else")
    expect(words(page).last).to_have_text("from somebody else")
    write(page, "mine")
    expect(words(page).last).to_have_text("mine")
    card = page.locator(".hops")
    row(page, "mine").locator(".at").hover()
    expect(card.locator("th")).to_have_text(STAGES)
    expect(card).to_contain_text(re.compile(r"On your screen after [\d.]+ ms"))
    row(page, "from somebody else").locator(".at").hover()
    expect(card).to_contain_text(f"On disk as № {said['seq']}")
    hops = hub.call("GET", f"/api/messages/{said['id']}/latency")["hops"]
    stored = card.get_by_role("row", name="stored")
    expect(stored).to_contain_text(f"{hops['stored']:.1f}" if hops["stored"] < 10 else str(round(hops["stored"])))


def test_what_this_screen_did_not_see_the_hub_tells_while_it_remembers(page: Page, hub: Hub) -> None:
    hub.say(hub.make_agent("scout"), "said before")
    page.reload()
    expect(words(page).last).to_have_text("said before")
    card = page.locator(".hops")
    row(page, "said before").locator(".at").hover()
    expect(card).to_contain_text(re.compile(r"With its readers after [\d.]+ ms"))
    expect(card.locator("th")).to_have_text(STAGES[:3])
    hub.kill()
    hub.start()
    page.reload()
    expect(words(page).last).to_have_text("said before")
    page.mouse.move(0, 0)
    row(page, "said before").locator(".at").hover()
    expect(card).to_contain_text("newest messages only")


def test_the_keyboard_opens_and_leaves_it(page: Page, hub: Hub) -> None:
    hub.say(hub.make_agent("scout"), "by key")
    expect(words(page).last).to_have_text("by key")
    page.locator(".scroll").focus()
    page.keyboard.press("k")
    expect(row(page, "by key")).to_be_focused()
    page.keyboard.press("t")
    card = page.locator(".hops")
    expect(card).to_be_focused()
    expect(card.get_by_role("row", name="stored")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(row(page, "by key")).to_be_focused()
