"""Old events leave the log; who asks for them is told so, and messages stay."""

import asyncio
import sqlite3

from hubctl.sse import Frame
from tests.hub import WAIT_S, Client, HubProcess, envelope


async def first_frame(client: Client, cursor: str | None) -> Frame:
    """What a stream that resumes at `cursor` gets after its hello."""
    async with client.stream("", cursor) as frames:
        return await frames.next()


async def test_a_cursor_from_before_the_log_begins_is_reset(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        channel_id = await admin.general()
        async with admin.stream() as frames:
            cursor = frames.hello.id
        old = (await admin.say(channel_id, "a month ago"))["message"]
    await own_hub.stop()
    with sqlite3.connect(own_hub.data_dir / "hub.db") as database:
        database.execute("UPDATE events SET timestamp = 1")
    await own_hub.start()
    async with own_hub.client() as admin:
        await admin.say(channel_id, "today")
        async with asyncio.timeout(WAIT_S):
            while (frame := await first_frame(admin, cursor)).event != "hub.reset":
                await asyncio.sleep(0.05)  # it prunes after it has started
        news = envelope(frame)
        assert news["reason"] == "expired"
        assert news["oldest"] > old["seq"]
        async with admin.stream("?since=0") as frames:
            assert envelope(await frames.next())["seq"] == news["oldest"]
        page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
        assert [message["content"] for message in page["messages"]] == ["a month ago", "today"]
