"""Running the hub from the page: accounts, keys, invitations, channels, audit log, settings, health, and one's own."""

import re
import signal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.hub import Hub
from tests.browser.test_access import violations
from tests.browser.test_page import words, write

pytestmark = pytest.mark.browser


def opened(page: Page, hub: Hub, name: str) -> Locator:
    """One of the pages; answers its heading."""
    page.goto(f"{hub.address}/#page/{name}")
    heading = page.locator("hub-pages h1")
    expect(heading).to_be_visible()
    return heading


def test_accounts_channels_and_members(page: Page, hub: Hub) -> None:
    hub.make_agent("scout")
    page.get_by_role("link", name="Running the hub").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Agents and people").click()
    page.get_by_role("textbox", name="The agent's name").fill("planner")
    page.get_by_role("button", name="Make it", exact=True).click()
    planner = page.get_by_role("row", name="planner")
    planner.get_by_role("button", name="Make its key").click()
    key = page.locator(".once pre")
    expect(key).to_be_visible()
    assert hub.call("GET", "/api/me", token=key.inner_text())["id"] == "planner"
    planner.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove now?").click()
    expect(planner).to_have_count(0)
    expect(page.locator("hub-pages h1")).to_be_focused()
    page.get_by_role("link", name="Channels", exact=True).click()
    member = page.get_by_role("row", name="scout")
    member.get_by_role("combobox").select_option("moderator")
    expect(page.get_by_role("status").filter(has_text="Done.")).to_be_attached()
    members = hub.call("GET", f"/api/channels/{hub.channel()}/members")["members"]
    assert {one["agentId"]: one["role"] for one in members}["scout"] == "moderator"
    page.get_by_role("link", name="general").click()
    expect(page.get_by_role("textbox", name="Write to general")).to_be_visible()
    expect(page).to_have_title(re.compile("general"))
    expect(page.locator(".event", has_text="planner left")).to_be_visible()


def test_a_channel_is_told_to_forget_and_says_so_where_its_history_begins(page: Page, hub: Hub) -> None:
    hub.say(hub.make_agent("scout"), "words")
    opened(page, hub, "channels")
    kept = page.locator("section", has=page.get_by_role("heading", name="How long general keeps its messages"))
    expect(kept).to_contain_text("No message is ever removed.")
    expect(kept).to_contain_text("nobody can undo it")
    kept.get_by_role("combobox", name="Kept for").select_option("30 days")
    kept.get_by_role("button", name="Change it").click()
    expect(kept).to_contain_text("older than 30 days are removed, for the first time after ")
    expect(kept.get_by_role("combobox")).to_have_value("30")
    kept.get_by_role("spinbutton", name="or so many days").fill("45")
    kept.get_by_role("button", name="Change it").click()
    expect(kept.get_by_role("combobox")).to_have_value("45")
    assert hub.call("GET", f"/api/channels/{hub.channel()}")["retentionDays"] == 45
    assert violations(page) == []
    page.get_by_role("link", name="general").click()
    begins = page.locator(".log > .event", has_text="Older messages are removed after 45 days.")
    expect(begins).to_be_visible()
    hub.call("PATCH", f"/api/channels/{hub.channel()}", {"retentionDays": None})
    expect(begins).to_have_count(0)
    opened(page, hub, "channels")
    expect(kept.get_by_role("combobox")).to_have_value("")


