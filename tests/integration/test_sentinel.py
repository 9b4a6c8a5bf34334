"""A Redis under Sentinels: its master dies, another one takes over, and nobody who chats notices."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis

from server.bus.sentinel import sentinel_client
from tests.hub import HubProcess
from tests.oracle import company
from tests.sentinels import Sentinels, sentinels

FAILOVER_S = 60.0


@pytest.fixture
def group() -> Iterator[Sentinels]:
    with sentinels() as running:
        yield running


async def until_redis_is(hub: HubProcess, up: bool) -> None:
    async with hub.client() as admin, asyncio.timeout(FAILOVER_S):
        while ((await admin.ok("GET", "/readyz"))["parts"]["redis"] == "ok") != up:
            await asyncio.sleep(0.05)


async def test_the_master_dies_and_chat_goes_on_with_the_next_one(group: Sentinels, tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL=group.url) as hub, company(hub, agents=20) as talkers:
        agent_id, token = "", ""
        async with hub.client() as admin:
            agent_id, token = await admin.agent()
        async with hub.client(token) as agent:
            await agent.ok("PUT", f"/api/channels/{talkers.channel_id}/presence", {"status": "dnd"})
            await talkers.progress(20)
            first = await asyncio.to_thread(group.master)
            await asyncio.to_thread(group.kill_master)
            await until_redis_is(hub, up=False)
            await talkers.progress(20)
            await until_redis_is(hub, up=True)
            second = await asyncio.to_thread(group.master)
            assert second != first
            presence = f"presence:{talkers.channel_id}:{agent_id}"
            members = f"channel:{talkers.channel_id}:members"
            with redis.Redis(port=second) as client:
                async with asyncio.timeout(FAILOVER_S):
                    while client.hget(presence, "status") != b"dnd" or not client.sismember(members, agent_id):
                        await asyncio.sleep(0.1)
                with contextlib.closing(client.pubsub()) as listening:
                    listening.subscribe(f"pubsub:channel:{talkers.channel_id}")
                    await talkers.progress(20)
                    heard = [listening.get_message(timeout=1.0) for _ in range(5)]
            kinds = [msgspec.json.decode(m["data"])["event"]["type"] for m in heard if m and m["type"] == "message"]
            assert "channel.message" in kinds


async def test_a_sentinel_that_is_away_is_passed_over(group: Sentinels, tmp_path: Path) -> None:
    await asyncio.to_thread(group.kill_a_sentinel)
    async with HubProcess(tmp_path, HUB_REDIS_URL=group.url) as hub:
        await until_redis_is(hub, up=True)


@pytest.mark.parametrize("rest", ["host:1", "host:1/", "host:1/name/x", "host:port/name", "host:1/name?quorum=2"])
def test_a_url_that_names_no_sentinels_is_refused(rest: str) -> None:
    with pytest.raises(ValueError, match=r"Sentinels|port"):
        sentinel_client(f"redis+sentinel://{rest}")
