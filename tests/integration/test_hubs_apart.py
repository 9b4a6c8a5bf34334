"""Several hubs, one of which dies, freezes or has no Redis: the others neither wait for it nor forget who was there."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub import Frames, envelope, said
from tests.oracle import Company, Reader, Writer, cancelled, member
from tests.pair import Pair, two_hubs

GONE_S = 60.0
"""A hub is missed after six seconds, those who were with it ten seconds later."""


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[Pair]:
    async with two_hubs(tmp_path, postgres_url, redis_url) as hubs:
        yield hubs


async def told(frames: Frames, kind: str, about: str) -> None:
    """Wait until this is said of somebody."""
    async with asyncio.timeout(GONE_S):
        while True:
            frame = await frames.next(GONE_S)
            if frame.event == kind and about in str(frame.data):
                return


async def test_who_was_with_a_hub_that_died_has_left_and_who_comes_over_has_not(pair: Pair) -> None:
    one, other = pair
    token = one.admin_token
    async with other.client(token) as admin, admin.stream() as watching:
        watching.passing = frozenset()
        general = await admin.general()
        (stays, stays_token), (leaves, leaves_token) = await admin.agent(), await admin.agent()
        async with one.client(stays_token) as first, one.client(leaves_token) as second:
            await second.ok("PUT", f"/api/channels/{general}/presence", {"status": "dnd"})
            async with first.stream(), second.stream():
                await told(watching, "agent.joined", leaves)
                await asyncio.sleep(2)  # the other hub hears who is here
                await one.kill()
        async with other.client(stays_token) as again, again.stream():
            await told(watching, "agent.left", leaves)
            found = (await admin.ok("GET", f"/api/channels/{general}/presence"))["presence"]
            assert leaves in {presence["agentId"] for presence in found}  # until its time is over
            await admin.say(general, "so far")
            frame = await watching.next()
            while frame.event != "channel.message":
                assert not (frame.event == "agent.left" and stays in str(frame.data))
                frame = await watching.next()


async def test_a_hub_that_freezes_in_the_middle_holds_nobody_up(pair: Pair) -> None:
    one, other = pair
    async with one.client() as admin:
        general = await admin.general()
        tokens = [await member(admin, general) for _ in range(6)]
    hubs = (one, other) * 3
    writers = [Writer(hub, token, general) for hub, token in zip(hubs, tokens, strict=True)]
    readers = [Reader(hub, token) for hub, token in zip(hubs, tokens, strict=True)]
    company = Company(writers, readers, general)
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        for reader in readers:
            await reader.joined.wait()
        writing = [asyncio.create_task(writer.run(0.005)) for writer in writers]
        tasks += writing
        for _ in range(3):
            await company.progress(40)
            os.kill(one.pid, signal.SIGSTOP)
            try:
                await Company(writers[1::2], [], general).progress(40)
            finally:
                os.kill(one.pid, signal.SIGCONT)
        await company.progress(40)
        await cancelled(writing)
        assert await company.verdict() == []
    finally:
        await cancelled(tasks)


async def test_without_redis_the_hubs_still_hear_of_each_other(tmp_path: Path, postgres_url: str) -> None:
    async with (
        two_hubs(tmp_path, postgres_url, "redis://127.0.0.1:1/0") as (one, other),
        one.client() as here,
        other.client(one.admin_token) as there,
    ):
        general = await here.general()
        agent_id, token = await here.agent()
        async with other.client(token) as agent, agent.stream() as frames:
            for number in range(10):
                await here.say(general, f"word {number}")
                assert said((await frames.until("channel.message"))[-1]) == f"word {number}"
            tokens = (await there.ok("GET", "/api/tokens"))["tokens"]
            own = next(found["id"] for found in tokens if found["agentId"] == agent_id)
            await here.ok("DELETE", f"/api/tokens/{own}")
            async with asyncio.timeout(1):
                bye = (await frames.until("hub.bye"))[-1]
            assert envelope(bye)["code"] == "credential_revoked"


async def test_a_hub_that_starts_is_known_to_the_others_before_it_serves(pair: Pair) -> None:
    one, other = pair
    for _ in range(3):
        await other.stop()
        await other.start()
        async with other.client() as there:
            for _ in range(3):
                agent_id, token = await there.agent()
                async with one.client(token) as agent:
                    assert (await agent.ok("GET", "/api/me"))["id"] == agent_id
