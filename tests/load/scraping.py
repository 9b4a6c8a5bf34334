"""What scraping costs those who read: `python -m tests.load.scraping [--seconds 10 --rounds 5 --every 1]`.

The hub under full load (1,000 messages a second to 111 readers), in turn with somebody who scrapes and without. On a
machine that is shared both sides suffer alike, so it is the difference between neighbouring runs that counts.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.load import peers
from tests.load.compare import PRIORITY
from tests.load.generator import Figures, Generator, Load, MeasureError, Peer, build

LOAD = Load(readers=111, publishers=111, rate=1000)
ASKED_MS = 1.0


def main() -> int:
    """Measure and print; 1 when p99 moves by more than a millisecond in the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.scraping", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each measurement takes (10)")
    parser.add_argument("--rounds", type=int, default=5, help="how often, each with and without (5)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between scrapes (1; as shipped: 15)")
    options = parser.parse_args()
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    try:
        with tempfile.TemporaryDirectory(prefix="hub-scraping-") as folder:
            build(Path(folder))
            return asyncio.run(_measure(options, Path(folder)))
    except (MeasureError, peers.StartError) as error:
        print(f"scraping: {error}", file=sys.stderr)
        return 1


async def _measure(options: argparse.Namespace, folder: Path) -> int:
    generator = Generator(folder)
    moved: list[float] = []
    scrapes: list[tuple[float, int]] = []
    print("| round | without: p50 / p99 ms | scraped: p50 / p99 ms | p99 moved by, ms |\n|---|---|---|---|")
    async with peers.hub(folder) as (hub, _):
        await generator.measure(hub, LOAD, min(options.seconds, 3.0))  # a fresh hub is like no other
        for number in range(options.rounds):
            pair: dict[bool, Figures] = {}
            for scraped in (bool(number % 2), not number % 2):  # each goes first as often as the other
                async with _scraping(hub, options.every, scrapes) if scraped else contextlib.nullcontext():
                    pair[scraped] = await generator.measure(hub, LOAD, options.seconds)
            moved.append(pair[True].p99_ms - pair[False].p99_ms)
            sides = " | ".join(f"{pair[side].p50_ms:.2f} / {pair[side].p99_ms:.2f}" for side in (False, True))
            print(f"| {number + 1} | {sides} | {moved[-1]:+.2f} |", flush=True)
    took_ms = statistics.median(took for took, _ in scrapes) * 1000
    print(f"\n{len(scrapes)} scrapes, {took_ms:.0f} ms and {max(size for _, size in scrapes):,} bytes each;", end=" ")
    middle_ms = statistics.median(moved)
    print(f"p99 moved by {middle_ms:+.2f} ms in the median, asked is at most {ASKED_MS:+.0f} ms")
    return int(middle_ms > ASKED_MS)


@contextlib.asynccontextmanager
async def _scraping(hub: Peer, every_s: float, scrapes: list[tuple[float, int]]) -> AsyncIterator[None]:
    """Scrape as Prometheus does until the block ends; `scrapes` gets seconds and bytes of each."""

    async def scrape() -> None:
        headers = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{hub.port}", headers=headers) as session:
            while True:
                began_s = time.perf_counter()
                async with session.get("/metrics") as answer:
                    answer.raise_for_status()
                    size = len(await answer.read())
                scrapes.append((time.perf_counter() - began_s, size))
                await asyncio.sleep(every_s)

    turning = asyncio.create_task(scrape())
    try:
        yield
    finally:
        turning.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await turning


if __name__ == "__main__":
    sys.exit(main())