def test_a_refusal_is_said_where_it_was_asked_for(page: Page, hub: Hub) -> None:
    opened(page, hub, "agents")
    page.get_by_role("textbox", name="The agent's name").fill("no spaces here")
    page.get_by_role("button", name="Make it", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Id must be")).to_be_visible()
    expect(page.get_by_role("textbox", name="The agent's name")).to_have_value("no spaces here")


def test_a_key_is_changed_without_a_pause(page: Page, hub: Hub) -> None:
    old = hub.make_agent("scout")
    opened(page, hub, "tokens")
    row = page.get_by_role("row", name="scout")
    expect(row).to_contain_text("read, write")
    expect(row).to_contain_text("never")
    hub.say(old, "still the old key")
    row.get_by_role("button", name="New key beside it").click()
    expect(row).to_have_count(2)
    new = page.locator(".once pre").inner_text()
    for token in (old, new):
        assert hub.call("GET", "/api/me", token=token)["id"] == "scout"
    row.filter(has_text="just now").get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke it now?").click()
    expect(row).to_have_count(1)
    assert hub.call("GET", "/api/me", token=new)["id"] == "scout"
    with pytest.raises(RuntimeError, match="401"):
        hub.call("GET", "/api/me", token=old)


def test_a_token_gets_the_scopes_and_the_expiry_that_were_chosen(page: Page, hub: Hub) -> None:
    hub.make_agent("scout")
    opened(page, hub, "tokens")
    page.get_by_role("combobox", name="Whose").select_option("scout")
    page.get_by_role("textbox", name="What for").fill("the box in the attic")
    page.get_by_role("combobox", name="Runs out").select_option("in 30 days")
    page.get_by_role("checkbox", name="write").uncheck()
    page.get_by_role("button", name="Make its key").click()
    row = page.get_by_role("row", name="the box in the attic")
    expect(row).to_contain_text("in 30 days")
    made = next(one for one in hub.call("GET", "/api/tokens")["tokens"] if one["name"] == "the box in the attic")
    assert made["scopes"] == ["read"]
    expect(page.get_by_role("textbox", name="What for")).to_have_value("")


def test_somebody_is_invited_by_a_link_that_is_shown_once(page: Page, hub: Hub, browser: Browser) -> None:
    heading = opened(page, hub, "invitations")
    expect(heading).to_have_text("No link is open.")
    for _ in range(2):
        page.get_by_role("button", name="Make a link").click()
        expect(page.locator(".once pre")).to_be_visible()
        page.wait_for_timeout(200)
    link = page.locator(".once pre").inner_text()
    assert link.startswith(f"{hub.address}/welcome#")
    expect(heading).to_have_text("2 open links.")
    assert violations(page) == []
    page.get_by_role("button", name="Take back").last.click()
    page.get_by_role("button", name="Take it back now?").click()
    expect(heading).to_have_text("One open link.")
    opened(page, hub, "audit")
    opened(page, hub, "invitations")
    expect(page.locator(".once")).to_have_count(0)
    theirs = browser.new_context()
    try:
        newcomer = theirs.new_page()
        newcomer.goto(link)
        assert newcomer.get_by_label("Password", exact=True).is_visible()
    finally:
        theirs.close()


def test_what_was_done_is_read_page_by_page(page: Page, hub: Hub) -> None:
    for number in range(30):
        hub.make_agent(f"agent-{number}")
    opened(page, hub, "audit")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(51)
    expect(rows.nth(1)).to_contain_text("made a token for agent-29")
    page.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(62)
    expect(rows.last).to_contain_text("made the account Maya")
    expect(page.get_by_role("button", name="Older")).to_have_count(0)


def test_one_signs_out_of_another_browser_and_of_all(
    page: Page, hub: Hub, browser: Browser, context: BrowserContext
) -> None:
    theirs = browser.new_context()
    other = theirs.new_page()
    other.goto(hub.address)
    other.get_by_label("Name", exact=True).fill("maya")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", level=1, name="general")).to_be_visible()
    opened(page, hub, "you")
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("row", name="this one")).to_have_count(1)
    page.get_by_role("button", name="End it").click()
    page.get_by_role("button", name="End it now?").click()
    expect(page.get_by_role("row")).to_have_count(2)
    other.goto(hub.address)
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    theirs.close()
    page.get_by_role("button", name="Sign out everywhere").click()
    page.get_by_role("button", name="Sign out here too?").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_ones_own_password_theme_and_keys(page: Page, hub: Hub) -> None:
    opened(page, hub, "you")
    page.get_by_role("textbox", name="The present one").fill("not this one at all")
    page.get_by_role("textbox", name="The new one").fill("five quiet herons")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert").filter(has_text="not the present password")).to_be_visible()
    page.get_by_role("textbox", name="The present one").fill(PASSWORD)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("textbox", name="The present one")).to_have_value("")
    page.get_by_role("combobox", name="Colours").select_option("dark")
    page.get_by_role("checkbox", name="Single keys").uncheck()
    page.reload()
    expect(page.get_by_role("combobox", name="Colours")).to_have_value("dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    expect(page.get_by_role("checkbox", name="Single keys")).not_to_be_checked()
    page.get_by_role("combobox", name="Colours").select_option("as the system has them")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") is None


def test_settings_in_force_are_shown(page: Page, hub: Hub) -> None:
    opened(page, hub, "settings")
    expect(page.get_by_text(str(hub.data))).to_be_visible()
    expect(page.get_by_text("people_message", exact=True)).to_be_visible()


def test_health_shows_the_way_of_messages_and_what_is_left(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    opened(page, hub, "health")
    expect(page.get_by_text("Nobody said anything in the last five minutes")).to_be_visible()
    expect(page.get_by_text("Nothing was painted since the hub started.")).to_be_visible()
    page.get_by_role("link", name="general").click()
    for number in range(5):
        hub.say(scout, f"word {number}")
        expect(words(page).last).to_have_text(f"word {number}")
    write(page, "mine")
    page.reload()  # leaving tells the hub what this screen measured
    opened(page, hub, "health")
    stages = page.locator("table.stages")
    expect(stages.get_by_role("row", name=re.compile("^stored"))).to_contain_text(re.compile(r"\d"))
    expect(stages.get_by_role("row", name=re.compile("^painted"))).to_contain_text("50")
    expect(page.get_by_role("row", name="What is sent is accepted")).to_contain_text("99.9%")
    for part in ("Database", "Redis", "Disk"):
        expect(page.locator(".parts div", has_text=part).locator(".ok")).to_be_visible()
    expect(page.get_by_text("None since the hub started")).to_be_visible()
    # the newest message of this screen is drawn as it comes, and what was counted follows
    page.goto(f"{hub.address}/#{hub.channel()}")
    hub.say(scout, "the newest")
    expect(words(page).last).to_have_text("the newest")
    page.get_by_role("link", name="Running the hub").click()
    expect(stages.locator(".now[data-stage=painted]")).to_have_attribute("d", re.compile("^M"))
    sentence = page.get_by_role("heading", level=1)
    expect(sentence).to_have_text(re.compile(r"^\d[\d.]*% of messages were .* this week\.$"), timeout=30_000)
    day = page.get_by_role("img", name="half of the messages were painted within")
    expect(day).to_be_visible(timeout=30_000)


def test_a_page_says_that_it_reads_and_that_it_could_not(page: Page, hub: Hub) -> None:
    opened(page, hub, "health")
    hub.signal(signal.SIGSTOP)
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_text("Reading.")).to_be_visible()
    hub.signal(signal.SIGCONT)
    expect(page.get_by_role("heading", name="Who did what.")).to_be_visible()
    hub.kill()
    page.get_by_role("link", name="Invitations").click()
    expect(page.get_by_text("The hub does not answer.")).to_be_visible()
    hub.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="No link is open.")).to_be_visible()


