"""What the page costs in a real Chromium against a real hub, beside its goals: `make budgets`.

The suite asserts what is the same on every machine; timings depend on this one, shared by browser, hub and load, so
they are only told here. As root the run takes priority over whatever else the machine does.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from tests import servers
from tests.browser import measures
from tests.browser.conftest import arrive
from tests.browser.hub import CHROMIUM_ARGUMENTS, Hub
from tests.browser.load import Flood
from tests.browser.measures import Line

AGENTS = 20
TABS = 20
PRIORITY = -15

Measure = Callable[[Browser, Hub, Flood], list[Line]]


def measure(options: argparse.Namespace, show: Callable[[Line], None]) -> None:
    """Take every measurement in turn and show each line as it comes."""
    every: dict[str, Measure] = {
        "load": lambda browser, hub, _: measures.loading(browser, hub),
        "usable": lambda browser, hub, _: measures.usable(browser, hub),
        "painted": lambda browser, hub, flood: measures.painted(browser, hub, flood, 20),
        "missed": measures.missed,
        "flood": lambda browser, hub, flood: measures.flooded(browser, hub, flood, options.rate, options.seconds),
        "tabs": lambda browser, hub, _: measures.tabs(browser, hub, TABS),
        "scrolled": lambda browser, hub, flood: measures.scrolled(browser, hub, flood, options.messages),
    }
    with tempfile.TemporaryDirectory(prefix="hub-budgets-") as folder, sync_playwright() as playwright:
        hub = Hub(Path(folder))
        hub.start()
        try:
            browser = playwright.chromium.launch(executable_path=servers.chromium(), args=list(CHROMIUM_ARGUMENTS))
            page = browser.new_page()
            arrive(page, hub)
            measures.state_of(page, hub.folder)
            page.context.close()
            tokens = [hub.make_agent(f"agent-{number}", limits={"message": 0}) for number in range(AGENTS)]
            for number in range(50):
                hub.say(tokens[number % AGENTS], f"what was said before, {number}")
            first()
            with Flood(hub, tokens) as flood:
                for name in options.only or every:
                    for line in every[name](browser, hub, flood):
                        show(line)
        finally:
            hub.kill()


def first() -> None:
    """Let hub and browser come first on this machine, where we may."""
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(OSError, psutil.Error):
            process.nice(PRIORITY)
            Path(f"/proc/{process.pid}/autogroup").write_text(str(PRIORITY), "ascii")


def told(line: Line) -> str:
    """A line of the table."""
    goal = "" if line.goal is None else f"{line.goal:g}"
    return f"{line.of:<48} {goal:>6} {line.measured:>9g} {line.unit:<3} {line.verdict}"


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the flood takes")
    parser.add_argument("--rate", type=int, default=1000, help="messages a second in the flood")
    parser.add_argument("--messages", type=int, default=100_000, help="how many are scrolled through")
    parser.add_argument("--only", nargs="+", help="load, usable, painted, missed, flood, tabs, scrolled")
    parser.add_argument("--json", action="store_true", help="one line of JSON at the end")
    options = parser.parse_args()
    lines: list[Line] = []

    def show(line: Line) -> None:
        lines.append(line)
        if not options.json:
            print(told(line), flush=True)

    if not options.json:
        print(f"{'':<48} {'GOAL':>6} {'MEASURED':>9}")
    measure(options, show)
    if options.json:
        print(json.dumps([{**asdict(line), "verdict": line.verdict} for line in lines]))


if __name__ == "__main__":
    main()
