"""Several hubs on one PostgreSQL and one Redis: one order, one directory, one truth, whichever of them is asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
import redis.asyncio

from tests.hub import Client, Frames, HubProcess, envelope, said
from tests.oracle import Company, Reader, Writer, cancelled
from tests.pair import Pair, two_hubs
from tests.servers import Postgres, redis_server


class Two(NamedTuple):
    """Two hubs, and the operator at each of them, by one token."""

    one: HubProcess
    other: HubProcess
    here: Client
    there: Client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> AsyncIterator[Pair]:
    """Two hubs for all tests that neither stop one nor mind what others say."""
    with redis_server() as redis_url, postgres.database() as database_url:
        async with two_hubs(tmp_path_factory.mktemp("two"), database_url, redis_url) as hubs:
            await hubs[0].welcomed()  # what it prints is read in this loop, which rests while a test runs
            yield hubs


@pytest.fixture
async def two(pair: Pair) -> AsyncIterator[Two]:
    one, other = pair
    async with one.client() as here, other.client(one.admin_token) as there:
        yield Two(one, other, here, there)


async def test_what_is_said_at_either_hub_is_heard_at_both_in_one_order(two: Two) -> None:
    general = await two.here.general()
    assert await two.there.general() == general
    async with two.here.stream() as left, two.there.stream() as right:
        assert left.hello.id is not None
        assert right.hello.id is not None
        assert left.hello.id.partition(":")[0] == right.hello.id.partition(":")[0]

        async def talk(client: Client, name: str) -> None:
            for number in range(50):
                await client.say(general, f"{name} {number}")

        await asyncio.gather(talk(two.here, "one"), talk(two.there, "other"))
        heard = [[await frames.next() for _ in range(100)] for frames in (left, right)]
    assert heard[0] == heard[1]
    numbers = [envelope(frame)["channelSeq"] for frame in heard[0]]
    assert numbers == list(range(numbers[0], numbers[0] + 100))
    for name in ("one", "other"):
        words = [said(frame) for frame in heard[0]]
        assert [word for word in words if word.startswith(f"{name} ")] == [f"{name} {number}" for number in range(50)]


async def test_a_retry_at_the_other_hub_is_the_same_message(two: Two) -> None:
    general = await two.here.general()
    body = {"channelId": general, "content": "once", "id": str(uuid4())}
    first = await two.here.call("POST", "/api/messages", body)
    again = await two.there.call("POST", "/api/messages", body)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body


async def test_both_hubs_asked_at_once_with_one_id_store_one_message(two: Two) -> None:
    general = await two.here.general()
    for _ in range(10):
        body = {"channelId": general, "content": "once", "id": str(uuid4())}
        answers = await asyncio.gather(
            two.here.call("POST", "/api/messages", body), two.there.call("POST", "/api/messages", body)
        )
        assert sorted(answer.status for answer in answers) == [200, 201]
        assert answers[0].body == answers[1].body


async def test_accounts_tokens_and_channels_made_at_one_hub_hold_at_once_at_the_other(two: Two) -> None:
    for _ in range(5):
        agent_id, token = await two.here.agent()
        async with two.other.client(token) as agent:
            assert (await agent.ok("GET", "/api/me"))["id"] == agent_id
            channel_id = await agent.channel(topic="made there")
        await two.here.say(await two.here.general(), "in between")
        assert (await two.here.ok("GET", f"/api/channels/{channel_id}"))["topic"] == "made there"


async def test_what_two_hubs_are_asked_at_once_is_decided_one_after_the_other(two: Two) -> None:
    for number in range(10):
        body = {"name": f"wanted-{number}"}
        answers = await asyncio.gather(
            two.here.call("POST", "/api/channels", body), two.there.call("POST", "/api/channels", body)
        )
        assert sorted(answer.status for answer in answers) == [201, 409]


async def test_one_of_two_owners_stays_though_both_leave_at_once(two: Two) -> None:
    (anna, anna_token), (bert, bert_token) = await two.here.agent(), await two.here.agent()
    async with two.one.client(anna_token) as first, two.other.client(bert_token) as second:
        for _ in range(5):
            room = await first.channel()
            await first.ok("PUT", f"/api/channels/{room}/members/{bert}", {"role": "owner"})
            answers = await asyncio.gather(
                first.call("DELETE", f"/api/channels/{room}/members/{anna}"),
                second.call("DELETE", f"/api/channels/{room}/members/{bert}"),
            )
            assert sorted(answer.status for answer in answers) == [204, 409]


async def test_a_revoked_token_ends_its_streams_at_the_other_hub_within_a_second(two: Two) -> None:
    agent_id, token = await two.here.agent()
    async with two.other.client(token) as agent, agent.stream() as frames:
        tokens = (await two.here.ok("GET", "/api/tokens"))["tokens"]
        own = next(found["id"] for found in tokens if found["agentId"] == agent_id)
        await two.here.ok("DELETE", f"/api/tokens/{own}")
        async with asyncio.timeout(1):
            bye = (await frames.until("hub.bye"))[-1]
        assert bye.data == '{"code":"credential_revoked","retry":false}'
        assert (await agent.call("GET", "/api/me")).status == 401


async def test_a_removed_member_gets_nothing_more_at_the_other_hub(two: Two) -> None:
    agent_id, token = await two.here.agent()
    room = await two.here.channel(isPrivate=True)
    await two.here.ok("PUT", f"/api/channels/{room}/members/{agent_id}", {"role": "member"})
    async with two.other.client(token) as agent, agent.stream() as frames:
        await two.here.say(room, "for members")
        assert said((await frames.until("channel.message"))[-1]) == "for members"
        await two.here.ok("DELETE", f"/api/channels/{room}/members/{agent_id}")
        await two.here.say(room, "not for everybody")
        assert (await frames.next()).event == "channel.member.leave"
        assert await frames.quiet()
        answer = await agent.call("POST", "/api/messages", {"channelId": room, "content": "I am still here"})
        assert answer.status == 404


async def test_live_events_of_one_hub_are_no_foreign_ones_at_the_other(two: Two) -> None:
    general = await two.here.general()
    agent_id, token = await two.here.agent()
    async with two.here.stream() as near, two.there.stream() as far, two.one.client(token) as agent:
        await agent.ok("PUT", f"/api/channels/{general}/typing", {"started": True})
        await agent.ok("PUT", f"/api/channels/{general}/presence", {"status": "dnd"})
        for frames in (near, far):
            heard = [envelope(frame) for frame in await frames.until("channel.presence")]
            kinds = ["channel.typing", "channel.presence"]
            live = [wrapper for wrapper in heard if wrapper["event"]["type"] in kinds]
            assert [wrapper["event"]["type"] for wrapper in live] == kinds
            assert all(wrapper["senderId"] == agent_id and "foreign" not in wrapper for wrapper in live)
        assert await far.quiet()  # and once
    assert (await two.there.ok("GET", f"/api/channels/{general}/typing"))["typing"] == [agent_id]
    found = (await two.there.ok("GET", f"/api/channels/{general}/presence"))["presence"]
    assert [own["status"] for own in found if own["agentId"] == agent_id] == ["dnd"]


async def test_the_newest_presence_counts_whichever_hub_was_told(two: Two) -> None:
    general = await two.here.general()
    agent_id, token = await two.here.agent()
    async with two.one.client(token) as here, two.other.client(token) as there, two.here.stream() as frames:
        for client, status in ((here, "online"), (there, "away"), (here, "dnd")):
            await client.ok("PUT", f"/api/channels/{general}/presence", {"status": status})
            told = envelope((await frames.until("channel.presence"))[-1])["event"]["presence"]
            assert (told["agentId"], told["status"]) == (agent_id, status)
            for asked in (two.here, two.there):
                found = (await asked.ok("GET", f"/api/channels/{general}/presence"))["presence"]
                assert [own["status"] for own in found if own["agentId"] == agent_id] == [status]


async def test_nobody_else_speaks_as_a_hub(two: Two) -> None:
    general = await two.here.general()
    _, token = await two.here.agent()
    redis_url = two.one.settings["HUB_REDIS_URL"]
    async with redis.asyncio.Redis.from_url(redis_url) as outsider, outsider.pubsub() as listening:
        await listening.subscribe("hub:letters")
        await listening.get_message(timeout=5)
        async with two.one.client(token) as agent, two.there.stream() as frames:
            await agent.ok("PUT", f"/api/channels/{general}/typing", {"started": True})
            await frames.until("channel.typing")
            letters = [m["data"] for _ in range(5) if (m := await listening.get_message(timeout=0.5)) is not None]
            typed = next(letter for letter in letters if b"channel.typing" in letter)
            forged = (typed, typed[:32] + typed[32:].replace(b"true", b"false"), b"", b"x" * 100, typed[32:])
            for letter in forged:
                await outsider.publish("hub:letters", letter)
            ahead = b'{"seq":999999999,"event":{"type":"system.announcement","data":{}},"timestamp":1}'
            await outsider.publish("pubsub:global", ahead)
            assert await frames.quiet(1.0)
    metrics = (await two.there.call("GET", "/metrics")).body.decode()
    assert f'hub_foreign_events_total{{result="forged_letter"}} {len(forged)}.0' in metrics, [
        line for line in metrics.splitlines() if "foreign_events" in line
    ]


async def test_an_agent_that_goes_from_hub_to_hub_neither_leaves_nor_joins(two: Two) -> None:
    agent_id, token = await two.here.agent()

    async def told(frames: Frames, end: str) -> list[str | None]:
        """What is said of the agent until `end` is said of it, or to all."""
        seen: list[str | None] = []
        while end not in seen:
            frame = await frames.next(30)
            if agent_id in str(frame.data) or frame.event == "channel.message" == end:
                seen.append(frame.event)
        return seen

    async with two.there.stream() as watching, two.one.client(token) as near, two.other.client(token) as far:
        watching.passing = frozenset()
        async with near.stream():
            assert await told(watching, "agent.joined") == ["agent.joined"]
            await asyncio.sleep(2)  # the other hub hears who is here
            async with far.stream():
                await asyncio.sleep(2)
        async with far.stream():
            await asyncio.sleep(12)
            await two.here.say(await two.here.general(), "later")
            assert await told(watching, "channel.message") == ["channel.message"]
        assert await told(watching, "agent.left") == ["agent.left"]


async def test_conversation_is_one_on_both_hubs(two: Two) -> None:
    general = await two.here.general()
    message = (await two.here.say(general, "tpyo"))["message"]
    async with two.here.stream() as frames:
        await two.there.ok("PATCH", f"/api/messages/{message['id']}", {"content": "typo"})
        assert envelope((await frames.until("channel.message.edit"))[-1])["event"]["content"] == "typo"
        thread = await two.there.ok("POST", "/api/threads", {"channelId": general, "parentMessageId": message["id"]})
        await two.here.say(general, "a reply", threadId=thread["id"])
        await two.there.ok("PUT", f"/api/messages/{message['id']}/reactions/👍")
        await two.here.ok("PUT", f"/api/messages/{message['id']}/reactions/👍")
        await frames.until("channel.reaction.add")
    for client in (two.here, two.there):
        seen = (await client.ok("GET", f"/api/messages?channelId={general}"))["messages"][-1]
        assert (seen["content"], seen["thread"]["replyCount"], seen["reactions"]) == ("typo", 1, {"👍": 1})
    _, token = await two.here.agent()
    async with two.one.client(token) as here, two.other.client(token) as there:
        newest = await two.here.say(general, "to be read")
        assert (await there.ok("GET", "/api/unread"))["channels"][general]["unread"] == 1
        await here.ok("PUT", f"/api/channels/{general}/read", {"messageId": newest["message"]["id"]})
        assert (await there.ok("GET", "/api/unread"))["channels"][general]["unread"] == 0


async def test_limits_count_for_both_hubs_together(two: Two) -> None:
    general = await two.here.general()
    _, token = await two.here.agent(limits={"message": 4})
    async with two.one.client(token) as here, two.other.client(token) as there:
        body = {"channelId": general, "content": "x"}
        answers = [await client.call("POST", "/api/messages", body) for client in (here, there) * 3]
    assert [answer.status for answer in answers] == [201] * 4 + [429] * 2


async def test_a_session_holds_at_both_hubs_and_ends_at_both(two: Two) -> None:
    arrival = {"code": two.one.welcome_code, "id": "mona", "displayName": "Mona", "password": "a long enough one"}
    async with aiohttp.ClientSession() as browser:
        async with browser.post(f"{two.other.url}/api/welcome", json=arrival) as answer:
            assert answer.status in (200, 201), await answer.text()
            cookie = answer.cookies
        async with browser.get(f"{two.one.url}/", cookies=cookie) as page:
            assert '"signedIn":true' in await page.text()
        async with browser.post(f"{two.one.url}/api/logout", cookies=cookie) as answer:
            assert answer.status == 204
        async with browser.get(f"{two.other.url}/api/me", cookies=cookie) as answer:
            assert answer.status == 401


async def test_a_stream_resumes_at_the_other_hub(two: Two) -> None:
    general = await two.here.general()
    for number in range(10):
        client, other = (two.here, two.there) if number % 2 else (two.there, two.here)
        async with client.stream() as frames:
            await other.say(general, f"first {number}")
            cursor = (await frames.until("channel.message"))[-1].id
        await client.say(general, f"second {number}")
        async with other.stream(cursor=cursor) as frames:
            assert said((await frames.until("channel.message"))[-1]) == f"second {number}"


async def test_a_hub_that_is_killed_while_it_stores_loses_nothing(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    async with two_hubs(tmp_path, postgres_url, redis_url) as both:
        await killed_in_turn(*both)


async def killed_in_turn(one: HubProcess, other: HubProcess) -> None:
    """Writers and readers at both; each hub is killed once while the other goes on."""
    async with one.client() as admin:
        general = await admin.general()
        tokens = [(await admin.agent())[1] for _ in range(4)]
    hubs = (one, other) * 2
    writers = [Writer(hub, token, general) for hub, token in zip(hubs, tokens, strict=True)]
    readers = [Reader(hub, token) for hub, token in zip(hubs, tokens, strict=True)]
    company = Company(writers, readers, general)
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    for reader in readers:
        await reader.joined.wait()
    writing = [asyncio.create_task(writer.run(0.01)) for writer in writers]
    try:
        for hub in (one, other):
            await company.progress(50)
            await hub.kill()
            others = [writer for writer, at in zip(writers, hubs, strict=True) if at is not hub]
            await Company(others, [], general).progress(20)
            await hub.start()
        await company.progress(50)
        await cancelled(writing)
        assert await company.verdict() == []
    finally:
        await cancelled([*reading, *writing])
