"""Reactions over HTTP: counted by agent, told once, refused where they make no sense."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess, envelope

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


def at(message_id: str, emoji: str) -> str:
    return f"/api/messages/{message_id}/reactions/{quote(emoji, safe='')}"


async def test_a_reaction_is_counted_and_told_once(admin: Client) -> None:
    channel_id = await admin.channel()
    message = (await admin.say(channel_id, "lunch?"))["message"]
    async with admin.stream(f"?channels={channel_id}") as frames:
        first = await admin.ok("PUT", at(message["id"], "🎉"))
        assert await admin.ok("PUT", at(message["id"], "🎉")) == first
        await admin.ok("DELETE", at(message["id"], "🎉"))
        await admin.ok("DELETE", at(message["id"], "🎉"))
        added, removed = [envelope(await frames.next())["event"] for _ in range(2)]
        assert await frames.quiet()
    assert (first["reactions"], first["reacted"]) == ({"🎉": 1}, ["🎉"])
    place = {"channelId": channel_id, "messageId": message["id"], "emoji": "🎉", "agentId": "hubctl"}
    assert added == {"type": "channel.reaction.add", **place}
    assert removed == {"type": "channel.reaction.remove", **place}
    bare = await admin.ok("GET", f"/api/messages/{message['id']}")
    assert "reactions" not in bare
    assert "reacted" not in bare


async def test_counts_do_not_drift_when_everybody_changes_their_mind(admin: Client, shared_hub: HubProcess) -> None:
    channel_id = await admin.general()
    message = (await admin.say(channel_id, "vote"))["message"]
    tokens = [(await admin.agent(limits={"reaction": 0}))[1] for _ in range(5)]

    async def waver(number: int, token: str) -> None:
        async with shared_hub.client(token) as voter:
            for _ in range(4):
                await asyncio.gather(
                    *(voter.ok(method, at(message["id"], "👍")) for method in ("PUT", "DELETE", "PUT"))
                )
            await voter.ok("PUT" if number else "DELETE", at(message["id"], "👍"))

    await asyncio.gather(*(waver(number, token) for number, token in enumerate(tokens)))
    page = await admin.ok("GET", f"/api/messages?channelId={channel_id}")
    assert next(m for m in page["messages"] if m["id"] == message["id"])["reactions"] == {"👍": 4}


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "👩‍👩‍👧‍👦", "🇨🇭", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "✅", ":tada:", ":+1:", "☺"])
async def test_an_emoji_is_one_however_it_is_written(admin: Client, emoji: str) -> None:
    message = (await admin.say(await admin.general(), "any"))["message"]
    assert (await admin.ok("PUT", at(message["id"], emoji)))["reactions"] == {emoji: 1}


@pytest.mark.parametrize(
    "emoji", ["ok", "a", "7", "👍👍", "👍 ", "中", ":UPPER:", "::", "<b>", "\u202e", "👍" + "\u200d👍" * 20]
)
async def test_what_is_no_emoji_is_refused(admin: Client, emoji: str) -> None:
    message = (await admin.say(await admin.general(), "any"))["message"]
    for method in ("PUT", "DELETE"):
        answer = await admin.call(method, at(message["id"], emoji))
        assert (answer.status, answer.body["field"]) == (422, "emoji")


async def test_a_deleted_message_takes_no_reactions_and_shows_none(admin: Client) -> None:
    message = (await admin.say(await admin.channel(), "gone soon"))["message"]
    await admin.ok("PUT", at(message["id"], "👍"))
    await admin.ok("DELETE", f"/api/messages/{message['id']}")
    for method in ("PUT", "DELETE"):
        answer = await admin.call(method, at(message["id"], "👍"))
        assert (answer.status, answer.body["code"]) == (409, "message_deleted")
    assert "reactions" not in await admin.ok("GET", f"/api/messages/{message['id']}")


async def test_members_alone_react_and_nobody_in_an_archive(admin: Client, shared_hub: HubProcess) -> None:
    channel_id, hidden = await admin.channel(), await admin.channel(isPrivate=True)
    message = (await admin.say(channel_id, "public"))["message"]
    secret = (await admin.say(hidden, "private"))["message"]
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        assert (await other.call("PUT", at(message["id"], "👍"))).body["code"] == "not_a_member"
        assert (await other.call("PUT", at(secret["id"], "👍"))).status == 404
    await admin.ok("POST", f"/api/channels/{channel_id}/archive")
    assert (await admin.call("PUT", at(message["id"], "👍"))).body["code"] == "channel_archived"


async def test_reactions_have_a_limit_of_their_own(admin: Client, shared_hub: HubProcess) -> None:
    message = (await admin.say(await admin.general(), "any"))["message"]
    _, token = await admin.agent(limits={"message": 0, "reaction": 2})
    async with shared_hub.client(token) as other:
        answers = [await other.call("PUT", at(message["id"], emoji)) for emoji in "👍👎🎉"]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) <= 60


async def test_a_message_carries_so_many_different_emoji_and_no_more(admin: Client) -> None:
    message = (await admin.say(await admin.channel(), "all of them"))["message"]
    for number in range(64):
        await admin.ok("PUT", at(message["id"], chr(0x1F600 + number)))
    answer = await admin.call("PUT", at(message["id"], "🚀"))
    assert (answer.status, answer.body["code"]) == (409, "too_many_emoji")
