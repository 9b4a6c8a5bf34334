"""What travels: the words of the channel that one looks at, numbers of the others, and nothing lost between the two."""

import threading

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words

pytestmark = pytest.mark.browser

SHOWN = """async () => {
  const { store } = await import("hub/store");
  const { rows, hasNewer } = store.log(store.openId);
  const said = rows.filter(({ kind }) => kind === "message" || kind === "fold");
  return { orders: said.map(({ order }) => order), hasNewer };
}"""
HEARD = """async () => {
  const { store } = await import("hub/store");
  const apply = store.apply.bind(store);
  window.applied = [];
  store.apply = (envelope, seen) => (applied.push(envelope.event.type), apply(envelope, seen));
}"""


def test_a_channel_out_of_sight_sends_numbers_and_only_what_is_meant_for_one(page: Page, hub: Hub) -> None:
    hub.call("POST", "/api/channels", {"name": "builds"})
    hub.call("PUT", f"/api/channels/{hub.channel('builds')}/members/maya", {"role": "member"})
    scout = hub.make_agent("scout", limits={"message": 0})
    hub.call("PUT", f"/api/channels/{hub.channel('builds')}/members/scout", {"role": "member"})
    hub.say(scout, "in sight")
    expect(words(page)).to_have_text(["in sight"])
    page.evaluate(HEARD)
    for number in range(30):
        hub.say(scout, f"build {number}", "builds")
    hub.say(scout, "@maya the build is red", "builds")
    builds = page.get_by_role("link", name="builds")
    expect(builds).to_contain_text("1 mention of you")
    expect(builds).to_contain_text("@1")
    assert page.evaluate("applied").count("channel.message") == 1
    builds.click()
    expect(words(page).last).to_have_text("@maya the build is red")
    hub.say(scout, "and green again", "builds")
    expect(words(page).last).to_have_text("and green again")
    assert page.evaluate("applied").count("channel.message") == 2


def test_one_may_go_to_and_fro_in_a_flood_and_misses_nothing(page: Page, hub: Hub) -> None:
    general, builds = hub.channel(), str(hub.call("POST", "/api/channels", {"name": "builds"})["id"])
    hub.call("PUT", f"/api/channels/{builds}/members/maya", {"role": "member"})
    agents = [hub.make_agent(f"agent-{number}", limits={"message": 0}) for number in range(2)]
    for number in range(2):
        hub.call("PUT", f"/api/channels/{builds}/members/agent-{number}", {"role": "member"})
    floods = [
        threading.Thread(target=hub.flood, args=(agents[0], 400, "general")),
        threading.Thread(target=hub.flood, args=(agents[1], 400, "builds")),
    ]
    for flood in floods:
        flood.start()
    while any(flood.is_alive() for flood in floods):
        for place in (builds, general):
            page.evaluate("place => { location.hash = place }", place)
            page.wait_for_timeout(70)
    for name, place in (("builds", builds), ("general", general)):
        page.evaluate("place => { location.hash = place }", place)
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        wanted = [one["seq"] for one in hub.call("GET", f"/api/messages?channelId={place}&limit=50")["messages"]]
        page.wait_for_function(
            """async ([place, seq]) => {
          const { store } = await import("hub/store");
          return store.openId === place && store.log(place).rows.at(-1)?.order === seq;
        }""",
            arg=[place, wanted[-1]],
        )
        shown = page.evaluate(SHOWN)
        assert shown["orders"] == sorted(set(shown["orders"]))
        assert set(wanted) <= set(shown["orders"])
        assert not shown["hasNewer"]


def test_what_became_of_words_out_of_sight_is_seen_on_return(page: Page, hub: Hub) -> None:
    hub.call("POST", "/api/channels", {"name": "builds"})
    hub.call("PUT", f"/api/channels/{hub.channel('builds')}/members/maya", {"role": "member"})
    scout = hub.make_agent("scout")
    first, second = hub.say(scout, "first"), hub.say(scout, "second")
    hub.call("PUT", f"/api/messages/{second['id']}/reactions/%F0%9F%91%8D", token=scout)
    expect(page.get_by_role("button", name="👍")).to_be_visible()
    page.get_by_role("link", name="builds").click()
    expect(page.get_by_role("heading", level=1, name="builds")).to_be_visible()
    hub.call("PATCH", f"/api/messages/{first['id']}", {"content": "first, said better"}, token=scout)
    hub.call("DELETE", f"/api/messages/{second['id']}/reactions/%F0%9F%91%8D", token=scout)
    page.get_by_role("link", name="general").click()
    expect(words(page)).to_have_text(["first, said better edited", "second"])
    expect(page.get_by_role("button", name="👍")).to_have_count(0)


def test_two_tabs_look_at_two_channels_over_one_stream(page: Page, hub: Hub, context: BrowserContext) -> None:
    scout = hub.make_agent("scout")
    builds, deploys = (str(hub.call("POST", "/api/channels", {"name": name})["id"]) for name in ("builds", "deploys"))
    for channel_id in (builds, deploys):
        hub.call("PUT", f"/api/channels/{channel_id}/members/maya", {"role": "member"})
        hub.call("PUT", f"/api/channels/{channel_id}/members/scout", {"role": "member"})
    other = context.new_page()
    other.goto(f"{hub.address}/#{builds}")
    expect(other.get_by_role("heading", level=1, name="builds")).to_be_visible()
    hub.say(scout, "here")
    hub.say(scout, "there", "builds")
    hub.say(scout, "where nobody looks", "deploys")
    expect(words(page)).to_have_text(["here"])
    expect(words(other)).to_have_text(["there"])
    for tab in (page, other):
        expect(tab.get_by_role("link", name="deploys")).to_contain_text("1 unread")
    other.close()
    hub.say(scout, "there again", "builds")
    page.get_by_role("link", name="builds").click()
    expect(words(page)).to_have_text(["there", "there again"])


def test_a_stream_that_broke_off_comes_back_with_what_one_looks_at_now(page: Page, hub: Hub) -> None:
    builds = str(hub.call("POST", "/api/channels", {"name": "builds"})["id"])
    hub.call("PUT", f"/api/channels/{builds}/members/maya", {"role": "member"})
    scout = hub.make_agent("scout")
    hub.call("PUT", f"/api/channels/{builds}/members/scout", {"role": "member"})
    hub.say(scout, "before", "builds")
    place = page.get_by_role("link", name="builds")
    expect(place).to_be_visible()
    hub.kill()
    place.click()
    expect(page.get_by_role("heading", level=1, name="builds")).to_be_visible()
    hub.start()
    hub.say(scout, "meanwhile", "builds")
    expect(words(page)).to_have_text(["before", "meanwhile"], timeout=20_000)
    hub.say(scout, "after", "builds")
    expect(words(page)).to_have_text(["before", "meanwhile", "after"])
