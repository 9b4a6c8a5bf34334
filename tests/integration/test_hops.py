"""A delay shows up in the hop that it is in, and in no other."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from tests.hub import Client, HubProcess

DELAY_S = 0.03
"""Less than the hub waits for Redis before it rings its own bell."""

MESSAGES = 20


@contextlib.asynccontextmanager
async def slow_way(path: Path, target: str) -> AsyncIterator[str]:
    """A socket from which everything reaches `target` late; answers come back at once. Yields its URL."""

    ways: list[asyncio.Task[None]] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        ways.append(way)
        far_reader, far_writer = await asyncio.open_unix_connection(target)
        answering = asyncio.create_task(pass_on(far_reader, writer))
        with contextlib.suppress(OSError):
            while some := await reader.read(65536):
                asyncio.get_running_loop().call_later(DELAY_S, far_writer.write, some)
        await asyncio.sleep(2 * DELAY_S)
        far_writer.close()
        await far_writer.wait_closed()
        await answering

    async with await asyncio.start_unix_server(connect, path):
        yield f"unix://{path}"
        await asyncio.gather(*ways)


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
        writer.close()
        await writer.wait_closed()


async def means(client: Client) -> dict[str, float]:
    """The mean of each stage in seconds."""
    text = (await client.call("GET", "/metrics")).body.decode()
    found = {
        end: dict(re.findall(rf'^hub_message_stage_seconds_{end}{{stage="(\w+)"}} (\S+)$', text, re.MULTILINE))
        for end in ("sum", "count")
    }
    return {
        stage: float(sum_s) / float(found["count"][stage] or 1)
        for stage, sum_s in found["sum"].items()
        if float(found["count"][stage])
    }


async def test_a_slow_redis_is_seen_in_the_publish_hop(tmp_path: Path, redis_url: str) -> None:
    async with (
        slow_way(tmp_path / "slow.sock", redis_url.removeprefix("unix://")) as slow_url,
        HubProcess(tmp_path, HUB_REDIS_URL=slow_url) as hub,
        hub.client() as admin,
    ):
        general = await admin.general()
        async with admin.stream(f"?channels={general}") as frames:
            for number in range(MESSAGES):
                await admin.say(general, str(number))
                await frames.next()
            last = await admin.say(general, "the last")
            await frames.next()
        stages = await means(admin)
        hops = (await admin.ok("GET", f"/api/messages/{last['message']['id']}/latency"))["hops"]
    assert stages["publish"] >= DELAY_S
    assert max(stages, key=lambda stage: stages[stage]) == "publish"
    assert hops["fanned_out"] - hops["stored"] >= DELAY_S * 1000
