"""Two hubs, one of them on another host whose cable to PostgreSQL and Redis is pulled for a while."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import Link, link
from tests.hub import HubProcess
from tests.oracle import Company, Reader, Writer, cancelled, member
from tests.servers import own_redis, postgres_server

JOIN_TIMEOUT_S = 60.0
HEALED_S = 60.0


@dataclass
class Outcome:
    """What came of it: what the oracle found wrong over both hubs, and who was served meanwhile."""

    wrong: list[str]
    acknowledged: int
    served_meanwhile: int
    refused_meanwhile: dict[int, int] = field(default_factory=dict)
    returned_s: float = 0.0


async def cut_off(folder: Path, seconds: float, agents: int = 20, rate: float = 40.0) -> Outcome:
    """Agents write and read at both hubs; one hub is cut off for so long, and heals."""
    async with _two_hosts(folder) as (cable, near, far):
        async with near.client() as admin:
            channel_id = await admin.general()
            tokens = [await member(admin, channel_id) for _ in range(agents)]
        hubs = [(near, far)[number % 2] for number in range(agents)]
        writers = [Writer(hub, token, channel_id) for hub, token in zip(hubs, tokens, strict=True)]
        readers = [Reader(hub, token) for hub, token in zip(hubs, tokens, strict=True)]
        talkers = Company(writers, readers, channel_id)
        here, there = Company(writers[::2], readers[::2], channel_id), Company(writers[1::2], readers[1::2], channel_id)
        tasks = [asyncio.create_task(reader.run()) for reader in readers]
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                for reader in readers:
                    await reader.joined.wait()
            tasks += [asyncio.create_task(writer.run(agents / rate)) for writer in writers]
            await asyncio.gather(here.progress(20), there.progress(20))
            before = here.acknowledged
            cable.cut()
            await asyncio.sleep(seconds)
            served, refused = here.acknowledged - before, there.refusals()
            cable.mend()
            healed_s = asyncio.get_running_loop().time()
            await there.progress(20, HEALED_S)
            returned_s = asyncio.get_running_loop().time() - healed_s
            await asyncio.gather(here.progress(20), there.progress(20))
            await cancelled(tasks[agents:])
            wrong = await talkers.verdict(HEALED_S)
            return Outcome(wrong, talkers.acknowledged, served, refused, returned_s)
        finally:
            await cancelled(tasks)


@contextlib.asynccontextmanager
async def _two_hosts(folder: Path) -> AsyncIterator[tuple[Link, HubProcess, HubProcess]]:
    """A hub beside the servers, and one on another host; clients reach that one by a cable of their own."""
    with (
        link(34) as cable,
        postgres_server(cable.address) as server,
        own_redis(cable.address) as redis,
        server.database() as database_url,
    ):
        settings = {"HUB_DATABASE_URL": database_url, "HUB_REDIS_URL": redis.url}
        near = HubProcess(folder / "near", **settings)
        far = HubProcess(folder / "far", HUB_SERVER_HOST="0.0.0.0", **settings)
        far.url = f"http://{cable.also()}:{far.port}"
        far.wrap = cable.on_the_other_host()
        for hub in (near, far):
            hub.data_dir.mkdir(parents=True)
        async with near, far:
            yield cable, near, far
