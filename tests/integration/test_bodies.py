"""`?bodies=`: words of the channel that one looks at, numbers of the others."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub import Client, Frames, HubProcess, Json, envelope, said

pytestmark = pytest.mark.asyncio(loop_scope="session")

Pair = tuple[Client, str, Client]


@pytest_asyncio.fixture(loop_scope="session")
async def pair(shared_hub: HubProcess) -> AsyncIterator[Pair]:
    """An admin who speaks, an agent's id, and the agent, who listens."""
    async with shared_hub.client() as admin:
        agent_id, token = await admin.agent()
        async with shared_hub.client(token) as other:
            yield admin, agent_id, other


async def room(pair: Pair) -> str:
    admin, agent_id, _ = pair
    channel_id = await admin.channel()
    await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    return channel_id


async def test_one_gets_words_of_the_named_channel_and_numbers_of_the_others(pair: Pair) -> None:
    admin, agent_id, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    async with other.stream(f"?bodies={looked_at}") as frames:
        await admin.say(elsewhere, f"psst @{agent_id}")
        last = await admin.say(elsewhere, "and another")
        await admin.say(looked_at, "hello")
        numbers: Json = {}
        words: list[str] = []
        while not words or numbers.get(elsewhere, {}).get("seq") != last["seq"]:
            frame = await frames.next()
            if frame.event == "hub.counters":
                assert frame.id is None
                numbers = envelope(frame)["channels"]
            elif frame.event == "channel.message":
                words.append(said(frame))
    assert words == ["hello"]
    assert numbers == {elsewhere: {"seq": last["seq"], "unread": 2, "mentions": 1}}


async def test_an_open_stream_looks_elsewhere(pair: Pair) -> None:
    admin, _, other = pair
    first, second = await room(pair), await room(pair)
    async with other.stream(f"?bodies={first}") as frames:
        stream_id = envelope(frames.hello)["streamId"]
        before = await admin.say(second, "not yet")
        shape = await other.ok("PATCH", f"/api/streams/{stream_id}", {"bodies": [second]})
        assert shape == {"id": stream_id, "bodies": [second], "seq": before["seq"]}
        await admin.say(second, "now here")
        assert said((await frames.until("channel.message"))[-1]) == "now here"
        await other.ok("PATCH", f"/api/streams/{stream_id}", {"bodies": None})
        await admin.say(first, "and everywhere")
        assert said((await frames.until("channel.message"))[-1]) == "and everywhere"


async def test_a_resumed_stream_gets_numbers_of_what_it_missed(pair: Pair) -> None:
    admin, _, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    async with other.stream(f"?bodies={looked_at}") as frames:
        cursor = frames.hello.id
    missed = await admin.say(elsewhere, "while it was away")
    async with other.stream(f"?bodies={looked_at}", cursor) as frames:
        counters = envelope((await frames.until("hub.counters"))[-1])
    assert counters == {"channels": {elsewhere: {"seq": missed["seq"], "unread": 1, "mentions": 0}}}


async def test_joins_are_told_whatever_one_looks_at(pair: Pair) -> None:
    admin, _, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    newcomer, _ = await admin.agent()
    async with other.stream(f"?bodies={looked_at}") as frames:
        await admin.ok("PUT", f"/api/channels/{elsewhere}/members/{newcomer}", {"role": "member"})
        assert (await frames.until("channel.member.join"))[-1].id is not None


async def test_somebody_elses_stream_is_not_there(pair: Pair) -> None:
    admin, _, other = pair
    async with other.stream() as frames:
        stream_id = envelope(frames.hello)["streamId"]
        answer = await admin.call("PATCH", f"/api/streams/{stream_id}", {"bodies": []})
    assert (answer.status, answer.body["code"]) == (404, "stream_not_found")


async def test_numbers_are_still_told_when_one_looks_elsewhere_at_once(pair: Pair) -> None:
    admin, _, other = pair
    first, second, third = [await room(pair) for _ in range(3)]
    async with other.stream(f"?bodies={first}") as frames:
        stream_id = envelope(frames.hello)["streamId"]
        last = await admin.say(third, "elsewhere")
        await other.ok("PATCH", f"/api/streams/{stream_id}", {"bodies": [second]})
        counters = envelope((await frames.until("hub.counters"))[-1])
    assert counters == {"channels": {third: {"seq": last["seq"], "unread": 1, "mentions": 0}}}


async def test_numbers_are_still_told_when_one_joins_a_channel_at_once(pair: Pair) -> None:
    admin, agent_id, other = pair
    first, elsewhere = await room(pair), await room(pair)
    joined = await admin.channel()
    async with other.stream(f"?bodies={first}") as frames:
        last = await admin.say(elsewhere, "elsewhere")
        await admin.ok("PUT", f"/api/channels/{joined}/members/{agent_id}", {"role": "member"})
        counters = envelope((await frames.until("hub.counters"))[-1])
    assert counters == {"channels": {elsewhere: {"seq": last["seq"], "unread": 1, "mentions": 0}}}


