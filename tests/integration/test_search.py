"""Search over HTTP: words, what may be read now, and that no query breaks it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.hub import WAIT_S, Client, HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


async def found(client: Client, words: str, more: str = "") -> list[str]:
    page = await client.ok("GET", f"/api/search?q={quote(words, safe='')}{more}")
    return [message["content"] for message in page["messages"]]


async def test_every_word_must_be_there_in_any_case_and_order(admin: Client) -> None:
    channel_id, word = await admin.channel(), f"w{uuid4().hex[:8]}"
    lines = [f"{word} the Größe of Éclairs", f"deployment of {word}", f"{word}", "nothing"]
    for line in lines:
        await admin.say(channel_id, line)
    assert await found(admin, word) == lines[2::-1]
    assert await found(admin, f"eclairs {word.upper()}") == lines[:1]
    assert await found(admin, f"grosse {word}") == []
    assert await found(admin, f"größe {word}") == lines[:1]
    assert await found(admin, f"{word} deploy") == lines[1:2]
    assert await found(admin, f"{word} missing") == []


async def test_pages_go_back_in_time(admin: Client) -> None:
    channel_id, word = await admin.channel(), f"w{uuid4().hex[:8]}"
    said = [(await admin.say(channel_id, f"{word} {n}"))["message"] for n in range(5)]
    first = await admin.ok("GET", f"/api/search?q={word}&limit=2")
    assert ([m["id"] for m in first["messages"]], first["hasMore"]) == ([said[4]["id"], said[3]["id"]], True)
    second = await admin.ok("GET", f"/api/search?q={word}&limit=3&before={said[3]['id']}")
    assert ([m["id"] for m in second["messages"]], second["hasMore"]) == ([m["id"] for m in said[2::-1]], False)


async def test_edits_and_deletions_are_followed_at_once(admin: Client) -> None:
    channel_id, before, after = await admin.channel(), f"w{uuid4().hex[:8]}", f"w{uuid4().hex[:8]}"
    message = (await admin.say(channel_id, before))["message"]
    await admin.ok("PATCH", f"/api/messages/{message['id']}", {"content": after})
    assert (await found(admin, before), await found(admin, after)) == ([], [after])
    await admin.ok("DELETE", f"/api/messages/{message['id']}")
    assert await found(admin, after) == []


async def test_only_what_may_be_read_now_is_found(admin: Client, shared_hub: HubProcess) -> None:
    word = f"w{uuid4().hex[:8]}"
    public, private = await admin.channel(), await admin.channel(isPrivate=True)
    await admin.say(public, f"{word} public")
    secret = (await admin.say(private, f"{word} private"))["message"]
    thread = await admin.ok("POST", "/api/threads", {"channelId": private, "parentMessageId": secret["id"]})
    await admin.say(private, f"{word} reply", threadId=thread["id"])
    agent_id, token = await admin.agent()
    seat = f"/api/channels/{private}/members/{agent_id}"
    async with shared_hub.client(token) as other:
        assert await found(other, word) == [f"{word} public"]
        assert (await other.call("GET", f"/api/search?q={word}&channelId={private}")).status == 404
        await admin.ok("PUT", seat)
        assert await found(other, word) == [f"{word} reply", f"{word} private", f"{word} public"]
        assert await found(other, word, f"&channelId={private}") == [f"{word} reply", f"{word} private"]
        assert await found(other, word, f"&senderId={agent_id}") == []
        assert len(await found(other, word, "&senderId=hubctl")) == 3
        await admin.ok("DELETE", seat)
        assert await found(other, word) == [f"{word} public"]
        assert (await other.call("GET", f"/api/search?q={word}&before={secret['id']}")).status == 404
    await admin.ok("DELETE", f"/api/channels/{public}")
    assert await found(admin, f"{word} public") == []


async def test_the_hub_indexes_what_was_said_by_itself(admin: Client, shared_hub: HubProcess) -> None:
    said = (await admin.say(await admin.channel(), f"w{uuid4().hex[:8]} by itself"))["message"]
    with closing(sqlite3.connect(f"file:{shared_hub.data_dir / 'hub.db'}?mode=ro", uri=True)) as database:
        async with asyncio.timeout(WAIT_S):
            while database.execute("SELECT indexed FROM log_head").fetchone()[0] < said["seq"]:
                await asyncio.sleep(0.05)
    assert await found(admin, said["content"]) == [said["content"]]


HOSTILE = (
    '"', "'", '""', "a AND", "NOT", "a OR b", "NEAR(a b)", "content:x", "*", "a*", "^a", "-a", "(", "a)", "{x}: y", "+",
    "a & b", "a | !b", "a <-> b", "a:*", "\\", "%", "_", "'; DROP TABLE messages; --", "😀", "中文",
    "\u202e", "x" * 256, " ".join("abcdefgh" * 16), "ﬁ", "İ", "\ufffe", "\U0010ffff", "a\tb\nc",
)  # fmt: skip


async def test_no_query_breaks_it(admin: Client) -> None:
    await admin.say(await admin.channel(), "a or b, x: y; 'quoted'")
    for query in HOSTILE:
        answer = await admin.call("GET", f"/api/search?q={quote(query, safe='')}")
        assert answer.status == 200, (query, answer)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00", "q"),
        (f"q={'x' * 257}", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=many", "limit"),
        ("q=a&before=5", "before"),
        ("q=a&channelId=general", "channelId"),
        ("q=a&senderId=a%00", "senderId"),
        ("q=a&order=rank", "order"),
        ("q=a&q=b", "q"),
    ],
)
async def test_a_bad_search_is_refused_by_field(admin: Client, query: str, field: str) -> None:
    answer = await admin.call("GET", f"/api/search?{query}")
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_one_long_word_is_stored_and_found(admin: Client) -> None:
    channel_id, word = await admin.channel(), uuid4().hex
    await asyncio.gather(*(admin.say(channel_id, word + "z" * 60_000) for _ in range(3)))
    assert len(await found(admin, word)) == 3
