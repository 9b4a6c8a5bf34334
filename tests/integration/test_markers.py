"""Read markers over HTTP: what is unread, for whom, and that markers never move back."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def room(shared_hub: HubProcess, admin: Client) -> AsyncIterator[tuple[str, str, Client]]:
    """A channel, and an agent that came to it after something had been said."""
    channel_id = await admin.channel()
    await admin.say(channel_id, "before you came")
    agent_id, token = await admin.agent()
    async with shared_hub.client(token) as client:
        await client.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
        yield channel_id, agent_id, client


async def counts(client: Client, channel_id: str) -> tuple[int, int]:
    found = (await client.ok("GET", "/api/unread"))["channels"][channel_id]
    return found["unread"], found["mentions"]


async def test_what_others_say_is_unread_until_it_is_read(admin: Client, room: tuple[str, str, Client]) -> None:
    channel_id, agent_id, reader = room
    assert await counts(reader, channel_id) == (0, 0)
    said = [(await admin.say(channel_id, words))["message"] for words in ("a", f"b @{agent_id}", "c @all", "d")]
    await reader.say(channel_id, f"my own words, @{agent_id}")
    assert await counts(reader, channel_id) == (4, 2)
    marker = await reader.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": said[1]["id"]})
    assert marker == {"channelId": channel_id, "unread": 2, "mentions": 1, "readSeq": said[1]["seq"]}
    back = await reader.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": said[0]["id"]})
    assert back == marker
    await reader.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": said[3]["id"]})
    assert await counts(reader, channel_id) == (0, 0)


async def test_edits_and_deletions_are_followed(admin: Client, room: tuple[str, str, Client]) -> None:
    channel_id, agent_id, reader = room
    first, second = [(await admin.say(channel_id, f"hey @{agent_id}"))["message"] for _ in range(2)]
    await admin.ok("DELETE", f"/api/messages/{first['id']}")
    assert await counts(reader, channel_id) == (1, 1)
    await admin.ok("PATCH", f"/api/messages/{second['id']}", {"content": "nobody meant"})
    assert await counts(reader, channel_id) == (1, 0)
    await admin.ok("PATCH", f"/api/messages/{second['id']}", {"content": f"or @{agent_id} after all"})
    assert await counts(reader, channel_id) == (1, 1)


async def test_replies_are_not_unread_in_the_channel_but_calls_in_them_count(
    admin: Client, room: tuple[str, str, Client]
) -> None:
    channel_id, agent_id, reader = room
    parent = (await admin.say(channel_id, "topic"))["message"]
    thread = await admin.ok("POST", "/api/threads", {"channelId": channel_id, "parentMessageId": parent["id"]})
    await admin.say(channel_id, "aside", threadId=thread["id"])
    reply = (await admin.say(channel_id, f"@{agent_id}?", threadId=thread["id"]))["message"]
    assert await counts(reader, channel_id) == (1, 1)
    await reader.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": reply["id"]})
    assert await counts(reader, channel_id) == (0, 0)


async def test_an_archive_can_still_be_read_to_its_end(admin: Client, room: tuple[str, str, Client]) -> None:
    channel_id, _, reader = room
    last = (await admin.say(channel_id, "last words"))["message"]
    await admin.ok("POST", f"/api/channels/{channel_id}/archive")
    assert await counts(reader, channel_id) == (1, 0)
    await reader.ok("PUT", f"/api/channels/{channel_id}/read", {"messageId": last["id"]})
    assert await counts(reader, channel_id) == (0, 0)


async def test_who_leaves_has_no_marker_and_who_returns_begins_anew(
    admin: Client, room: tuple[str, str, Client]
) -> None:
    channel_id, agent_id, reader = room
    await admin.say(channel_id, "unread")
    await reader.ok("DELETE", f"/api/channels/{channel_id}/members/{agent_id}")
    assert channel_id not in (await reader.ok("GET", "/api/unread"))["channels"]
    await admin.say(channel_id, "while away")
    await reader.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}")
    assert await counts(reader, channel_id) == (0, 0)


async def test_a_wrong_marker_is_refused(admin: Client, room: tuple[str, str, Client], shared_hub: HubProcess) -> None:
    channel_id, _, reader = room
    elsewhere = (await admin.say(await admin.channel(), "elsewhere"))["message"]["id"]
    where = f"/api/channels/{channel_id}/read"
    for message_id in (elsewhere, str(uuid4()), "nonsense", 5, None):
        answer = await reader.call("PUT", where, {"messageId": message_id})
        assert (answer.status, answer.body["field"]) == (422, "messageId"), message_id
    hidden = await admin.channel(isPrivate=True)
    secret = (await admin.say(hidden, "secret"))["message"]["id"]
    assert (await reader.call("PUT", f"/api/channels/{hidden}/read", {"messageId": secret})).status == 404
    _, token = await admin.agent()
    async with shared_hub.client(token) as outsider:
        said = (await admin.say(channel_id, "public"))["message"]["id"]
        answer = await outsider.call("PUT", where, {"messageId": said})
        assert (answer.status, answer.body["code"]) == (403, "not_a_member")


async def test_replies_in_a_followed_thread_are_unread_until_they_are_read(
    admin: Client, room: tuple[str, str, Client]
) -> None:
    channel_id, _, reader = room
    parent = (await reader.say(channel_id, "why is it red?"))["message"]
    opening = {"channelId": channel_id, "parentMessageId": parent["id"]}
    thread_id = (await admin.ok("POST", "/api/threads", opening))["id"]
    first, second = [(await admin.say(channel_id, word, threadId=thread_id))["message"] for word in ("a", "b")]

    async def unread(client: Client) -> object:
        return (await client.ok("GET", "/api/unread"))["threads"].get(thread_id)

    place = {"threadId": thread_id, "channelId": channel_id, "parentMessageId": parent["id"]}
    assert await unread(reader) == {**place, "unread": 2, "readSeq": 0}
    assert await unread(admin) is None
    await reader.ok("PUT", f"/api/threads/{thread_id}/read", {"messageId": first["id"]})
    assert await unread(reader) == {**place, "unread": 1, "readSeq": first["seq"]}
    await reader.ok("PUT", f"/api/threads/{thread_id}/read", {"messageId": second["id"]})
    await reader.ok("PUT", f"/api/threads/{thread_id}/read", {"messageId": first["id"]})
    assert await unread(reader) is None
    await reader.say(channel_id, "I see", threadId=thread_id)
    await admin.say(channel_id, "good", threadId=thread_id)
    await reader.say(channel_id, "bye", threadId=thread_id)
    assert await unread(reader) is None
    elsewhere = await reader.call("PUT", f"/api/threads/{thread_id}/read", {"messageId": parent["id"]})
    assert (elsewhere.status, elsewhere.body["field"]) == (422, "messageId")
