"""Fixtures of the page's tests: a real hub, a real Chromium, and a person who followed the one-time link."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests import servers
from tests.browser.hub import CHROMIUM_ARGUMENTS, Hub

PASSWORD = "four quiet herons"

WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`VIOLATION ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module: Playwright keeps a loop running, which tests with loops of their own cannot share."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=servers.chromium(), args=list(CHROMIUM_ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A fresh hub."""
    made = Hub(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser's profile of its own. Whatever breaks in the page, or its security policy forbids, fails the test."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/Berlin")
    broken: list[str] = []
    made.add_init_script(WATCH)
    made.on("weberror", lambda error: broken.append(str(error.error)))
    made.on("console", lambda message: broken.extend(complaints(message)))
    yield made
    made.close()
    assert broken == []


def complaints(message: ConsoleMessage) -> list[str]:
    """What the console says of a broken page; a refusal, or a hub that is down, is no fault of the page's."""
    if message.type not in ("error", "warning") or message.text.startswith("Failed to load resource"):
        return []
    return [message.text]


@pytest.fixture
def page(context: BrowserContext, hub: Hub) -> Page:
    """The page of Maya, who followed the one-time link a moment ago; it hears what is said from now on."""
    page = context.new_page()
    arrive(page, hub)
    hub.until_heard()
    return page


def arrive(page: Page, hub: Hub) -> None:
    """Follow the one-time link as the first person."""
    page.goto(hub.link)
    page.get_by_label("Name", exact=True).fill("Maya")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open the hub").click()
    page.get_by_role("heading", level=1, name="general").wait_for()
