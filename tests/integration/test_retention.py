"""Old events leave the log, and old messages the channels that keep them for a time only."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from hubctl.sse import Frame
from server.core.retention import DAY_MS
from tests.hub import WAIT_S, Client, HubProcess, Json, envelope, said
from tests.load import filling
from tests.oracle import company

FILLED = 3000
"""Messages of the last 28 days, so half of them are older than 14."""


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
        database.execute("UPDATE events SET timestamp = 1 WHERE seq < (SELECT seq FROM log_head)")
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


async def test_what_a_channel_no_longer_keeps_is_nowhere_after_a_day_and_breaks_nothing(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        channel_id, beside = await admin.channel(), await admin.channel()
        old, answered = [(await admin.say(channel_id, words))["message"] for words in ("old words", "a question")]
        async with admin.stream() as frames:
            cursor = frames.hello.id
        threads = [
            await admin.ok("POST", "/api/threads", {"channelId": channel_id, "parentMessageId": one["id"]})
            for one in (old, answered)
        ]
        for thread in threads:
            await admin.say(channel_id, "an old reply", threadId=thread["id"])
        await admin.say(channel_id, "a young reply", threadId=threads[1]["id"])
        await admin.ok("PUT", f"/api/messages/{old['id']}/reactions/👍")
        await admin.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": old["id"]})
        other = (await admin.say(beside, "old words"))["message"]
        for path in (f"/api/channels/{channel_id}", f"/api/channels/{beside}"):
            await admin.ok("PATCH", path, {"retentionDays": 7})
        await admin.ok("GET", f"/api/messages?channelId={channel_id}")  # a page in Redis, which no event drops
    await own_hub.stop()
    with sqlite3.connect(own_hub.data_dir / "hub.db") as database:
        database.execute("UPDATE messages SET timestamp = 1 WHERE content != 'a young reply'")
        database.execute("UPDATE threads SET created_at = 1")
        database.execute("UPDATE threads SET last_reply_at = 1 WHERE id = ?", (threads[0]["id"],))
        database.execute("UPDATE channels SET retention_from = 1 WHERE id = ?", (channel_id,))
    await own_hub.start()
    async with own_hub.client() as admin:
        async with asyncio.timeout(WAIT_S):
            while (await admin.call("GET", f"/api/messages/{old['id']}")).status == 200:
                await asyncio.sleep(0.05)
        await _is_gone(admin, channel_id, old, threads[0])
        page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
        assert [(one["content"], one["thread"]["replyCount"]) for one in page["messages"]] == [("a question", 1)]
        replies = await admin.ok("GET", f"/api/messages?threadId={threads[1]['id']}")
        assert [one["content"] for one in replies["messages"]] == ["a young reply"]
        assert (await admin.ok("GET", f"/api/messages/{other['id']}"))["content"] == "old words", "announced only"
        async with admin.stream(cursor=cursor) as frames:
            kinds = [(await frames.next()).event for _ in range(4)]
        assert kinds == ["thread.create", "thread.create", "thread.message", "thread.message"]
        async with admin.stream(f"?since=0&channels={channel_id}&types=channel.message") as frames:
            assert said(await frames.next()) == "old words", "the log has days of its own"
        again = await admin.call("POST", "/api/messages", {"channelId": channel_id, "content": "new", "id": old["id"]})
        assert again.status == 201, "what is gone is not remembered"


async def test_old_messages_go_while_people_talk_and_nobody_misses_a_word(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub, hub.client() as admin:
        channel_id, quiet = await admin.channel(), await admin.channel()
        senders = [(await admin.agent())[0] for _ in range(3)]
    database_file = hub.data_dir / "hub.db"
    places = filling.Places(channel_id, quiet, [], senders[:2], senders[2])
    filling.fill(f"sqlite:///{database_file}", FILLED, places, lambda _done: None)
    with sqlite3.connect(database_file) as database:
        database.execute("UPDATE channels SET retention_days = 14, retention_from = 1 WHERE id = ?", (channel_id,))
        # time goes on from there: what the clock shows beyond it is not believed yet
        (now,) = database.execute("SELECT timestamp FROM events WHERE seq = (SELECT seq FROM log_head)").fetchone()
    old, young = (0, now - 14 * DAY_MS), (now - 14 * DAY_MS, now)
    kept = _count(database_file, channel_id, young)
    async with hub, company(hub, agents=10, channel_id=channel_id) as talkers, asyncio.timeout(10 * WAIT_S):
        while _count(database_file, channel_id, old):
            await talkers.progress(10)
        await talkers.progress(10)
    left = _count(database_file, channel_id, young)
    assert kept - 1 <= left <= kept, "one may have come of age since"
    assert _count(database_file, quiet, (0, now)) == 1


def _count(file: Path, channel_id: str, span: tuple[int, int]) -> int:
    said = "SELECT count(*) FROM messages WHERE channel_id = ? AND timestamp >= ? AND timestamp < ?"
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute(said, (channel_id, *span)).fetchone()[0])


async def _is_gone(admin: Client, channel_id: str, message: Json, thread: Json) -> None:
    reply = {"channelId": channel_id, "content": "too late", "threadId": thread["id"]}
    thread_path, message_path = f"/api/threads/{thread['id']}", f"/api/messages/{message['id']}"
    for method, path, body, expected in (
        ("GET", message_path, None, (404, "message_not_found")),
        ("GET", f"{message_path}/latency", None, (404, "message_not_found")),
        ("PATCH", message_path, {"content": "else"}, (404, "message_not_found")),
        ("DELETE", message_path, None, (404, "message_not_found")),
        ("PUT", f"{message_path}/reactions/👍", None, (404, "message_not_found")),
        ("PUT", f"/api/channels/{channel_id}/read", {"messageId": message["id"]}, (422, "invalid_field")),
        ("GET", f"/api/messages?channelId={channel_id}&after={message['id']}", None, (404, "message_not_found")),
        ("GET", thread_path, None, (404, "thread_not_found")),
        ("PATCH", thread_path, {"resolved": True}, (404, "thread_not_found")),
        ("PUT", f"{thread_path}/read", {"messageId": message["id"]}, (404, "thread_not_found")),
        ("POST", "/api/messages", reply, (422, "invalid_field")),
    ):
        answer = await admin.call(method, path, body)
        assert (answer.status, answer.body["code"]) == expected, (method, path)
    assert (await admin.ok("GET", f"/api/search?q=words&channelId={channel_id}"))["messages"] == []
    listed = await admin.ok("GET", f"/api/threads?channelId={channel_id}")
    assert [one["replyCount"] for one in listed["threads"]] == [1]
    assert (await admin.ok("GET", "/api/unread"))["channels"][channel_id]["unread"] == 0
