"""The end of a channel, for those who are there, for those who come back later, and for nobody else."""

import asyncio
from pathlib import Path

import pytest

from tests.hub import Client, Frames, HubProcess, envelope

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def cursor_of(client: Client) -> str:
    async with client.stream() as frames:
        assert frames.hello.id is not None
        return frames.hello.id


async def until_word(frames: Frames, word: str) -> list[tuple[str, str]]:
    """Types and channels of the events up to this announcement."""
    seen: list[tuple[str, str]] = []
    while True:
        frame = await frames.next()
        if frame.data is None:
            continue
        event = envelope(frame)
        if event["event"].get("data", {}).get("message") == word:
            return seen
        seen.append((event["event"]["type"], event.get("channelId", "")))


async def test_members_who_were_away_get_the_end_and_nothing_else(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.channel(isPrivate=True)
        member, left, outsider = [await admin.agent() for _ in range(3)]
        for agent_id, _ in (member, left):
            await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
        cursors = {}
        for agent_id, token in (member, left, outsider):
            async with shared_hub.client(token) as client:
                cursors[agent_id] = await cursor_of(client)
        await admin.ok("DELETE", f"/api/channels/{channel_id}/members/{left[0]}")
        await admin.say(channel_id, "never to be seen again")
        await admin.ok("DELETE", f"/api/channels/{channel_id}")
        await admin.ok("POST", "/api/global", {"type": "system.announcement", "data": {"message": channel_id}})
    expected = {
        member[0]: [("channel.delete", channel_id)],
        left[0]: [("channel.member.leave", channel_id)],
        outsider[0]: [],
    }
    for agent_id, token in (member, left, outsider):
        async with shared_hub.client(token) as client, client.stream("", cursors[agent_id]) as frames:
            seen = await until_word(frames, channel_id)
        # agents that come and go are told to everyone
        assert [event for event in seen if event[1]] == expected[agent_id], agent_id
        async with shared_hub.client(token) as client:
            narrowed = f"?channels={channel_id}&types=channel.delete,system.announcement"
            async with client.stream(narrowed, cursors[agent_id]) as frames:
                assert await until_word(frames, channel_id) == [
                    e for e in expected[agent_id] if e[0] == "channel.delete"
                ]


async def test_a_restart_does_not_forget_who_was_there_and_the_name_is_free(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub:
        async with hub.client() as admin:
            agent_id, token = await admin.agent()
            channel_id = await admin.channel("phoenix")
            await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
            async with hub.client(token) as client:
                cursor = await cursor_of(client)
            await admin.ok("DELETE", f"/api/channels/{channel_id}")
            reborn = await admin.channel("phoenix")
        await hub.kill()
        await hub.start()
        async with hub.client(token) as client, client.stream("?types=channel.delete", cursor) as frames:
            assert envelope(await frames.next())["channelId"] == channel_id
        async with hub.client() as admin:
            assert (await admin.call("POST", "/api/channels", {"name": "phoenix"})).status == 409
            assert (await admin.ok("GET", f"/api/channels/{reborn}"))["memberCount"] == 1
            assert (await admin.call("GET", f"/api/channels/{channel_id}")).status == 404


async def test_streams_that_open_while_a_channel_ends_are_told_once(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        agent_id, token = await admin.agent()
        for _ in range(10):
            channel_id = await admin.channel()
            await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
            async with shared_hub.client(token) as client:
                cursor = await cursor_of(client)
                ending = asyncio.create_task(admin.ok("DELETE", f"/api/channels/{channel_id}"))
                async with client.stream("?types=channel.delete", cursor) as frames:
                    await ending
                    assert envelope(await frames.next())["channelId"] == channel_id
                    assert await frames.quiet(0.05)
