"""The event stream: hello, order, resume, reset, who may see what, and how it ends."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub import Client, Frames, HubProcess, envelope, said

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


async def messages(frames: Frames, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        frame = await frames.next()
        if frame.event == "channel.message":
            found.append(said(frame))
    return found


async def test_hello_tells_where_the_stream_stands(admin: Client) -> None:
    async with admin.stream() as frames:
        hello = envelope(frames.hello)
        assert frames.hello.event == "hub.hello"
        assert frames.hello.id == f"{hello['epoch']}:{hello['seq']}"
        assert hello["retryMs"] == frames.hello.retry_ms
        assert hello["retryMs"] in range(1000, 5001)
        assert hello["agentId"] == "hubctl"
        assert {"streamId", "serverTime"} <= hello.keys()


async def test_headers_keep_proxies_from_holding_it_back(admin: Client) -> None:
    async with admin.stream() as frames:
        headers = frames.response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in headers


async def test_a_message_arrives_with_its_id_and_the_whole_wrapper(admin: Client) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}") as frames:
        posted = await admin.say(channel_id, "hello")
        frame = await frames.next()
    wrapper = envelope(frame)
    assert frame.event == wrapper["event"]["type"] == "channel.message"
    assert frame.id == f"{envelope(frames.hello)['epoch']}:{posted['seq']}"
    assert wrapper["seq"] == posted["seq"]
    assert wrapper["channelSeq"] == 2  # its maker's joining was the first
    assert wrapper["channelId"] == wrapper["event"]["channelId"] == channel_id
    assert wrapper["senderId"] == wrapper["event"]["message"]["senderId"] == "hubctl"
    assert wrapper["timestamp"] == wrapper["event"]["message"]["timestamp"]


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_resumed_stream_has_no_gap_and_no_repeat(admin: Client, by: str) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}") as frames:
        await admin.say(channel_id, "one")
        cursor = (await frames.next()).id
    for word in ("two", "three"):
        await admin.say(channel_id, word)
    query = f"?channels={channel_id}" + (f"&since={cursor}" if by == "query" else "")
    async with admin.stream(query, cursor if by == "header" else None) as frames:
        assert frames.hello.id == cursor
        await admin.say(channel_id, "four")
        assert await messages(frames, 3) == ["two", "three", "four"]


async def test_the_header_wins_over_the_query(admin: Client) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}") as frames:
        await admin.say(channel_id, "one")
        cursor = (await frames.next()).id
    async with admin.stream(f"?channels={channel_id}&since=0", cursor) as frames:
        await admin.say(channel_id, "two")
        assert await messages(frames, 1) == ["two"]


async def test_since_zero_begins_with_the_oldest(admin: Client) -> None:
    async with admin.stream("?since=0") as frames:
        first = await frames.next()
    assert envelope(first)["seq"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [(lambda epoch, _: f"{epoch}x:1", "epoch"), (lambda epoch, seq: f"{epoch}:{seq + 1_000_000}", "ahead")],
)
async def test_a_cursor_that_the_log_cannot_take_up_is_reset(admin: Client, change: object, reason: str) -> None:
    async with admin.stream() as frames:
        hello = envelope(frames.hello)
    assert callable(change)
    async with admin.stream("", change(hello["epoch"], hello["seq"])) as frames:
        reset = await frames.next()
        news = envelope(reset)
        assert (reset.event, news["reason"], news["epoch"]) == ("hub.reset", reason, hello["epoch"])
        assert reset.id == f"{news['epoch']}:{news['seq']}"
        assert news["oldest"] >= 1


@pytest.mark.parametrize(
    "cursor", ["x", "epoch:", ":3", "epoch:03", "epoch:-1", "epoch:1:2", "e" * 10_000, "epoch:" + "9" * 40]
)
async def test_a_malformed_cursor_is_400(admin: Client, cursor: str) -> None:
    for options in ({"headers": {"Last-Event-ID": cursor}}, {"params": {"since": cursor}}):
        answer = await admin.call("GET", "/api/events", **options)
        if answer.status != 400 or len(cursor) < 8000:  # a longer header is refused before there is a handler
            assert (answer.status, answer.body["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization"])
async def test_a_token_in_the_url_is_refused(admin: Client, name: str) -> None:
    answer = await admin.call("GET", "/api/events", params={name: "x"})
    assert (answer.status, answer.body["code"]) == (400, "token_in_url")


async def test_joining_begins_and_leaving_ends_a_channels_events_on_an_open_stream(
    admin: Client, shared_hub: HubProcess
) -> None:
    channel_id = await admin.channel()
    agent_id, token = await admin.agent()
    seat = f"/api/channels/{channel_id}/members/{agent_id}"
    async with shared_hub.client(token) as other, other.stream() as frames:
        await admin.say(channel_id, "before")
        await other.ok("PUT", seat, {"role": "member"})
        await admin.say(channel_id, "during")
        await other.ok("DELETE", seat)
        await admin.say(channel_id, "after")
        await admin.say(await admin.general(), "elsewhere")
        kinds = [await frames.next() for _ in range(4)]
    assert [frame.event for frame in kinds] == [
        "channel.member.join",
        "channel.message",
        "channel.member.leave",
        "channel.message",
    ]
    assert [said(frame) for frame in kinds if frame.event == "channel.message"] == ["during", "elsewhere"]


async def test_a_removed_member_resumes_to_its_own_leave_and_nothing_else(
    admin: Client, shared_hub: HubProcess
) -> None:
    channel_id = await admin.channel(isPrivate=True)
    agent_id, token = await admin.agent()
    seat = f"/api/channels/{channel_id}/members/{agent_id}"
    await admin.ok("PUT", seat, {"role": "member"})
    async with shared_hub.client(token) as other:
        async with other.stream() as frames:
            await admin.say(channel_id, "seen")
            await frames.next()
            cursor = frames.hello.id
        await admin.ok("DELETE", seat)
        await admin.say(channel_id, "secret")
        await admin.say(await admin.general(), "public")
        async with other.stream("", cursor) as frames:
            seen = await frames.until("channel.message")
    assert [frame.event for frame in seen] == ["channel.member.leave", "channel.message"]
    assert said(seen[-1]) == "public"


async def test_a_channel_made_private_is_silent_for_those_outside(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.channel()
    _, token = await admin.agent()
    async with shared_hub.client(token) as other, other.stream(f"?channels={channel_id}") as frames:
        await admin.say(channel_id, "public")
        assert await messages(frames, 1) == ["public"]
        await admin.ok("PATCH", f"/api/channels/{channel_id}", {"isPrivate": True})
        await admin.say(channel_id, "private")
        assert (await frames.next()).event == "channel.update"
        assert await frames.quiet()


async def test_types_narrow_a_stream(admin: Client) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}&types=channel.message.edit") as frames:
        message = (await admin.say(channel_id, "tpyo"))["message"]
        await admin.ok("PATCH", f"/api/messages/{message['id']}", {"content": "typo"})
        frame = await frames.next()
    assert frame.event == "channel.message.edit"
    assert envelope(frame)["event"]["content"] == "typo"


async def test_revoking_a_token_ends_its_streams(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    issued = await admin.ok("POST", "/api/tokens", {"agentId": agent_id})
    async with shared_hub.client(issued["token"]) as other:
        async with other.stream() as frames:
            await admin.ok("DELETE", f"/api/tokens/{issued['id']}")
            bye = (await frames.until("hub.bye"))[-1]
        assert envelope(bye) == {"code": "credential_revoked", "retry": False}
        assert (await other.call("GET", "/api/events")).status == 401


async def test_one_token_has_eight_streams_and_no_more(admin: Client, shared_hub: HubProcess) -> None:
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        streams = [other.stream() for _ in range(8)]
        for stream in streams:
            await stream.__aenter__()
        answer = await other.call("GET", "/api/events")
        for stream in streams:
            await stream.__aexit__(None, None, None)
    assert (answer.status, answer.body["code"]) == (429, "too_many_streams")
    assert int(answer.headers["Retry-After"]) == answer.body["retryAfter"] >= 1


async def test_http_1_0_gets_frames_without_chunks(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.channel()
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_hub.port)
    request = (
        f"GET /api/events?channels={channel_id} HTTP/1.0\r\nAuthorization: Bearer {shared_hub.admin_token}\r\n\r\n"
    )
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"chunked" not in head
    assert (await reader.readline()).startswith(b"retry: ")
    await admin.say(channel_id, "plain")
    await reader.readuntil(b"\n\n")
    frame = await reader.readuntil(b"\n\n")
    assert frame.startswith(b"id: ")
    assert b'"content":"plain"' in frame
    writer.close()
    await writer.wait_closed()


async def test_a_reader_that_stalls_is_cut_and_nobody_else_notices(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.channel()
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", shared_hub.port))
    request = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {shared_hub.admin_token}\r\n\r\n"
    stalled.sendall(request.encode())
    async with admin.stream(f"?channels={channel_id}") as frames:
        reading = asyncio.create_task(messages(frames, 40))
        for _ in range(40):
            await admin.say(channel_id, "x" * 60_000)
        assert len(await reading) == 40
        metrics = (await admin.call("GET", "/metrics")).body.decode()
    stalled.close()
    assert 'hub_sse_cuts_total{reason="slow"}' in metrics


async def test_a_fresh_stream_begins_after_what_its_client_was_answered(admin: Client) -> None:
    channel_id = await admin.channel()
    for number in range(20):
        posted = await admin.say(channel_id, str(number))
        async with admin.stream(f"?channels={channel_id}") as frames:
            assert envelope(frames.hello)["seq"] >= posted["seq"]