def test_who_does_not_run_the_hub_sees_its_health_and_ones_own(hub: Hub, context: BrowserContext, page: Page) -> None:
    code = hub.call("POST", "/api/invitations", {})["code"]
    context.clear_cookies()
    page.goto(f"{hub.address}/welcome#{code}")
    page.get_by_label("Name", exact=True).fill("Ines")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open the hub").click()
    page.get_by_role("link", name="You, and how the hub is").click()
    expect(page.get_by_role("heading", name="You are Ines.")).to_be_visible()
    tabs = page.locator("hub-pages nav a")
    expect(tabs).to_have_text(["Health", "Tokens", "You"])
    tabs.first.click()
    expect(page.get_by_role("heading", name="Parts")).to_be_visible()
    tabs.nth(1).click()
    expect(page.get_by_role("heading", name="No token yet.")).to_be_visible()
    page.goto(f"{hub.address}/#page/audit")
    expect(page.get_by_text("Only whoever runs the hub sees this.")).to_be_visible()


def test_the_keyboard_alone_runs_the_hub(page: Page, hub: Hub) -> None:
    page.get_by_role("link", name="Running the hub").focus()
    page.keyboard.press("Enter")
    expect(page.locator("hub-pages h1")).to_be_visible()
    tab_to(page, "Invitations")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No link is open.")).to_be_visible()
    tab_to(page, "Make a link")
    page.keyboard.press("Enter")
    expect(page.locator(".once pre")).to_be_visible()
    expect(page.get_by_role("button", name="Make a link")).to_be_focused()
    tab_to(page, "Take back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take it back now?")).to_be_focused()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="No link is open.")
    expect(heading).to_be_focused()
    tab_to(page, "Make a link")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Make a link")).not_to_be_focused()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"Tab does not lead to {name}")
