"""What a person gets: real journeys through the page, in Chromium, against a real hub."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import PASSWORD, arrive
from tests.browser.hub import Hub

pytestmark = pytest.mark.browser

HOSTILE = """<img src=x onerror="document.title='broken in'"><script>document.title='broken in'</script>
[x](javascript:document.title='broken in') ${document.title='broken in'} </textarea></script>"""


def words(page: Page) -> Locator:
    """The bodies of all messages in the list."""
    return page.locator(".log article .md")


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Write to").fill(text)
    page.keyboard.press("Enter")


def test_the_link_leads_into_the_chat(context: BrowserContext, hub: Hub) -> None:
    page = context.new_page()
    page.goto(hub.address)
    expect(page.get_by_role("heading", name="Nobody is here yet.")).to_be_visible()
    arrive(page, hub)
    expect(page.get_by_role("navigation")).to_contain_text("Maya")
    expect(page.get_by_role("heading", name="How an agent says its first words")).to_be_visible()
    assert page.url.rstrip("/") == hub.address
    assert hub.call("GET", "/api/agents/maya")["admin"] is True


def test_a_person_leaves_and_comes_back(page: Page, hub: Hub) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name", exact=True).fill("maya")
    page.get_by_label("Password", exact=True).fill("not her password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name and password do not belong together.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="general")).to_be_visible()


def test_a_spent_link_says_so(context: BrowserContext, hub: Hub) -> None:
    link = hub.link
    arrive(context.new_page(), hub)
    late = context.new_page()
    late.goto(link)
    late.get_by_label("Name", exact=True).fill("Mallory")
    late.get_by_label("Password", exact=True).fill("four loud herons")
    late.get_by_role("button", name="Open the hub").click()
    expect(late.get_by_role("alert")).to_contain_text("used already or has run out")


def test_an_agent_made_on_the_page_says_its_first_words(page: Page, hub: Hub) -> None:
    page.get_by_role("button", name="Make its key").click()
    line = page.locator(".guide pre").first
    expect(line).to_contain_text("curl ")
    found = re.search(r"Bearer (\S+)\"", line.inner_text())
    assert found is not None
    expect(page.get_by_text("has not spoken yet")).to_be_visible()
    hub.say(found[1], "Hello, I am scout.")
    expect(words(page)).to_have_text(["Hello, I am scout."])
    expect(page.get_by_text("has not spoken yet")).to_be_hidden()
    page.reload()
    expect(words(page)).to_have_text(["Hello, I am scout."])
    assert found[1] not in page.content()


def test_what_an_agent_says_appears_by_itself_and_once(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    for number in range(5):
        hub.say(scout, f"number {number}")
    expect(words(page)).to_have_text([f"number {number}" for number in range(5)])
    expect(page.locator(".log .who.bot")).to_have_count(1)
    expect(page.locator(".log article").first).to_contain_text("scout, agent")
    page.reload()
    expect(words(page)).to_have_text([f"number {number}" for number in range(5)])


def test_ones_own_words_appear_once_and_their_lines_are_measured(page: Page) -> None:
    write(page, "the first\nof two lines")
    expect(words(page)).to_have_text(["the first\nof two lines"])
    trace = page.get_by_role("button", name="On your screen after")
    expect(trace).to_have_count(1)
    trace.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("painted")
    expect(page.locator(".now")).to_contain_text("ms to your screen")
    expect(page.get_by_role("textbox", name="Write to")).to_have_value("")


def test_a_hub_that_is_killed_loses_and_repeats_nothing(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    hub.say(scout, "before")
    write(page, "mine before")
    expect(words(page)).to_have_text(["before", "mine before"])
    expect(page.locator(".log .wait")).to_have_count(0)
    hub.kill()
    write(page, "mine meanwhile")
    expect(page.locator(".log .wait")).to_have_text("waits here")
    expect(page.get_by_role("status")).to_contain_text("You have everything up to №")
    expect(page.locator(".now")).to_contain_text("no pulse")
    page.get_by_role("button", name="Try now").click()
    hub.start()
    hub.say(scout, "after")
    expect(page.locator(".log .wait")).to_have_count(0, timeout=20_000)
    expect(words(page)).to_have_count(4)
    shown = words(page).all_inner_texts()
    assert sorted(shown) == ["after", "before", "mine before", "mine meanwhile"]
    stored = hub.call("GET", f"/api/messages?channelId={hub.channel()}", token=scout)["messages"]
    assert shown == [message["content"] for message in stored]
    expect(page.locator(".banner")).to_be_hidden()
    hub.say(scout, "and live again")
    expect(words(page).last).to_have_text("and live again")


def test_hostile_words_stay_words(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", displayName="<img src=x onerror=alert(1)>")
    hub.say(scout, HOSTILE)
    hub.say(scout, f"```html\n{HOSTILE}\n```\nand `{HOSTILE.splitlines()[0]}`")
    hub.publish("<img src=x onerror=alert(1)>", HOSTILE)
    expect(words(page)).to_have_count(3)
    page.reload()
    expect(words(page)).to_have_count(2)
    assert page.title() == "general · OpenClaw Hub"
    assert page.locator(".log :is(img, script, iframe)").count() == 0
    links = page.locator(".log a").evaluate_all("links => links.map((link) => link.protocol)")
    assert [link for link in links if link not in ("http:", "https:")] == []


def test_a_name_cannot_forge_the_mark(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", displayName="Maya")
    hub.say(scout, "I am Maya")
    write(page, "No, I am")
    expect(page.get_by_role("button", name="On your screen after")).to_have_count(2)
    hub.publish("external:telegram:ada", "and I am Ada")
    hub.publish("maya", "and I say that I am maya")
    expect(words(page)).to_have_count(4)
    marks = page.locator(".log > li .mark").evaluate_all("marks => marks.map((mark) => mark.className)")
    assert marks == ["mark agent", "mark person", "mark outside", "mark outside"]
    expect(page.locator(".log")).to_contain_text("via Telegram")
    expect(page.locator(".log")).to_contain_text("not proved")


def test_edits_and_deletions_show_at_once(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    first, second = hub.say(scout, "one"), hub.say(scout, "two")
    expect(words(page)).to_have_count(2)
    hub.call("PATCH", f"/api/messages/{first['id']}", {"content": "one, better"}, token=scout)
    hub.call("DELETE", f"/api/messages/{second['id']}", token=scout)
    expect(words(page)).to_have_text(["one, better edited"])
    expect(page.get_by_text("took this message back.")).to_be_visible()
    page.reload()
    expect(words(page)).to_have_text(["one, better edited"])


def test_what_was_not_read_is_counted_and_marked(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    hub.say(scout, "seen")
    expect(words(page)).to_have_text(["seen"])
    page.get_by_role("button", name="New channel").click()
    page.get_by_role("textbox", name="Name of the new channel").fill("engineering")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="engineering")).to_be_visible()
    hub.say(scout, "one")
    hub.say(scout, "two, @maya")
    general = page.get_by_role("link", name="general")
    expect(general).to_contain_text("1 mention of you")
    assert page.title().startswith("(2) ")
    general.click()
    expect(page.locator(".log")).to_contain_text("New since")
    expect(page.locator(".log > li.un article .md")).to_have_text(["one", "two, @maya"])
    expect(general).not_to_contain_text("mention")
    assert page.title() == "general · OpenClaw Hub"


def test_drafts_wait_for_each_channel(page: Page, hub: Hub) -> None:
    hub.call("POST", "/api/channels", {"name": "engineering"})
    page.reload()
    page.get_by_role("textbox", name="Write to general").fill("half a thou")
    page.get_by_role("link", name="engineering").click()
    expect(page.get_by_role("button", name="Join engineering")).to_be_visible()
    page.get_by_role("button", name="Join engineering").click()
    expect(page.get_by_role("textbox", name="Write to engineering")).to_have_value("")
    page.reload()
    page.get_by_role("link", name="general").click()
    expect(page.get_by_role("textbox", name="Write to general")).to_have_value("half a thou")


def test_history_comes_as_one_scrolls_and_nothing_moves(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    for number in range(120):
        hub.say(scout, f"number {number}")
    page.reload()
    expect(words(page).last).to_have_text("number 119")
    first = words(page).first
    assert first.inner_text() == "number 70"
    page.locator(".scroll").evaluate(
        "scroller => scroller.scrollTop = 150 - scroller.scrollHeight + scroller.clientHeight"
    )
    expect(page.get_by_text("number 20", exact=True)).to_have_count(1)
    seventy = page.get_by_text("number 70", exact=True)
    before = seventy.bounding_box()
    hub.say(scout, "meanwhile, below")
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    after = seventy.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) <= 1
    page.get_by_role("button", name="1 new").click()
    expect(page.get_by_role("button", name="1 new")).to_be_hidden()
    expect(words(page).last).to_be_in_viewport()


def test_a_log_that_no_longer_reaches_is_marked(page: Page, hub: Hub) -> None:
    page.add_init_script("delete globalThis.SharedWorker")  # what a worker fetches cannot be made up here
    page.reload()
    scout = hub.make_agent("scout")
    hub.say(scout, "before")
    expect(words(page)).to_have_text(["before"])
    strange = {"status": 200, "content_type": "text/event-stream", "body": reset_frames()}
    page.route("**/api/events*", lambda route: route.fulfill(**strange), times=1)
    hub.kill()
    hub.start()
    expect(page.locator(".log .gap")).to_contain_text("no longer reaches back", timeout=20_000)
    expect(words(page)).to_have_text(["before"])


def reset_frames() -> str:
    hello = '{"epoch":"other","seq":0,"streamId":"x","agentId":"maya","serverTime":0,"retryMs":500}'
    reset = '{"epoch":"other","oldest":1,"seq":0,"reason":"epoch"}'
    return (
        f"retry: 500\nid: other:0\nevent: hub.hello\ndata: {hello}\n\nid: other:0\nevent: hub.reset\ndata: {reset}\n\n"
    )


def test_on_a_phone_one_pane_at_a_time(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    rail, pen = page.get_by_role("navigation"), page.get_by_role("textbox", name="Write to general")
    expect(pen).to_be_visible()
    expect(rail).to_be_hidden()
    page.get_by_role("main").get_by_role("link", name="All channels").click()
    expect(rail).to_be_visible()
    expect(pen).to_be_hidden()
    page.get_by_role("link", name="general").click()
    expect(pen).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_dark_and_light_are_remembered(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(ground) != light
    dark = page.evaluate(ground)
    page.reload()
    assert page.evaluate(ground) == dark


def test_new_messages_are_told_to_those_who_listen(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    hub.say(scout, "hello there")
    expect(page.get_by_role("log")).to_contain_text("scout in general: hello there")
    for number in range(4):
        hub.say(scout, f"number {number}")
    expect(page.get_by_role("log")).to_contain_text("4 new messages in general, the last from scout.")


def test_the_row_under_the_eye_stays_when_the_window_changes(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    for number in range(60):
        hub.say(scout, f"number {number}: " + "words that wrap when the window is narrow " * (number % 5))
    page.reload()
    expect(words(page).last).to_contain_text("number 59")
    page.locator(".scroll").evaluate("scroller => scroller.scrollTop = -900")
    expect(page.get_by_role("button", name="To the newest")).to_be_visible()
    top = """() => {
      const edge = document.querySelector(".main .scroll").getBoundingClientRect().top;
      const rows = [...document.querySelectorAll(".main .log > li[data-id]")];
      const row = rows.find((one) => one.getBoundingClientRect().bottom > edge);
      return [row.dataset.id, row.getBoundingClientRect().top - edge];
    }"""
    where = """id => {
      const edge = document.querySelector(".main .scroll").getBoundingClientRect().top;
      return document.querySelector(`.main .log > li[data-id="${id}"]`).getBoundingClientRect().top - edge;
    }"""
    for width, height in ((800, 800), (1280, 500), (1100, 900)):
        page.wait_for_timeout(200)
        row, before = page.evaluate(top)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(200)
        assert abs(page.evaluate(where, row) - before) <= 1
