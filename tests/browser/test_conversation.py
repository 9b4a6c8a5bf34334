"""What people do with messages: reactions, edits, threads, markdown, answers to agents."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words, write

pytestmark = pytest.mark.browser

UNDER_THE_EYE = """() => {
  const { top } = document.querySelector(".scroll").getBoundingClientRect();
  const rows = [...document.querySelectorAll(".main .log > li[data-id]")];
  const row = rows.find((one) => one.getBoundingClientRect().bottom > top);
  return [row.dataset.id, row.getBoundingClientRect().top];
}"""
ASK_AGAIN = """async () => {
  const { store } = await import("hub/store");
  for (const row of store.log(store.openId).rows) row.asked = false;
  store.touch("log");
}"""
SCRIPT = "```python\n" + "\n".join(f"line_{number} = {number}  # why" for number in range(30)) + "\n```"


def row(page: Page, text: str) -> Locator:
    return page.locator(".main .log > li", has_text=text)


def do(page: Page, text: str, what: str) -> None:
    """Use the toolbar of the row with that text."""
    row(page, text).hover()
    row(page, text).get_by_role("button", name=what, exact=True).click()


def react(hub: Hub, token: str, message_id: str, emoji: str) -> None:
    hub.call("PUT", f"/api/messages/{message_id}/reactions/{quote(emoji)}", token=token)


def test_nothing_is_asked_for_that_the_page_brought(page: Page, hub: Hub) -> None:
    hub.say(hub.make_agent("scout"), "hello")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url.removeprefix(hub.address)))
    page.reload()
    expect(words(page)).to_have_text(["hello"])
    page.wait_for_timeout(800)
    assert len(asked) <= 12
    lists = {"/api/me", "/api/channels", "/api/agents", "/api/unread"}
    assert lists.isdisjoint(path.partition("?")[0] for path in asked)


def test_reactions_are_counted_once_and_taken_back(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    said = hub.say(scout, "done")
    expect(words(page)).to_have_text(["done"])
    react(hub, scout, said["id"], "👍")
    thumbs = page.locator(".rx button")
    expect(thumbs).to_have_text("👍1")
    expect(thumbs).to_have_attribute("aria-pressed", "false")
    thumbs.click()
    expect(thumbs).to_have_text("👍2")
    expect(thumbs).to_have_attribute("aria-pressed", "true")
    do(page, "done", "React")
    page.get_by_role("button", name="🎉").click()
    expect(thumbs).to_have_text(["🎉1", "👍2"])
    page.wait_for_timeout(1200)  # what came while a page was read is read again: nothing counts twice
    expect(thumbs).to_have_text(["🎉1", "👍2"])
    thumbs.last.click()
    expect(thumbs).to_have_text(["🎉1", "👍1"])
    page.reload()
    expect(thumbs).to_have_text(["🎉1", "👍1"])
    stored = hub.call("GET", f"/api/messages/{said['id']}")
    assert stored["reactions"] == {"👍": 1, "🎉": 1}


def test_the_last_words_are_edited_and_taken_back(page: Page, hub: Hub) -> None:
    write(page, "frist")
    expect(words(page)).to_have_text(["frist"])
    expect(page.locator(".log .wait")).to_have_count(0)
    pen = page.get_by_role("textbox", name="Write to")
    pen.press("ArrowUp")
    expect(pen).to_have_value("frist")
    pen.press("Escape")
    expect(pen).to_have_value("")
    pen.press("ArrowUp")
    expect(pen).to_have_value("frist")
    pen.fill("first")
    pen.press("Enter")
    expect(words(page)).to_have_text([re.compile("first edited")])
    expect(pen).to_have_value("")
    do(page, "first", "Take back")
    page.get_by_role("button", name="Keep it").click()
    expect(words(page)).to_have_count(1)
    do(page, "first", "Take back")
    page.get_by_role("group", name="Take this message back?").get_by_role("button", name="Take back").click()
    expect(page.get_by_text("took this message back.")).to_be_visible()
    expect(words(page)).to_have_count(0)


def test_a_thread_leaves_the_line_and_is_answered(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    said = hub.say(scout, "numbers in the thread")
    do(page, "numbers in the thread", "Reply in a thread")
    side = page.get_by_role("complementary", name="Thread")
    expect(side).to_contain_text("No reply yet")
    side.get_by_role("textbox", name="Reply").fill("p99?")
    page.keyboard.press("Enter")
    expect(side.locator(".md")).to_have_text(["numbers in the thread", "p99?"])
    branch = page.locator(".main .branch")
    expect(branch).to_contain_text("1 reply")
    thread = hub.call("GET", f"/api/messages/{said['id']}")["thread"]["id"]
    hub.call("POST", "/api/messages", {"channelId": hub.channel(), "content": "31 ms", "threadId": thread}, token=scout)
    expect(branch).to_contain_text("2 replies")
    expect(branch).to_contain_text("last from scout")
    expect(side.locator(".md")).to_have_text(["numbers in the thread", "p99?", "31 ms"])
    expect(words(page)).to_have_count(4)  # the message, and in the pane it and its two replies
    page.reload()
    expect(side.locator(".md")).to_have_text(["numbers in the thread", "p99?", "31 ms"])
    side.get_by_role("button", name="Close the thread").click()
    expect(side).to_be_hidden()
    expect(words(page)).to_have_text(["numbers in the thread"])


def test_a_followed_thread_calls_from_wherever_one_is_until_it_is_looked_at(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    builds = hub.call("POST", "/api/channels", {"name": "builds"})["id"]
    for who in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    said = hub.say(scout, "the build is red", "builds")
    page.get_by_role("link", name="builds").click()
    do(page, "the build is red", "Reply in a thread")
    side = page.locator(".side")
    side.get_by_role("textbox").fill("why?")
    side.get_by_role("textbox").press("Enter")
    expect(side.locator(".md")).to_have_text(["the build is red", "why?"])
    side.get_by_role("button", name="Close the thread").click()
    page.get_by_role("link", name="general").click()
    thread = hub.call("GET", f"/api/messages/{said['id']}")["thread"]["id"]
    reply = {"channelId": builds, "content": "the clock", "threadId": thread}
    hub.call("POST", "/api/messages", reply, token=scout)
    mark = page.get_by_role("link", name="1 new reply")
    expect(mark).to_be_visible()
    hub.call("POST", "/api/messages", reply, token=scout)
    expect(page.get_by_role("link", name="2 new replies")).to_be_visible()
    page.reload()
    page.get_by_role("link", name="2 new replies").click()
    expect(side.locator(".md")).to_have_text(["the build is red", "why?", "the clock", "the clock"])
    expect(page.get_by_role("link", name=re.compile("new repl"))).to_have_count(0)
    hub.call("POST", "/api/messages", reply, token=scout)
    expect(side.locator(".md")).to_have_count(5)
    page.reload()
    expect(side.locator(".md")).to_have_count(5)
    expect(page.get_by_role("link", name=re.compile("new repl"))).to_have_count(0)


def test_a_thread_on_a_phone_is_the_one_pane(page: Page, hub: Hub) -> None:
    hub.say(hub.make_agent("scout"), "look")
    page.set_viewport_size({"width": 390, "height": 844})
    row(page, "look").locator(".md").click()
    page.get_by_role("button", name="Reply in a thread").click()
    expect(page.get_by_role("textbox", name="Reply")).to_be_visible()
    expect(page.get_by_role("textbox", name="Write to")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Close the thread").click()
    expect(page.get_by_role("textbox", name="Write to")).to_be_visible()


def test_markdown_comes_late_and_moves_nothing(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    for number in range(60):
        hub.say(scout, f"# number {number}\n\n- **a**\n- b @maya")
    page.route("**/api/messages/html*", lambda route: None)  # the answer waits
    page.reload()
    expect(words(page).last).to_contain_text("number 59")
    page.locator(".scroll").evaluate("scroller => scroller.scrollTop = -1500")
    page.wait_for_timeout(400)
    name, before = page.evaluate(UNDER_THE_EYE)
    page.unroute("**/api/messages/html*")
    hub.say(scout, "and *one* more")
    page.evaluate(ASK_AGAIN)
    expect(page.locator(".main .log .set h1").first).to_be_attached()
    expect(page.locator(".main .log .set .you").first).to_be_attached()
    page.wait_for_timeout(300)
    after = page.evaluate("(id) => document.querySelector(`li[data-id='${id}']`).getBoundingClientRect().top", name)
    assert abs(before - after) <= 1


def test_code_is_told_apart_folded_and_copied(page: Page, hub: Hub) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hub.say(hub.make_agent("scout"), SCRIPT)
    expect(page.locator(".code .c").first).to_have_text("# why")
    expect(page.locator(".code figcaption")).to_contain_text("python")
    more = page.get_by_role("button", name="Show all 30 lines")
    short = page.locator(".code pre").bounding_box()
    more.click()
    long = page.locator(".code pre").bounding_box()
    assert short is not None
    assert long is not None
    assert long["height"] > short["height"]
    page.locator(".code").get_by_role("button", name="Copy").click()
    expect(page.locator(".code").get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 29


def test_an_agent_asks_and_a_person_decides_once(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    command = "rm -rf <b>old</b> --yes"
    asked = {"type": "agent.command", "data": {"content": command, "actionRequired": True, "channelId": hub.channel()}}
    hub.call("POST", "/api/agents/maya/events", asked, token=scout)
    link = page.get_by_role("link", name="Needs you")
    expect(link).to_contain_text("1")
    expect(page.locator(".main .card .cmd")).to_have_text(command)  # beside what was said there, too
    page.reload()
    link.click()
    card = page.locator(".card.ask")
    expect(card.locator(".cmd")).to_have_text(command)
    expect(card).to_contain_text("23 bytes, sha256")
    expect(card.locator("time")).to_have_text(re.compile(r"9:\d\d left"))
    card.get_by_role("button", name="Allow once").click()
    expect(page.locator(".card")).to_contain_text("Maya allowed this once.")
    expect(page.get_by_role("button", name="Allow once")).to_have_count(0)
    told = hub.call("GET", "/api/agents/scout/events", token=scout)["events"]
    assert [(one["event"]["data"].get("decision"), one["event"]["type"]) for one in told][-1] == (
        "allow",
        "agent.notification",
    )


def test_a_question_that_ran_out_asks_for_nothing(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    soon = page.evaluate("Date.now()") + 6000
    asked = {"type": "agent.invite", "data": {"content": "join", "actionRequired": True, "expiresAt": soon}}
    hub.call("POST", "/api/agents/maya/events", asked, token=scout)
    page.get_by_role("link", name="Needs you").click()
    expect(page.locator(".card.ask")).to_contain_text("invites you")
    expect(page.locator(".card")).to_contain_text("Nobody answered in time.", timeout=12_000)
    expect(page.get_by_role("button", name="Allow once")).to_have_count(0)


def test_two_talk_in_private(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    private = {"type": "agent.direct_message", "data": {"content": "between us"}}
    hub.call("POST", "/api/agents/maya/events", private, token=scout)
    link = page.get_by_role("link", name="scout")
    expect(link).to_contain_text("1 mention of you")
    link.click()
    expect(words(page)).to_have_text(["between us"])
    expect(link).not_to_contain_text("mention")
    write(page, "and from me")
    expect(words(page)).to_have_text(["between us", "and from me"])
    page.reload()
    expect(words(page)).to_have_text(["between us", "and from me"])
    told = hub.call("GET", "/api/agents/scout/events?peer=maya", token=scout)["events"]
    assert [one["event"]["data"]["content"] for one in told] == ["between us", "and from me"]


def test_agents_tell_of_their_work_as_cards(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    work = {"type": "task.handover", "data": {"task": "<b>index</b> 7", "rows": 10}}
    hub.call("POST", f"/api/channels/{hub.channel()}/collaboration", work, token=scout)
    expect(page.locator(".card h4")).to_have_text("task.handover")
    expect(page.locator(".card dd")).to_have_text(["<b>index</b> 7", "10"])
    hub.say(scout, "said after it")
    page.reload()
    expect(page.locator(".main .log > li .body").nth(-2)).to_contain_text("task.handover")
    expect(page.locator(".main .log > li .body").last).to_contain_text("said after it")


def test_cards_stand_where_they_were_told_however_one_comes_there(page: Page, hub: Hub) -> None:
    builds = str(hub.call("POST", "/api/channels", {"name": "builds"})["id"])
    scout = hub.make_agent("scout", limits={"message": 0})
    for who in ("maya", "scout"):
        hub.call("PUT", f"/api/channels/{builds}/members/{who}", {"role": "member"})
    place = f"/api/channels/{builds}/collaboration"
    hub.call("POST", place, {"type": "the.first", "data": {}}, token=scout)
    hub.flood(scout, 120, "builds")
    hub.call("POST", place, {"type": "the.last", "data": {}}, token=scout)
    page.get_by_role("link", name="builds").click()
    expect(page.locator(".main .card h4")).to_have_text(["the.last"])
    for _ in range(8):
        page.locator(".scroll").evaluate(
            "scroller => scroller.scrollTop = scroller.clientHeight - scroller.scrollHeight"
        )
        page.wait_for_timeout(100)
    expect(page.locator(".main .card h4")).to_have_text(["the.first", "the.last"])
    assert page.locator(".main .log > li[data-id]").count() == 122


def test_a_private_word_that_was_stored_unanswered_is_not_doubled(page: Page, hub: Hub) -> None:
    hub.make_agent("scout")
    page.goto(f"{hub.address}/#@scout")
    page.reload()
    told = "**/api/agents/scout/events"

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(told, lose, times=1)
    field = page.get_by_role("textbox", name="Write to scout")
    field.fill("did you get this?")
    field.press("Enter")
    expect(page.locator(".main .wait")).to_have_text("waits here")
    expect(page.locator(".main .wait")).to_have_count(0, timeout=15_000)
    expect(page.locator(".main .log article .md")).to_have_text(["did you get this?"])
    assert len(hub.call("GET", "/api/agents/scout/events")["events"]) == 1
