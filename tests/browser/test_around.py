"""Getting around, on every device and in many tabs: search, keys, markers, presence, and floods."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import arrive
from tests.browser.hub import Hub
from tests.browser.test_conversation import row
from tests.browser.test_page import words, write

pytestmark = pytest.mark.browser


def test_words_are_found_and_their_place_is_shown(page: Page, hub: Hub) -> None:
    scout, planner = hub.make_agent("scout", limits={"message": 0}), hub.make_agent("planner")
    needle = hub.say(scout, "the heron sleeps")
    for number in range(120):
        hub.say(scout, f"number {number}")
    hub.say(planner, "no heron here")
    page.reload()
    expect(words(page).last).to_have_text("no heron here")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search or go to")
    field.fill("heron from:scout in:general")
    found = page.get_by_role("option")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("the heron sleeps")
    page.keyboard.press("Enter")
    expect(row(page, "the heron sleeps")).to_be_in_viewport()
    assert page.url.endswith(f"#{hub.channel()}/{needle['id']}")
    expect(row(page, "number 119")).to_have_count(0)
    page.get_by_role("button", name="To the newest").click()
    expect(row(page, "no heron here")).to_be_in_viewport()
    page.reload()  # an address of a message leads there by itself
    expect(row(page, "the heron sleeps")).to_be_in_viewport()


def test_found_words_are_shown_without_their_signs_and_marked(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    long = "## Report\n\n" + "nothing of note here, " * 20
    hub.say(
        scout, f"{long}\n- the **heron** of [the pond](https://x.example/) and `2 * 3`\n```sh\nls <b>herons</b>\n```"
    )
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search or go to").fill("Heron pond")
    found = page.get_by_role("option")
    expect(found).to_contain_text("the heron of the pond and 2 * 3 ls <b>herons</b>")
    expect(found).to_contain_text("scout … ")
    expect(found.locator("mark")).to_have_text(["heron", "pond", "heron"])


def test_the_keyboard_goes_everywhere(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    for name in ("builds", "deploy"):
        made = hub.call("POST", "/api/channels", {"name": name})
        for member in ("maya", "scout"):
            hub.call("PUT", f"/api/channels/{made['id']}/members/{member}", {"role": "member"})
    hub.say(scout, "one")
    hub.say(scout, "two")
    page.reload()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("general")
    hub.say(scout, "ready", "builds")
    expect(page.get_by_role("link", name="builds")).to_contain_text("1 unread")
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(heading).to_have_text("builds")
    page.keyboard.press("Alt+ArrowDown")
    expect(heading).to_have_text("deploy")
    page.keyboard.press("Control+k")
    page.keyboard.type("gen")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("general")
    page.locator(".scroll").focus()
    page.keyboard.press("k")
    expect(row(page, "two")).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, "one")).to_be_focused()
    page.keyboard.press("+")
    expect(page.get_by_role("group", name="React").get_by_role("button").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".rx button")).to_have_text("👀1")
    expect(row(page, "one")).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_role("textbox", name="Reply")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Reply")).to_be_hidden()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    sheet.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_hidden()


def test_what_was_read_is_read_on_every_device(page: Page, hub: Hub, context: BrowserContext) -> None:
    scout = hub.make_agent("scout")
    made = hub.call("POST", "/api/channels", {"name": "builds"})
    for member in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{made['id']}/members/{member}", {"role": "member"})
    hub.say(scout, "one @maya", "builds")
    page.reload()
    link = page.get_by_role("link", name="builds")
    expect(link).to_contain_text("1 mention of you")
    link.click()
    expect(words(page)).to_have_text(["one @maya"])
    expect(link).not_to_contain_text("mention")
    page.wait_for_timeout(1200)
    assert page.evaluate("fetch('/api/unread').then((r) => r.json())")["channels"][made["id"]]["unread"] == 0
    context.clear_cookies(name="nothing")
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.get_by_role("link", name="builds")).not_to_contain_text("mention")


def test_presence_and_typing_are_told_and_shown(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    place = f"/api/channels/{hub.channel()}"
    expect(page.get_by_role("navigation").locator("li", has_text="Maya").locator(".on")).to_have_count(1)
    marks = page.get_by_role("link", name="scout").locator(".mark")
    for status, look in (("online", "on"), ("away", "away"), ("dnd", "dnd"), ("offline", "off")):
        hub.call("PUT", f"{place}/presence", {"status": status}, token=scout)
        expect(marks).to_have_class(f"mark agent {look}")
    hub.call("PUT", f"{place}/typing", {"started": True}, token=scout)
    expect(page.locator(".busy")).to_contain_text("scout is writing")
    hub.say(scout, "said")
    expect(page.locator(".busy")).not_to_contain_text("scout is writing")
    page.get_by_role("textbox", name="Write to").press_sequentially("hm")
    page.wait_for_timeout(300)
    assert "maya" in hub.call("GET", f"{place}/typing")["typing"]
    page.keyboard.press("Enter")
    expect(words(page).last).to_have_text("hm")
    page.wait_for_timeout(300)
    assert "maya" not in hub.call("GET", f"{place}/typing")["typing"]


def test_tabs_share_one_stream_and_all_hear(page: Page, hub: Hub, context: BrowserContext) -> None:
    scout = hub.make_agent("scout")
    hub.say(scout, "before")
    others = [context.new_page() for _ in range(6)]
    for other in others:
        other.goto(hub.address)
        expect(words(other)).to_have_text(["before"])
    hub.say(scout, "to all")
    for tab in (page, *others):
        expect(words(tab)).to_have_text(["before", "to all"])
    assert streams(hub) == 1
    page.close()
    others[0].close()
    hub.say(scout, "still here")
    expect(words(others[1])).to_have_text(["before", "to all", "still here"])
    assert streams(hub) == 1


def streams(hub: Hub) -> int:
    """How many streams the hub counts."""
    text = hub.text("/metrics")
    return sum(int(float(value)) for value in re.findall(r"^hub_sse_connections\S* (\S+)$", text, re.MULTILINE))


def test_without_shared_workers_each_tab_listens(context: BrowserContext, hub: Hub) -> None:
    context.add_init_script("delete globalThis.SharedWorker")
    page = context.new_page()
    arrive(page, hub)
    hub.say(hub.make_agent("scout"), "heard")
    expect(words(page)).to_have_text(["heard"])


def test_a_flood_folds_and_opens(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    hub.flood(scout, 300)
    fold = page.locator(".branch", has_text="more in")
    expect(fold.first).to_be_visible()
    hub.say(hub.make_agent("planner"), "after the flood")
    expect(words(page).last).to_have_text("after the flood")
    assert page.locator(".main .log > li").count() <= 300
    fold.last.click()  # on a slow machine a lull may have ended another before it
    expect(page.locator(".main .log > li[data-id]").nth(70)).to_be_attached()


def test_the_dom_stays_small_however_far_one_reads(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    hub.flood(scout, 900)
    page.reload()
    expect(words(page).last).to_have_text("flood 899")
    up = "scroller => scroller.scrollTop = scroller.clientHeight - scroller.scrollHeight"
    for _ in range(40):
        page.locator(".scroll").evaluate(up)
        page.wait_for_timeout(120)
        assert page.locator(".main .log > li").count() <= 300
        if page.get_by_text("flood 0", exact=True).count():
            break
    expect(page.get_by_text("flood 0", exact=True)).to_be_attached()
    for _ in range(40):
        page.locator(".scroll").evaluate("scroller => scroller.scrollTop = 0")
        page.wait_for_timeout(120)
        assert page.locator(".main .log > li").count() <= 300
        if page.get_by_text("flood 899", exact=True).count():
            break
    shown = words(page).all_inner_texts()
    numbers = [int(text.split()[1]) for text in shown]
    assert numbers == list(range(numbers[0], 900))


def test_the_hub_hears_how_long_messages_took_to_the_screen(page: Page, hub: Hub) -> None:
    write(page, "mine")
    expect(page.get_by_role("button", name="On your screen after")).to_have_count(1)
    page.reload()  # leaving tells
    expect(words(page)).to_have_text(["mine"])
    page.wait_for_timeout(300)
    found = re.search(r'hub_message_latency_seconds_count\{point="painted"\} (\S+)', hub.text("/metrics"))
    assert found is not None
    assert float(found[1]) == 1


def test_names_are_completed_and_the_next_that_fits_too(page: Page, hub: Hub) -> None:
    for name in ("scout", "scribe", "planner"):
        hub.make_agent(name)
    page.reload()
    field = page.get_by_role("textbox", name="Write to general")
    field.fill("ask @sc")
    field.press("Tab")
    expect(field).to_have_value("ask @scout ")
    field.press("Tab")
    expect(field).to_have_value("ask @scribe ")
    field.press("Tab")
    expect(field).to_have_value("ask @scout ")
    field.press_sequentially("and @PL")
    field.press("Tab")
    expect(field).to_have_value("ask @scout and @planner ")
    field.fill("no name")
    field.press("Tab")
    expect(field).not_to_be_focused()


def test_a_public_channel_is_heard_before_one_joins_it(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    hub.call("POST", "/api/channels", {"name": "open-house"}, token=scout)
    page.evaluate("dispatchEvent(new Event('focus'))")  # as when one comes back from another window
    page.locator("hub-rail").get_by_text("open-house").click()
    expect(page.get_by_role("button", name="Join open-house")).to_be_visible()
    hub.say(scout, "come in", "open-house")
    expect(words(page)).to_have_text(["come in"])
    page.locator("hub-rail").get_by_text("general").click()
    hub.say(scout, "nobody looks", "open-house")
    page.locator("hub-rail").get_by_text("open-house").click()
    expect(words(page)).to_have_text(["come in", "nobody looks"])
    page.get_by_role("button", name="Join open-house").click()
    hub.say(scout, "welcome", "open-house")
    expect(words(page)).to_have_text(["come in", "nobody looks", "welcome"])
