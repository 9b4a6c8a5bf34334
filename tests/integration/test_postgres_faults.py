"""PostgreSQL that restarts, freezes or is blocked by somebody else: nobody waits for long, and nothing is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.hub import Answer, Client, HubProcess, envelope, said
from tests.oracle import company
from tests.servers import Postgres, postgres_server

SLOWEST_REFUSAL_S = 2.0
SLOWEST_RETURN_S = 5.0
SLACK = 3
"""What is asked of a machine that does something else besides."""


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def database_url(server: Postgres) -> Iterator[str]:
    with server.database() as url:
        yield url


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path, HUB_DATABASE_URL=database_url) as running:
        yield running


async def timed(client: Client, method: str, path: str, body: object = None) -> tuple[Answer, float]:
    """An answer, and how long it took."""
    began_s = monotonic()
    return await client.call(method, path, body), monotonic() - began_s


async def until_it_writes(client: Client, channel_id: str) -> float:
    """How long it takes until a message is taken again."""
    began_s = monotonic()
    while (await client.call("POST", "/api/messages", {"channelId": channel_id, "content": "again"})).status != 201:
        await asyncio.sleep(0.05)
    return monotonic() - began_s


async def refuses_at_once(hub: HubProcess, how_often: int = 3) -> None:
    """Posts and reads are answered with 503 and when to try again, however the database is away."""
    async with hub.client() as admin:
        channel_id = await admin.general()
        body = {"channelId": channel_id, "content": "not now"}
        for _ in range(how_often):
            asked = [timed(admin, "POST", "/api/messages", body) for _ in range(5)]
            asked += [timed(admin, "GET", f"/api/messages?channelId={channel_id}&limit=200") for _ in range(8)]
            for answer, took_s in await asyncio.gather(*asked):
                assert answer.status == 503, answer
                assert int(answer.headers["Retry-After"]) >= 1
                assert took_s <= SLOWEST_REFUSAL_S * SLACK
        answer, took_s = await timed(admin, "GET", "/readyz")
        assert (answer.status, took_s <= SLOWEST_REFUSAL_S * SLACK) == (503, True)


async def test_a_frozen_database_is_refused_for_and_taken_up_again(hub: HubProcess, server: Postgres) -> None:
    async with company(hub, agents=20) as talkers, hub.client() as admin:
        await talkers.progress(20)
        server.send_signal(signal.SIGSTOP)
        try:
            await refuses_at_once(hub)
        finally:
            server.send_signal(signal.SIGCONT)
        assert await until_it_writes(admin, talkers.channel_id) <= SLOWEST_RETURN_S * SLACK
        await talkers.progress(20)


async def test_a_restarted_database_is_refused_for_and_taken_up_again(hub: HubProcess, server: Postgres) -> None:
    async with company(hub, agents=20) as talkers, hub.client() as admin:
        for _ in range(2):
            await talkers.progress(20)
            await asyncio.to_thread(server.stop)
            await refuses_at_once(hub)
            server.start()  # in this thread: the server ends with the one that started it
            assert await until_it_writes(admin, talkers.channel_id) <= SLOWEST_RETURN_S * SLACK
        await talkers.progress(20)


async def test_a_database_that_crashes_loses_nothing(hub: HubProcess, server: Postgres) -> None:
    async with company(hub, agents=20) as talkers, hub.client() as admin:
        await talkers.progress(40)
        server.send_signal(signal.SIGKILL)
        await refuses_at_once(hub, 1)
        await asyncio.to_thread(server.stop)
        server.start()  # in this thread: the server ends with the one that started it
        assert await until_it_writes(admin, talkers.channel_id) <= SLOWEST_RETURN_S * SLACK
        await talkers.progress(40)


async def test_somebody_who_holds_the_counter_is_waited_for_then_refused_and_no_number_is_skipped(
    hub: HubProcess, server: Postgres, database_url: str
) -> None:
    name = database_url.partition("/test_")[2].partition("?")[0]
    async with hub.client() as admin:
        channel_id = await admin.general()
        await admin.say(channel_id, "before")
        holder = await asyncio.to_thread(server.connect, f"test_{name}")
        try:
            holder.execute("BEGIN")
            holder.execute("UPDATE log_head SET seq = seq WHERE id = 1")
            body = {"channelId": channel_id, "content": "while it is held"}
            held = [timed(admin, "POST", "/api/messages", body) for _ in range(3)]
            for answer, took_s in await asyncio.gather(*held):
                assert (answer.status, took_s <= SLOWEST_REFUSAL_S * SLACK) == (503, True), answer
                assert int(answer.headers["Retry-After"]) >= 1
            waiting = asyncio.create_task(admin.call("POST", "/api/messages", {**body, "content": "waits"}))
            await asyncio.sleep(0.3)
            holder.execute("ROLLBACK")
            waited = await waiting
        finally:
            holder.close()
        assert waited.status == 201, waited
        after = await admin.say(channel_id, "after")
        async with admin.stream("?since=0") as frames:
            frames.passing = frozenset()
            heard = [await frames.next() for _ in range(after["seq"])]
    assert [envelope(frame)["seq"] for frame in heard] == list(range(1, after["seq"] + 1))
    assert [said(frame) for frame in heard if frame.event == "channel.message"] == ["before", "waits", "after"]
