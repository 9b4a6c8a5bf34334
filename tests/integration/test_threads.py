"""Threads over HTTP: where replies are, how they are counted, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess, Json, envelope

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


async def opened(client: Client, channel_id: str, **more: object) -> tuple[Json, Json]:
    """A message, and a thread under it."""
    parent = (await client.say(channel_id, "what do you think?"))["message"]
    wanted = {"channelId": channel_id, "parentMessageId": parent["id"], **more}
    return parent, await client.ok("POST", "/api/threads", wanted)


async def test_a_thread_is_told_and_its_replies_are_not_in_the_channel(admin: Client) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}") as frames:
        parent, thread = await opened(admin, channel_id, title="opinions")
        reply = (await admin.say(channel_id, "a lot", threadId=thread["id"]))["message"]
        await frames.until("channel.message")
        created, told = [envelope(await frames.next())["event"] for _ in range(2)]
    assert created["type"] == "thread.create"
    assert created["thread"] == {
        "id": thread["id"],
        "parentMessageId": parent["id"],
        "createdBy": "hubctl",
        "createdAt": thread["createdAt"],
        "replyCount": 0,
        "title": "opinions",
    }
    assert (told["type"], told["threadId"], told["message"]["id"]) == ("thread.message", thread["id"], reply["id"])
    assert told["message"]["threadId"] == reply["threadId"] == thread["id"]
    page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
    assert [message["id"] for message in page["messages"]] == [parent["id"]]
    assert page["messages"][0]["thread"] == {
        "id": thread["id"],
        "replyCount": 1,
        "lastReplyAt": reply["timestamp"],
    }
    for where in (f"channelId={channel_id}&threadId={thread['id']}", f"threadId={thread['id']}"):
        replies = await admin.ok("GET", f"/api/messages?{where}")
        assert [message["id"] for message in replies["messages"]] == [reply["id"]]


async def test_replies_are_counted_at_once_and_deleted_ones_are_not(admin: Client) -> None:
    channel_id = await admin.channel()
    _, thread = await opened(admin, channel_id)
    said = await asyncio.gather(*(admin.say(channel_id, f"reply {n}", threadId=thread["id"]) for n in range(20)))
    where = f"/api/threads/{thread['id']}"
    assert (await admin.ok("GET", where))["replyCount"] == 20
    await asyncio.gather(*(admin.ok("DELETE", f"/api/messages/{s['message']['id']}") for s in said[:5]))
    assert (await admin.ok("GET", where))["replyCount"] == 15
    again = {"channelId": channel_id, "content": "reply 9", "id": said[9]["message"]["id"], "threadId": thread["id"]}
    assert (await admin.call("POST", "/api/messages", again)).status == 200
    assert (await admin.ok("GET", where))["replyCount"] == 15


async def test_a_message_has_one_thread(admin: Client) -> None:
    channel_id = await admin.channel()
    parent = (await admin.say(channel_id, "everybody at once"))["message"]
    wanted = {"channelId": channel_id, "parentMessageId": parent["id"]}
    answers = await asyncio.gather(*(admin.call("POST", "/api/threads", wanted) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.body["id"] for answer in answers}) == 1


async def test_a_thread_is_resolved_and_renamed_and_told_with_its_count(admin: Client) -> None:
    channel_id = await admin.channel()
    _, thread = await opened(admin, channel_id)
    await admin.say(channel_id, "done", threadId=thread["id"])
    where = f"/api/threads/{thread['id']}"
    async with admin.stream(f"?channels={channel_id}&types=thread.update") as frames:
        changed = await admin.ok("PATCH", where, {"title": "Settled", "resolved": True})
        event = envelope(await frames.next())["event"]
        await admin.ok("PATCH", where, {"resolved": True})
        assert await frames.quiet()
        reopened = await admin.ok("PATCH", where, {"resolved": False})
        assert envelope(await frames.next())["event"]["thread"]["resolved"] is False
    assert (changed["title"], changed["resolved"], changed["replyCount"]) == ("Settled", True, 1)
    assert (event["thread"]["title"], event["thread"]["resolved"], event["thread"]["replyCount"]) == (
        "Settled",
        True,
        1,
    )
    assert reopened["resolved"] is False


async def test_threads_of_a_channel_are_listed_newest_first(admin: Client) -> None:
    channel_id = await admin.channel()
    ids = [(await opened(admin, channel_id))[1]["id"] for _ in range(3)]
    listed = await admin.ok("GET", f"/api/threads?channelId={channel_id}&limit=2")
    assert ([thread["id"] for thread in listed["threads"]], listed["hasMore"]) == (ids[:0:-1], True)
    rest = await admin.ok("GET", f"/api/threads?channelId={channel_id}&before={ids[1]}")
    assert ([thread["id"] for thread in rest["threads"]], rest["hasMore"]) == (ids[:1], False)


async def test_a_thread_where_none_can_be_is_refused(admin: Client) -> None:
    channel_id, elsewhere = await admin.channel(), await admin.channel()
    parent, thread = await opened(admin, channel_id)
    reply = (await admin.say(channel_id, "a reply", threadId=thread["id"]))["message"]
    gone = (await admin.say(channel_id, "gone"))["message"]
    await admin.ok("DELETE", f"/api/messages/{gone['id']}")

    async def refusal(channel: str, parent_id: object, **more: object) -> tuple[int, str | None]:
        wanted = {"channelId": channel, "parentMessageId": parent_id, **more}
        answer = await admin.call("POST", "/api/threads", wanted)
        return answer.status, answer.body.get("field")

    assert await refusal(channel_id, reply["id"]) == (422, "parentMessageId")
    assert await refusal(channel_id, gone["id"]) == (409, "parentMessageId")
    assert await refusal(channel_id, str(uuid4())) == (422, "parentMessageId")
    assert await refusal(elsewhere, parent["id"]) == (422, "parentMessageId")
    assert await refusal(channel_id, "nonsense") == (422, "parentMessageId")
    assert await refusal(channel_id, 7) == (422, "parentMessageId")
    assert await refusal(channel_id, parent["id"], title="") == (422, "title")
    assert await refusal(channel_id, parent["id"], createdBy="me") == (422, "createdBy")


async def test_a_reply_to_a_thread_of_another_channel_is_refused(admin: Client) -> None:
    channel_id, elsewhere = await admin.channel(), await admin.channel()
    _, thread = await opened(admin, channel_id)
    for thread_id in (thread["id"], str(uuid4()), "nonsense"):
        wanted = {"channelId": elsewhere, "content": "lost", "threadId": thread_id}
        answer = await admin.call("POST", "/api/messages", wanted)
        assert (answer.status, answer.body["field"]) == (422, "threadId")
    answer = await admin.call("GET", f"/api/messages?channelId={elsewhere}&threadId={thread['id']}")
    assert (answer.status, answer.body["field"]) == (422, "threadId")
    assert (await admin.call("GET", "/api/messages")).body["field"] == "channelId"


async def test_threads_of_a_private_channel_are_hidden(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.channel(isPrivate=True)
    _, thread = await opened(admin, channel_id)
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        for method, path, body in (
            ("GET", f"/api/threads/{thread['id']}", None),
            ("PATCH", f"/api/threads/{thread['id']}", {"resolved": True}),
            ("GET", f"/api/threads?channelId={channel_id}", None),
            ("GET", f"/api/messages?threadId={thread['id']}", None),
        ):
            assert (await other.call(method, path, body)).status == 404, path
        answer = await other.call("POST", "/api/messages", {"channelId": channel_id, "content": "x"})
        assert answer.status == 404


async def test_only_members_write_and_only_the_opener_or_a_moderator_renames(
    admin: Client, shared_hub: HubProcess
) -> None:
    channel_id = await admin.channel()
    _, thread = await opened(admin, channel_id)
    agent_id, token = await admin.agent()
    where = f"/api/threads/{thread['id']}"
    async with shared_hub.client(token) as other:
        assert (await other.call("PATCH", where, {"resolved": True})).body["code"] == "not_a_member"
        await other.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
        assert (await other.ok("PATCH", where, {"resolved": True}))["resolved"] is True
        assert (await other.call("PATCH", where, {"title": "mine"})).body["code"] == "role_required"
    await admin.ok("POST", f"/api/channels/{channel_id}/archive")
    assert (await admin.call("PATCH", where, {"resolved": False})).body["code"] == "channel_archived"