async def test_one_looks_into_a_public_channel_without_joining_it(pair: Pair) -> None:
    admin, _, other = pair
    public, private = await admin.channel(), await admin.channel(isPrivate=True)
    async with other.stream("?bodies=") as frames:
        stream_id = envelope(frames.hello)["streamId"]
        await other.ok("PATCH", f"/api/streams/{stream_id}", {"bodies": [public, private]})
        await admin.say(private, "not for you")
        await admin.say(public, "hello, passer-by")
        assert said((await frames.until("channel.message"))[-1]) == "hello, passer-by"
        await other.ok("PATCH", f"/api/streams/{stream_id}", {"bodies": []})
        await admin.say(public, "gone already")
        assert await frames.quiet(0.3)


async def test_who_looks_on_sees_no_more_once_the_channel_is_private(pair: Pair) -> None:
    admin, _, other = pair
    channel_id = await admin.channel()
    async with other.stream(f"?bodies={channel_id}") as frames:
        await admin.ok("PATCH", f"/api/channels/{channel_id}", {"isPrivate": True})
        await admin.say(channel_id, "among ourselves")
        await admin.say(await admin.general(), "to all")
        heard = [frame.event for frame in await frames.until("hub.counters")]
    assert "channel.message" not in heard


async def thread_of(admin: Client, channel_id: str, parent_id: str) -> str:
    thread = await admin.ok("POST", "/api/threads", {"channelId": channel_id, "parentMessageId": parent_id})
    thread_id: str = thread["id"]
    return thread_id


async def words_until(frames: Frames, last: str) -> list[str]:
    """What was said, up to these words."""
    heard: list[str] = []
    while last not in heard:
        frame = await frames.next()
        if frame.event in ("channel.message", "thread.message"):
            heard.append(said(frame))
    return heard


async def test_what_is_meant_for_one_comes_from_wherever_it_is_said(pair: Pair) -> None:
    admin, agent_id, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    asked = (await other.say(elsewhere, "why is it red?"))["message"]
    stranger = (await admin.say(elsewhere, "something else"))["message"]
    own, foreign = await thread_of(admin, elsewhere, asked["id"]), await thread_of(admin, elsewhere, stranger["id"])
    async with other.stream(f"?bodies={looked_at}&meant=true") as frames:
        await admin.say(elsewhere, "to nobody")
        await admin.say(elsewhere, f"psst @{agent_id}")
        await admin.say(elsewhere, "not yours", threadId=foreign)
        await admin.say(elsewhere, "because of the clock", threadId=own)
        await admin.say(looked_at, "hello")
        heard = await words_until(frames, "hello")
    assert heard == [f"psst @{agent_id}", "because of the clock", "hello"]


async def test_a_thread_is_followed_from_the_first_word_in_it_on(pair: Pair) -> None:
    admin, _, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    parents = [(await admin.say(elsewhere, "something"))["message"] for _ in range(2)]
    first = await thread_of(admin, elsewhere, parents[0]["id"])
    async with other.stream(f"?bodies={looked_at}&meant=true") as frames:
        second = await thread_of(other, elsewhere, parents[1]["id"])
        await admin.say(elsewhere, "not yet", threadId=first)
        await other.say(elsewhere, "let me see", threadId=first)
        await admin.say(elsewhere, "thank you", threadId=first)
        await admin.say(elsewhere, "and here?", threadId=second)
        await admin.say(looked_at, "hello")
        heard = await words_until(frames, "hello")
    assert heard == ["thank you", "and here?", "hello"]


async def test_what_was_meant_for_one_is_told_when_it_comes_back(pair: Pair) -> None:
    admin, agent_id, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    parent = (await other.say(elsewhere, "why is it red?"))["message"]
    async with other.stream(f"?bodies={looked_at}&meant=true") as frames:
        cursor = frames.hello.id
    thread_id = await thread_of(admin, elsewhere, parent["id"])
    await admin.say(elsewhere, "to nobody")
    await admin.say(elsewhere, "the clock", threadId=thread_id)
    await admin.say(elsewhere, f"@{agent_id}?")
    await admin.say(looked_at, "hello")
    async with other.stream(f"?bodies={looked_at}&meant=true", cursor) as frames:
        heard = await words_until(frames, "hello")
    assert heard == ["the clock", f"@{agent_id}?", "hello"]


async def test_who_left_gets_no_more_of_a_thread_that_it_followed(pair: Pair) -> None:
    admin, agent_id, other = pair
    looked_at, elsewhere = await room(pair), await room(pair)
    parent = (await other.say(elsewhere, "why is it red?"))["message"]
    thread_id = await thread_of(admin, elsewhere, parent["id"])
    async with other.stream(f"?bodies={looked_at}&meant=true") as frames:
        await admin.ok("DELETE", f"/api/channels/{elsewhere}/members/{agent_id}")
        await admin.say(elsewhere, "among ourselves", threadId=thread_id)
        await admin.say(looked_at, "hello")
        heard = await words_until(frames, "hello")
    assert heard == ["hello"]
