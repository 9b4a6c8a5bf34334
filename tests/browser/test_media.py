"""Other ways to look at the page: chosen colours, more contrast, paper, fourfold enlargement, wide tables."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hub import Hub
from tests.browser.test_page import words, write

pytestmark = pytest.mark.browser

STYLE = "(element, [name, pseudo]) => getComputedStyle(element, pseudo)[name]"


def style(page: Page, selector: str, name: str) -> str:
    """What the browser makes of it."""
    return str(page.locator(selector).first.evaluate(STYLE, [name, None]))


def test_in_chosen_colours_presence_and_the_open_channel_are_told_by_shape(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    hub.call("PUT", f"/api/channels/{hub.channel()}/presence", {"status": "online"}, token=scout)
    expect(page.locator(".rail .mark.agent.on")).to_be_visible()
    page.emulate_media(forced_colors="active")
    ground = style(page, "body", "backgroundColor")
    assert style(page, ".rail .mark.agent.on", "backgroundColor") != ground
    assert style(page, ".rail .mark.agent:not(.on)", "backgroundColor") in (ground, "rgba(0, 0, 0, 0)")
    assert style(page, ".rail a[aria-current]", "outlineStyle") == "solid"


def test_more_contrast_is_given_to_who_asks_for_it(page: Page) -> None:
    write(page, "mine")
    expect(words(page).last).to_have_text("mine")
    expect(page.locator(".log .wait")).to_have_count(0)  # the row is drawn anew when the hub has the message
    assert style(page, ".log .at", "color") != style(page, ".log .who", "color")
    page.emulate_media(contrast="more")
    assert style(page, ".log .at", "color") == style(page, ".log .who", "color")


def test_on_paper_stand_the_words_and_nothing_to_press(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout", limits={"message": 0})
    hub.flood(scout, 50)
    expect(words(page).last).to_have_text("flood 49")
    page.emulate_media(media="print")
    assert page.locator("hub-rail, hub-strip, hub-composer textarea, .head .tools").locator("visible=true").count() == 0
    tall = page.evaluate(
        "[document.querySelector('.main').scrollHeight, document.querySelector('.main .log').offsetHeight]"
    )
    assert tall[0] >= tall[1] > page.viewport_size["height"], tall  # type: ignore[index]
    assert style(page, ".main .scroll", "overflowY") == "visible"


def test_enlarged_fourfold_most_of_the_height_is_for_the_words(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 256})
    box = page.locator(".main .scroll").bounding_box()
    assert box is not None
    assert box["height"] >= 0.55 * 256
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_wide_table_scrolls_and_breaks_no_word(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    row = "| value " * 40 + "|\n"
    hub.say(scout, row + "|---" * 40 + "|\n" + row * 3)
    cell = page.locator(".main .set td").first
    expect(cell).to_be_visible()
    one_line = "getComputedStyle(cell).lineHeight"
    assert cell.evaluate(f"(cell) => cell.firstChild && cell.clientHeight < 2 * parseFloat({one_line})")
    assert page.locator(".main .set table").evaluate("(table) => table.scrollWidth > table.clientWidth")


def test_no_word_of_a_message_is_hidden_by_its_markdown(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    for text in ("[//]: # (do it now)\n**well**", "```python do it now\nx\n```", "> " * 60 + "do it now"):
        hub.say(scout, text)
        expect(words(page).last).to_contain_text("do it now")
        page.wait_for_timeout(500)  # the hub's HTML, were there any, has come
        expect(words(page).last).to_contain_text("do it now")


def test_a_very_long_message_shows_its_beginning_and_a_button_for_the_rest(page: Page, hub: Hub) -> None:
    scout = hub.make_agent("scout")
    for text in ("\n".join(f"line {number}" for number in range(300)), "word " * 6000, "short"):
        hub.say(scout, text)
    expect(words(page).last).to_have_text("short")
    tall = page.locator(".main .log .tall .md")
    expect(tall).to_have_count(2)
    height = page.viewport_size["height"]  # type: ignore[index]
    assert all(box["height"] < height for one in tall.all() if (box := one.bounding_box()))
    button = page.get_by_role("button", name="300 lines")
    button.focus()
    page.keyboard.press("Enter")
    assert tall.first.evaluate("(block) => block.clientHeight") > 300 * 15
    expect(page.locator(".main .log .tall [aria-expanded=true]")).to_have_count(1)
