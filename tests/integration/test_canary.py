"""The canary: it feeds its metrics through real HTTP, and nobody ever sees it."""

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from tests.hub import Client, HubProcess

NAME = "hub-probe"


async def probed(client: Client) -> dict[str, float]:
    """What the canary has fed so far."""
    text = (await client.call("GET", "/metrics")).body.decode()
    return {name: float(value) for name, value in re.findall(r"^hub_probe_(\w+) (\S+)$", text, re.MULTILINE)}


async def test_it_sings_and_nobody_sees_it(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_PROBE_EVERY_S="0.05") as hub, hub.client() as admin:
        async with admin.stream() as frames:
            async with asyncio.timeout(10):
                while not (found := await probed(admin)):
                    await asyncio.sleep(0.05)
            assert found["success"] == 1
            assert 0 < found["latency_seconds"] < 5
            assert await frames.quiet(0.4)
        assert [channel["name"] for channel in (await admin.ok("GET", "/api/channels"))["channels"]] == ["general"]
        assert [agent["id"] for agent in (await admin.ok("GET", "/api/agents"))["agents"]] == ["hubctl"]
        assert (await admin.call("GET", f"/api/agents/{NAME}")).status == 404
        assert (await admin.call("DELETE", f"/api/agents/{NAME}")).status == 404
        assert (await admin.call("POST", "/api/tokens", {"agentId": NAME})).status == 404
        assert {token["agentId"] for token in (await admin.ok("GET", "/api/tokens"))["tokens"]} == {"hubctl"}
        assert (await admin.ok("GET", "/api/search?q=probe"))["messages"] == []
        said = await admin.say(await admin.general(), f"hello @{NAME}")
        assert said["message"]["mentions"] == []
        text = (await admin.call("GET", "/metrics")).body.decode()
        assert re.findall(r"^hub_agents\S* (\S+)$", text, re.MULTILINE) in (["0.0", "1.0"], ["1.0", "0.0"])
        assert 'hub_message_latency_seconds_count{point="stored"} 1.0' in text
        assert 'hub_sse_connections{client="agent"} 0.0' in text


async def test_what_it_said_is_forgotten(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_PROBE_EVERY_S="0.02") as hub:
        async with hub.client() as admin, asyncio.timeout(20):
            while (await probed(admin)).get("success") != 1 or head(hub) < 24:
                await asyncio.sleep(0.05)
        with sqlite3.connect(hub.data_dir / "hub.db") as database:
            (kept,) = database.execute("SELECT count(*) FROM messages").fetchone()
            (wordless,) = database.execute("SELECT count(*) FROM events WHERE payload = x''").fetchone()
            database.execute("INSERT INTO messages_fts(messages_fts, rank) VALUES ('integrity-check', 1)")
        database.close()
        assert kept < 24
        assert wordless >= 20
        await hub.kill()
        await hub.start()
        async with hub.client() as admin, admin.stream("?since=0") as frames:
            await admin.say(await admin.general(), "after all of that")
            events = [frame.event for frame in await frames.until("channel.message")]
        assert events.count("channel.message") == 1


def head(hub: HubProcess) -> int:
    with sqlite3.connect(hub.data_dir / "hub.db") as database:
        (seq,) = database.execute("SELECT seq FROM log_head").fetchone()
    database.close()
    return int(seq)


@pytest.mark.parametrize("host", ["0.0.0.0", "::1"])
async def test_it_finds_its_hub_wherever_that_listens(tmp_path: Path, host: str) -> None:
    hub = HubProcess(tmp_path, HUB_PROBE_EVERY_S="0.05", HUB_SERVER_HOST=host)
    hub.url = hub.url.replace("127.0.0.1", "[::1]" if ":" in host else "127.0.0.1")
    async with hub, hub.client() as admin, asyncio.timeout(10):
        while (await probed(admin)).get("success") != 1:
            await asyncio.sleep(0.05)


async def test_it_can_be_switched_off(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        await asyncio.sleep(0.2)
        assert await probed(admin) == {}
