"""A message is stored and answered alike whether it comes at once, the short way, or in two pieces, the long way."""

import asyncio
import re
from uuid import uuid4

import pytest

from tests.hub import HubProcess, Json
from tests.wire import Wire, wire

VARYING = re.compile(rb'Date: [^\r]+|"(id|timestamp|seq|requestId)":("[^"]*"|\d+)')


def post(token: str, body: bytes, host: str = "localhost") -> bytes:
    fields = f"Host: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    return f"POST /api/messages HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def hears(line: Wire) -> bytes:
    """A whole answer."""
    head = await line.hears_head()
    return head + await line.hears_bytes(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))


async def answered(hub: HubProcess, request: bytes, pieces: int) -> bytes:
    """The answer to a request that comes in so many pieces, without what differs from one message to the next."""
    async with wire(hub) as line:
        await asyncio.sleep(0.05)
        step = -(-len(request) // pieces)
        for start in range(0, len(request), step):
            await line.sends(request[start : start + step])
            await asyncio.sleep(0.05)
        return VARYING.sub(b"", await hears(line))


def saying(channel_id: str, **more: object) -> bytes:
    fields: Json = {"channelId": channel_id, "content": "hello", **more}
    return repr(fields).replace("'", '"').encode()


async def alike(hub: HubProcess, request: bytes, status: int) -> bytes:
    """The answer, which is the same either way."""
    short, long = await answered(hub, request, 1), await answered(hub, request, 2)
    assert short == long
    assert short.startswith(b"HTTP/1.1 %d " % status)
    return short


async def test_a_message_is_stored_alike_either_way(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.channel()
        answer = await alike(shared_hub, post(shared_hub.admin_token, saying(channel_id)), 201)
        assert b'"content":"hello"' in answer
        assert len((await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"]) == 2


async def test_the_same_id_is_one_message_either_way(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.channel()
        body = saying(channel_id, id=str(uuid4()))
        await answered(shared_hub, post(shared_hub.admin_token, body), 1)
        await alike(shared_hub, post(shared_hub.admin_token, body), 200)
        assert len((await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"]) == 1


async def test_an_id_that_is_taken_is_refused_alike_once_the_database_has_said_so(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        taken = (await admin.say(await admin.general(), "mine"))["message"]["id"]
        body = saying(await admin.channel(), id=taken)
        answer = await alike(shared_hub, post(shared_hub.admin_token, body), 409)
    assert b"application/problem+json" in answer
    assert b'"code":"id_taken"' in answer


@pytest.mark.parametrize(
    ("status", "code", "more"),
    [
        (422, "invalid_field", {"content": ""}),
        (422, "unknown_field", {"colour": "red"}),
        (422, "invalid_field", {"channelId": "general"}),
        (404, "channel_not_found", {"channelId": str(uuid4())}),
        (422, "invalid_field", {"threadId": str(uuid4())}),
    ],
)
async def test_what_may_not_be_said_is_refused_alike(
    shared_hub: HubProcess, status: int, code: str, more: Json
) -> None:
    async with shared_hub.client() as admin:
        body = saying(await admin.general(), **more)
    answer = await alike(shared_hub, post(shared_hub.admin_token, body), status)
    assert f'"code":"{code}"'.encode() in answer


async def test_who_may_not_come_is_refused_alike(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.general()
        agent_id, _ = await admin.agent()
        wanted = {"agentId": agent_id, "scopes": ["read"]}
        reading = (await admin.ok("POST", "/api/tokens", wanted))["token"]
    body = saying(channel_id)
    await alike(shared_hub, post("hub_wrong", body), 401)
    await alike(shared_hub, post(reading, body), 403)
    await alike(shared_hub, post(shared_hub.admin_token, body, host="evil.example"), 421)
    await alike(shared_hub, post(shared_hub.admin_token, b"{"), 400)


async def test_a_limit_is_one_limit_either_way(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.general()
        _, token = await admin.agent(limits={"message": 6})
    request = post(token, saying(channel_id))
    for n in range(6):
        assert (await answered(shared_hub, request, 1 + n % 2)).startswith(b"HTTP/1.1 201 ")
    await alike(shared_hub, request, 429)


async def test_a_connection_carries_messages_in_their_order(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin, wire(shared_hub) as line:
        channel_id = await admin.channel()
        requests = [post(shared_hub.admin_token, saying(channel_id, content=f"word {n}")) for n in range(20)]
        await line.sends(requests[0])
        await line.sends(b"".join(requests[1:]))
        answers = [await hears(line) for _ in requests]
        found = (await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"]
    assert [f'"word {n}"'.encode() in answer for n, answer in enumerate(answers)] == [True] * 20
    assert [one["content"] for one in found] == [f"word {n}" for n in range(20)]
