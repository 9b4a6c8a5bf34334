"""A delay shows up in the hop that it is in, in no other, and calls by the alert that is meant for it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.faults import tampered
from tests.hops import growth_s
from tests.hub import Client, Frames, HubProcess, envelope
from tests.integration.test_prometheus import Prometheus, prepared
from tests.servers import prometheus_server

REDIS_S = 0.03

DISK_S = 0.1
MESSAGES = 8
ALERT_TIMEOUT_S = 60.0


class SlowWay:
    """A socket from which everything reaches `target` as late as `delay_s` says; answers come back at once."""

    def __init__(self, path: Path, target: str) -> None:
        self.delay_s = 0.0
        self.url = f"unix://{path}"
        self._path = path
        self._target = target
        self._ways: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["SlowWay"]:
        """Until the block ends, after everybody has gone."""
        async with await asyncio.start_unix_server(self._connect, self._path):
            yield self
            await asyncio.gather(*self._ways)

    @contextlib.asynccontextmanager
    async def slow(self, delay_s: float) -> AsyncIterator[None]:
        """Slow until the block ends."""
        self.delay_s = delay_s
        yield
        self.delay_s = 0.0

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.append(way)
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        answering = asyncio.create_task(pass_on(far_reader, writer))
        with contextlib.suppress(OSError):
            while some := await reader.read(65536):
                asyncio.get_running_loop().call_later(self.delay_s, far_writer.write, some)
        await asyncio.sleep(2 * REDIS_S)
        far_writer.close()
        await far_writer.wait_closed()
        await answering


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
        writer.close()
        await writer.wait_closed()


class Talk:
    """Somebody who posts one message after the other, hears each before the next, and waits for Redis at the end."""

    def __init__(self, client: Client, channel_id: str, frames: Frames) -> None:
        self._client = client
        self._channel_id = channel_id
        self._frames = frames
        self.last = ""

    async def speak(self) -> None:
        for number in range(MESSAGES):
            said = await self._client.say(self._channel_id, str(number))
            self.last = said["message"]["id"]
            await self._frames.until("channel.message")
        while "published" not in await self.hops():
            await asyncio.sleep(REDIS_S / 2)

    async def hops(self) -> dict[str, float]:
        """Of the last message."""
        found: dict[str, float] = (await self._client.ok("GET", f"/api/messages/{self.last}/latency"))["hops"]
        return found


@contextlib.asynccontextmanager
async def talking(hub: HubProcess) -> AsyncIterator[tuple[Client, Talk]]:
    async with hub.client() as admin:
        general = await admin.general()
        async with admin.stream(f"?channels={general}&types=channel.message") as frames:
            yield admin, Talk(admin, general, frames)


@contextlib.asynccontextmanager
async def watched(hub: HubProcess, folder: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes this hub by the shipped files, in a hurry."""
    config = prepared(folder / "shipped", hub.port)
    for path in (folder / "shipped").glob("*.yml"):
        path.write_text(re.sub(r"for: \w+", "for: 1s", path.read_text("utf-8")))
    with prometheus_server(config, folder) as url:
        async with aiohttp.ClientSession(url) as session, asyncio.timeout(None) as patience:
            prometheus = Prometheus(session)
            patience.reschedule(asyncio.get_running_loop().time() + ALERT_TIMEOUT_S)
            while not await prometheus.values("hub_message_stage_seconds_count"):
                await asyncio.sleep(0.2)  # what was counted before the first scrape is no increase
            patience.reschedule(None)
            yield prometheus


async def fired(prometheus: Prometheus, alert: str, label: str) -> set[str]:
    """By which values of the label this alert fires now."""
    query = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
    return {one["metric"][label] for one in (await prometheus.ask("query", query=query))["result"]}


async def until_fired(prometheus: Prometheus, alert: str, label: str, value: str) -> None:
    async with asyncio.timeout(ALERT_TIMEOUT_S):
        while value not in await fired(prometheus, alert, label):
            await asyncio.sleep(0.5)


async def test_a_slow_redis_is_seen_in_the_publish_hop_and_named(tmp_path: Path, redis_url: str) -> None:
    way = SlowWay(tmp_path / "slow.sock", redis_url.removeprefix("unix://"))
    async with (
        way.opened(),
        HubProcess(tmp_path, HUB_REDIS_URL=way.url) as hub,
        watched(hub, tmp_path) as prometheus,
        talking(hub) as (admin, talk),
    ):
        grown_s = await growth_s(admin, talk.speak, lambda: way.slow(REDIS_S))
        async with way.slow(REDIS_S):
            for _ in range(3):
                await talk.speak()
            await until_fired(prometheus, "HubHopSlow", "stage", "publish")
        hops = await talk.hops()
    assert {stage for stage, s in grown_s.items() if s > REDIS_S / 2} == {"publish"}, grown_s
    assert hops["fanned_out"] - hops["stored"] >= REDIS_S * 1000


@pytest.mark.timeout(180)
async def test_a_slow_disk_is_seen_in_the_store_hop_and_burns_an_objective(tmp_path: Path) -> None:
    async with (
        HubProcess(tmp_path) as hub,
        watched(hub, tmp_path) as prometheus,
        talking(hub) as (admin, talk),
        admin.stream("?types=system.performance.alert") as alerts,
    ):
        alerts.passing = frozenset()
        inject = f"fdatasync:delay_enter={int(DISK_S * 1e6)}"
        grown_s = await growth_s(admin, talk.speak, lambda: tampered(hub.pid, inject))
        hops = await talk.hops()
        told = envelope(await alerts.next(ALERT_TIMEOUT_S))["event"]["data"]
        await until_fired(prometheus, "HubHopSlow", "stage", "store")
        await until_fired(prometheus, "HubObjectiveBurnsFast", "objective", "fanned_out")
        health = await admin.ok("GET", "/api/health")
    assert {stage for stage, s in grown_s.items() if s > DISK_S / 2} == {"store"}, grown_s
    assert hops["stored"] - hops["accepted"] >= DISK_S * 1000
    assert "fanned_out" in told["message"]
    assert health["alerts"][0]["message"] == told["message"]
    assert [one["name"] for one in health["objectives"] if one["burning"]] == ["fanned_out"]
