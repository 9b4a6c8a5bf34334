"""Two hubs beside one, on the same PostgreSQL and Redis, in one run: `python -m tests.load.several`.

The same load is put on one hub, and half of it on each of two. On a machine where the hubs share the processors with
the database and the load this says what the second hub costs; where each has a machine, what it brings is more.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.hub import HubProcess
from tests.load.generator import Figures, Generator, Load, MeasureError, Peer, build
from tests.oracle import member
from tests.servers import Postgres, own_redis, postgres_server

AGENTS = 100
LOADS = {
    "ingest, 32 connections": Load(readers=0, publishers=32),
    "fan-out, 100 readers, 16 messages under way": Load(readers=100, publishers=16, window=16),
    "200 msg/s, 100 readers": Load(readers=100, publishers=20, rate=200),
}
SETTINGS = {"HUB_STREAMS_TOTAL": "20000", "HUB_STREAMS_PER_TOKEN": "0"}


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
    print("| load | hubs | messages/s | deliveries/s | p50 ms | p99 ms | POST p50 | lost | twice |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, load in LOADS.items():
        for count in (1, 2):
            async with _hubs(folder, server, count) as peers:
                found = [await _round(folder, peers, load, seconds) for _ in range(rounds)]
            best = max(found, key=lambda figures: sum(one.messages_per_s for one in figures))
            print(f"| {name} | {count} | {_words(best)} |", flush=True)


async def _round(folder: Path, peers: Sequence[Peer], load: Load, seconds: float) -> list[Figures]:
    count = len(peers)
    share = Load(load.readers // count, load.publishers // count, load.rate // count, load.window // count)
    generator = Generator(folder)
    return list(await asyncio.gather(*(generator.measure(peer, share, seconds) for peer in peers)))


def _words(found: Sequence[Figures]) -> str:
    """What all of them did together; the slower latency of both. What was said at the other hub is `unknown` there."""
    messages = sum(one.messages_per_s for one in found)
    deliveries = sum((one.delivered + one.unknown) / one.seconds for one in found)
    latencies = [max(getattr(one, field) for one in found) for field in ("p50_ms", "p99_ms", "post_p50_ms")]
    wrong = [sum(getattr(one, field) for one in found) for field in ("lost", "twice")]
    words = [f"{messages:,.0f}", f"{deliveries:,.0f}", *(f"{value:.1f}" for value in latencies), *map(str, wrong)]
    return " | ".join(words)


@asynccontextmanager
async def _hubs(folder: Path, server: Postgres, count: int) -> AsyncIterator[list[Peer]]:
    with own_redis() as redis, server.database() as url, tempfile.TemporaryDirectory(dir=folder) as home:
        settings = {**SETTINGS, "HUB_DATABASE_URL": url, "HUB_REDIS_URL": redis.url}
        hubs = [HubProcess(Path(home) / str(number), **settings) for number in range(count)]
        for hub in hubs:
            hub.data_dir.mkdir(parents=True)
            await hub.start()
        try:
            async with hubs[0].client() as admin:
                channel_id = await admin.channel(isPrivate=True)
                tokens = [await member(admin, channel_id) for _ in range(AGENTS)]
            file = Path(home) / "tokens"
            file.write_text("\n".join(tokens))
            yield [_peer(hub, channel_id, file) for hub in hubs]
        finally:
            for hub in hubs:
                await hub.stop()


def _peer(hub: HubProcess, channel_id: str, tokens: Path) -> Peer:
    words = r"Host: localhost\r\nAuthorization: Bearer %t\r\n"
    return Peer(
        "hub",
        hub.port,
        rf"GET /api/events HTTP/1.1\r\n{words}\r\n",
        rf"POST /api/messages HTTP/1.1\r\n{words}Content-Type: application/json\r\n",
        f'{{"channelId":"{channel_id}","content":"hello %m"}}',
        tokens,
    )


if __name__ == "__main__":
    sys.exit(main())
