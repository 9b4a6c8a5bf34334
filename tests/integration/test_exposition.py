"""The page of metrics of a hub that many use in every way: as large as with few, clean, and naming nobody."""

import asyncio
import contextlib
import re
import shutil
import subprocess
from pathlib import Path

import redis

from tests.hub import Client, HubProcess
from tests.unit.test_metrics import BYTES_MOST, SERIES_MOST
from tests.wire import wire

MANY = 100
FEW = 5


async def page(admin: Client) -> str:
    return str((await admin.call("GET", "/metrics")).body.decode())


async def all_sorts(hub: HubProcess, admin: Client, count: int, redis_url: str) -> list[str]:
    """So many agents, each with a stream and a channel, do what there is to be done; answers their ids and channels."""
    named = []
    async with contextlib.AsyncExitStack() as places:
        for _ in range(count):
            agent_id, token = await admin.agent()
            agent = await places.enter_async_context(hub.client(token))
            await places.enter_async_context(agent.stream())
            channel_id = await agent.channel()
            said = await agent.say(channel_id, f"hello from {agent_id}")
            message_id = said["message"]["id"]
            await agent.call("PUT", f"/api/messages/{message_id}/reactions/👍")
            await agent.call("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
            await agent.call("PUT", f"/api/channels/{channel_id}/typing", {"started": True})
            await agent.call("GET", f"/api/messages/{message_id}/latency")
            await agent.call("DELETE", f"/nowhere/{agent_id}")
            await agent.call("GET", f"/api/agents/{agent_id}x")
            await agent.call("POST", "/api/messages", {"channelId": channel_id})
            await asyncio.to_thread(publish, redis_url, channel_id, agent_id)
            named += [agent_id, channel_id, message_id]
    for method in ("BREW", "PROPFIND", f"X{count}"):
        async with wire(hub) as line:
            head = f"{method} /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            await line.sends(head.encode())
            await line.hears()
    return named


def publish(url: str, channel_id: str, agent_id: str) -> None:
    """Words from outside: some that are taken, some that are not."""
    with redis.Redis.from_url(url) as client:
        client.publish(f"pubsub:channel:{channel_id}", f'{{"type": "x-{agent_id}"}}')
        client.publish(f"pubsub:channel:{channel_id}", agent_id)


async def test_many_agents_make_no_more_of_it(tmp_path: Path, redis_url: str) -> None:
    settings = {"HUB_REDIS_URL": redis_url, "HUB_PROBE_EVERY_S": "0.2"}
    async with HubProcess(tmp_path, **settings) as hub, hub.client() as admin:
        named = await all_sorts(hub, admin, FEW, redis_url)
        few = await page(admin)
        named += await all_sorts(hub, admin, MANY, redis_url)
        many = await page(admin)
    series = [{line.rsplit(" ", 1)[0] for line in text.splitlines() if line[0] != "#"} for text in (few, many)]
    # a command to Redis shows when it first had to be given, with few as with many
    assert {line for line in series[1] - series[0] if "command=" not in line} == set()
    assert len(series[1]) <= SERIES_MOST
    assert len(many) <= BYTES_MOST
    assert [word for word in (*named, "127.0.0.1", "BREW", "nowhere") if word in many] == []
    assert not re.search("_created", many)
    assert shutil.which("promtool"), "promtool is missing: install prometheus"
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=many, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
