"""Two hubs beside one, on the same PostgreSQL and Redis, in one run: `python -m tests.load.several`.

Half of the agents are in one channel, half in another; with two hubs, what is said at one of them is read at the other.
On a machine where hubs, database and load share the processors this says what a second hub costs; what it brings where
each has a machine of its own is the work that it takes off the first, which is shown as well.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.hub import HubProcess
from tests.load.generator import Figures, Generator, Load, MeasureError, Peer, build
from tests.oracle import member
from tests.servers import Postgres, own_redis, postgres_server

HALF = 50
LOADS = {
    "ingest, 2 x 16 connections": Load(readers=0, publishers=16),
    "fan-out, 2 x 50 readers, 2 x 8 messages under way": Load(readers=HALF, publishers=8, window=8),
    "2 x 100 msg/s, 2 x 50 readers": Load(readers=HALF, publishers=10, rate=100),
}
SETTINGS = {"HUB_STREAMS_TOTAL": "20000", "HUB_STREAMS_PER_TOKEN": "0"}


class Setting(NamedTuple):
    """The hubs, and the two halves that speak to them."""

    hubs: list[HubProcess]
    halves: list[Peer]


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.several", description="Two hubs beside one.")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each measurement takes (5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the best counts (3)")
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, {platform.platform()},", end=" ")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before\n")
    with tempfile.TemporaryDirectory(prefix="hub-several-") as name, postgres_server() as server:
        try:
            build(Path(name))
            asyncio.run(_measure(Path(name), server, options.seconds, options.rounds))
        except MeasureError as error:
            print(f"several: {error}", file=sys.stderr)
            return 1
    return 0


async def _measure(folder: Path, server: Postgres, seconds: float, rounds: int) -> None:
    print("| load | hubs | messages/s | deliveries/s | p50 ms | p99 ms | POST p50 | lost | twice | processor each |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, load in LOADS.items():
        for count in (1, 2):
            async with _hubs(folder, server, count) as setting:
                found = [await _round(folder, setting, setting.halves, load, seconds) for _ in range(rounds)]
            print(f"| {name} | {count} | {max(found)[1]} |", flush=True)
    async with _hubs(folder, server, 2) as setting:
        follows = [replace(setting.halves[0], publish_port=setting.hubs[0].port)]
        found = [await _round(folder, setting, follows, LOADS["ingest, 2 x 16 connections"], seconds)]
    print(f"| 16 connections at the first, nobody at the second | 2 | {found[0][1]} |")


async def _round(
    folder: Path, setting: Setting, halves: Sequence[Peer], load: Load, seconds: float
) -> tuple[float, str]:
    """Messages a second, and all figures in words: sums, and the slower latency of both halves."""
    generator = Generator(folder)
    before_s = [_processor_s(hub) for hub in setting.hubs]
    found: list[Figures] = await asyncio.gather(*(generator.measure(half, load, seconds) for half in halves))
    spent = [_processor_s(hub) - was for hub, was in zip(setting.hubs, before_s, strict=True)]
    messages = sum(one.messages_per_s for one in found)
    deliveries = sum(one.deliveries_per_s for one in found)
    latencies = [max(getattr(one, field) for one in found) for field in ("p50_ms", "p99_ms", "post_p50_ms")]
    wrong = [sum(getattr(one, field) for one in found) for field in ("lost", "twice")]
    shares = ", ".join(f"{spent_s / found[0].seconds:.0%}" for spent_s in spent)
    words = [
        f"{messages:,.0f}",
        f"{deliveries:,.0f}",
        *(f"{value:.1f}" for value in latencies),
        *map(str, wrong),
        shares,
    ]
    return messages, " | ".join(words)


def _processor_s(hub: HubProcess) -> float:
    """What it has used so far."""
    times = psutil.Process(hub.pid).cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def _hubs(folder: Path, server: Postgres, count: int) -> AsyncIterator[Setting]:
    with own_redis() as redis, server.database() as url, tempfile.TemporaryDirectory(dir=folder) as home:
        settings = {**SETTINGS, "HUB_DATABASE_URL": url, "HUB_REDIS_URL": redis.url}
        hubs = [HubProcess(Path(home) / str(number), **settings) for number in range(count)]
        for hub in hubs:
            hub.data_dir.mkdir(parents=True)
            await hub.start()
        try:
            yield Setting(hubs, [await _half(Path(home), hubs, number) for number in range(2)])
        finally:
            for hub in hubs:
                await hub.stop()


async def _half(home: Path, hubs: Sequence[HubProcess], number: int) -> Peer:
    """Half of the agents, who read at one hub and write at the other where there is another."""
    async with hubs[0].client() as admin:
        channel_id = await admin.channel(isPrivate=True)
        tokens = [await member(admin, channel_id) for _ in range(HALF)]
    file = home / f"tokens-{number}"
    file.write_text("\n".join(tokens))
    words = r"Host: localhost\r\nAuthorization: Bearer %t\r\n"
    return Peer(
        "hub",
        hubs[number % len(hubs)].port,
        rf"GET /api/events HTTP/1.1\r\n{words}\r\n",
        rf"POST /api/messages HTTP/1.1\r\n{words}Content-Type: application/json\r\n",
        f'{{"channelId":"{channel_id}","content":"hello %m"}}',
        file,
        publish_port=hubs[(number + 1) % len(hubs)].port,
    )


if __name__ == "__main__":
    sys.exit(main())
