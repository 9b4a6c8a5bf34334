"""Messages over HTTP: what is stored, what is refused, and how."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess, envelope

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


async def test_a_message_is_answered_with_its_place_in_the_log(admin: Client) -> None:
    channel_id = await admin.channel()
    said = await admin.say(channel_id, "first words")
    assert said["message"]["content"] == "first words"
    assert said["message"]["senderId"] == "hubctl"
    assert said["seq"] == said["message"]["seq"] > 0


async def test_the_same_id_twice_is_one_message(admin: Client) -> None:
    channel_id = await admin.channel()
    wanted = {"channelId": channel_id, "content": "once", "id": str(uuid4())}
    first = await admin.call("POST", "/api/messages", wanted)
    second = await admin.call("POST", "/api/messages", wanted)
    assert (first.status, second.status) == (201, 200)
    assert first.body == second.body
    page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
    assert [message["content"] for message in page["messages"]] == ["once"]


async def test_the_id_of_somebody_elses_message_is_refused(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.general()
    taken = (await admin.say(channel_id, "mine"))["message"]["id"]
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        answer = await other.call("POST", "/api/messages", {"channelId": channel_id, "content": "no", "id": taken})
    assert (answer.status, answer.body["code"], answer.body["field"]) == (409, "id_taken", "id")


async def test_history_pages_both_ways_and_says_when_there_is_more(admin: Client) -> None:
    channel_id = await admin.channel()
    ids = [(await admin.say(channel_id, f"word {n}"))["message"]["id"] for n in range(7)]
    where = f"/api/messages?channelId={channel_id}"
    newest = await admin.ok("GET", f"{where}&limit=3")
    assert ([m["id"] for m in newest["messages"]], newest["hasMore"]) == (ids[4:], True)
    before = await admin.ok("GET", f"{where}&limit=4&before={ids[4]}")
    assert ([m["id"] for m in before["messages"]], before["hasMore"]) == (ids[:4], False)
    after = await admin.ok("GET", f"{where}&limit=2&after={ids[1]}")
    assert ([m["id"] for m in after["messages"]], after["hasMore"]) == (ids[2:4], True)


async def test_an_edit_shows_and_is_marked(admin: Client) -> None:
    channel_id = await admin.channel()
    message = (await admin.say(channel_id, "tpyo"))["message"]
    edited = await admin.ok("PATCH", f"/api/messages/{message['id']}", {"content": "typo"})
    assert (edited["content"], edited["edited"]) == ("typo", True)
    assert await admin.ok("GET", f"/api/messages/{message['id']}") == edited


async def test_only_the_author_edits(admin: Client, shared_hub: HubProcess) -> None:
    message = (await admin.say(await admin.general(), "mine"))["message"]
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        answer = await other.call("PATCH", f"/api/messages/{message['id']}", {"content": "yours"})
    assert (answer.status, answer.body["code"]) == (403, "not_author")


async def test_a_deleted_message_leaves_a_tombstone_without_words(admin: Client) -> None:
    channel_id = await admin.channel()
    message = (await admin.say(channel_id, "regretted"))["message"]
    assert (await admin.call("DELETE", f"/api/messages/{message['id']}")).status == 204
    tombstone = await admin.ok("GET", f"/api/messages/{message['id']}")
    assert (tombstone["content"], tombstone["deleted"]) == ("", True)
    answer = await admin.call("PATCH", f"/api/messages/{message['id']}", {"content": "back"})
    assert (answer.status, answer.body["code"]) == (409, "message_deleted")


async def test_a_mention_is_resolved_once_and_stored(admin: Client) -> None:
    agent_id, _ = await admin.agent()
    channel_id = await admin.general()
    words = f"@{agent_id.upper()}. and `@hubctl` in code, mail@hubctl is none"
    said = await admin.say(channel_id, words)
    assert said["message"]["mentions"] == [agent_id]


BAD_BODIES = [
    ({"content": "x"}, 422, "invalid_field", "channelId"),
    ({"channelId": 7, "content": "x"}, 422, "invalid_field", "channelId"),
    ({"channelId": "nope", "content": "x"}, 422, "invalid_field", "channelId"),
    ({"channelId": "CHANNEL"}, 422, "invalid_field", "content"),
    ({"channelId": "CHANNEL", "content": ""}, 422, "invalid_field", "content"),
    ({"channelId": "CHANNEL", "content": " \n "}, 422, "invalid_field", "content"),
    ({"channelId": "CHANNEL", "content": "a\0b"}, 422, "invalid_field", "content"),
    ({"channelId": "CHANNEL", "content": "x", "id": "7"}, 422, "invalid_field", "id"),
    ({"channelId": "CHANNEL", "content": "x", "senderId": "me"}, 422, "unknown_field", "senderId"),
    ({"channelId": "CHANNEL", "content": "é" * 32_769}, 413, "content_too_large", "content"),
    ({"channelId": str(uuid4()), "content": "x"}, 404, "channel_not_found", None),
]


@pytest.mark.parametrize(("body", "status", "code", "field"), BAD_BODIES)
async def test_a_bad_post_is_refused_by_name_and_stores_nothing(
    admin: Client, body: dict[str, object], status: int, code: str, field: str | None
) -> None:
    channel_id = await admin.channel()
    wanted = {key: channel_id if value == "CHANNEL" else value for key, value in body.items()}
    answer = await admin.call("POST", "/api/messages", wanted)
    assert (answer.status, answer.body["code"], answer.body.get("field")) == (status, code, field)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"] == []


BAD_BYTES = [
    (b"{", "application/json", 400, "not_json"),
    (b'{"content": "\xff"}', "application/json", 400, "not_utf8"),
    (b"[" * 10_000, "application/json", 400, "too_deep"),
    (b"x" * 300_000, "application/json", 413, "body_too_large"),
    (b"content=x", "application/x-www-form-urlencoded", 415, "wrong_content_type"),
]


@pytest.mark.parametrize(("data", "content_type", "status", "code"), BAD_BYTES)
async def test_a_body_that_is_no_json_is_refused(
    admin: Client, data: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await admin.call("POST", "/api/messages", data=data, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["code"]) == (status, code)


async def test_without_a_token_nobody_posts(shared_hub: HubProcess) -> None:
    async with shared_hub.client("") as nobody:
        answer = await nobody.call("POST", "/api/messages", {"channelId": str(uuid4()), "content": "x"})
    assert (answer.status, answer.body["code"]) == (401, "token_required")


async def test_a_wrong_token_is_told_so(shared_hub: HubProcess) -> None:
    async with shared_hub.client("hub_wrong") as nobody:
        answer = await nobody.call("GET", "/api/me")
    assert (answer.status, answer.body["code"]) == (401, "bad_token")


async def test_who_is_not_a_member_reads_a_public_channel_but_does_not_post(
    admin: Client, shared_hub: HubProcess
) -> None:
    channel_id = await admin.channel()
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        assert (await other.call("GET", f"/api/messages?channelId={channel_id}")).status == 200
        answer = await other.call("POST", "/api/messages", {"channelId": channel_id, "content": "x"})
    assert (answer.status, answer.body["code"]) == (403, "not_a_member")


async def test_a_private_channel_does_not_exist_for_others(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.channel(isPrivate=True)
    message = (await admin.say(channel_id, "between us"))["message"]
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        for path in (f"/api/channels/{channel_id}", f"/api/messages?channelId={channel_id}"):
            assert (await other.call("GET", path)).body["code"] == "channel_not_found"
        assert (await other.call("GET", f"/api/messages/{message['id']}")).body["code"] == "message_not_found"
        listed = (await other.ok("GET", "/api/channels"))["channels"]
    assert channel_id not in [channel["id"] for channel in listed]


async def test_an_archived_channel_refuses_words_and_keeps_its_history(admin: Client) -> None:
    channel_id = await admin.channel()
    await admin.say(channel_id, "before")
    assert (await admin.ok("POST", f"/api/channels/{channel_id}/archive"))["archivedBy"] == "hubctl"
    answer = await admin.call("POST", "/api/messages", {"channelId": channel_id, "content": "after"})
    assert (answer.status, answer.body["code"]) == (409, "channel_archived")
    page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
    assert [message["content"] for message in page["messages"]] == ["before"]


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing"])
async def test_an_unknown_url_is_a_problem_too(admin: Client, path: str) -> None:
    answer = await admin.call("GET", path)
    assert (answer.status, answer.body["code"]) == (404, "not_found")


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(admin: Client) -> None:
    answer = await admin.call("PUT", "/api/messages")
    assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?limit=x", "?colour=red"])
async def test_a_bad_query_is_refused(admin: Client, query: str) -> None:
    channel_id = await admin.general()
    answer = await admin.call("GET", f"/api/messages{query}&channelId={channel_id}")
    assert answer.status == 422


async def test_a_bridge_speaks_for_others_and_nobody_else_does(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.general()
    _, bridge_token = await admin.agent(kind="bridge")
    _, agent_token = await admin.agent()
    wanted = {"channelId": channel_id, "content": "from afar", "senderId": "external:telegram:-100123"}
    async with shared_hub.client(bridge_token) as bridge, shared_hub.client(agent_token) as agent:
        async with agent.stream("?types=channel.message,channel.message.edit") as frames:
            message = (await bridge.ok("POST", "/api/messages", wanted))["message"]
            told = envelope(await frames.next())
            await bridge.ok("PATCH", f"/api/messages/{message['id']}", {"content": "corrected"})
            edited = envelope(await frames.next())
        assert message["senderId"] == told["senderId"] == edited["senderId"] == "external:telegram:-100123"
        assert told["event"]["message"]["senderId"] == "external:telegram:-100123"
        assert (await agent.call("PATCH", f"/api/messages/{message['id']}", {"content": "x"})).status == 403
        for sender_id in (
            "maya",
            "external:",
            "external:telegram:",
            "external:t:a b",
            "external:t:" + "x" * 63,
            "external::1",
        ):
            answer = await bridge.call("POST", "/api/messages", {**wanted, "senderId": sender_id})
            assert (answer.status, answer.body["field"]) == (422, "senderId"), sender_id
        answer = await agent.call("POST", "/api/messages", wanted)
        assert (answer.status, answer.body["code"], answer.body["field"]) == (422, "unknown_field", "senderId")
        assert (await bridge.call("DELETE", f"/api/messages/{message['id']}")).status == 204
