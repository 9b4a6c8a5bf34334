"""Random histories of members, messages, threads, reactions and markers against a running hub and a plain model.

After each history every open stream must have told exactly what happened while its agent was a member, a resumed one
what its agent may see now, and the hub must answer as the model does.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub import Client, Frames, HubProcess, Json, envelope
from tests.servers import Postgres

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGENTS = 3
EMOJI = ("👍", "🎉")

who = st.integers(0, AGENTS - 1)
which = st.integers(0, 7)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), who),
        st.tuples(st.just("leave"), who),
        st.tuples(st.just("say"), who),
        st.tuples(st.just("call"), who, who),
        st.tuples(st.just("delete"), who, which),
        st.tuples(st.just("open"), who, which),
        st.tuples(st.just("reply"), who, which),
        st.tuples(st.just("react"), who, which, st.sampled_from(EMOJI)),
        st.tuples(st.just("unreact"), who, which, st.sampled_from(EMOJI)),
        st.tuples(st.just("read"), who, which),
    ),
    min_size=5,
    max_size=40,
)


class Said:
    """A message of the model."""

    def __init__(self, stored: Json, sender: int, thread_id: str | None, called: set[int]) -> None:
        self.id: str = stored["id"]
        self.seq: int = stored["seq"]
        self.sender = sender
        self.thread_id = thread_id
        self.called = called
        self.deleted = False
        self.reactions: dict[str, set[int]] = {emoji: set() for emoji in EMOJI}


class Model:
    """What a channel must be like, and what each agent must have been told."""

    def __init__(self, channel_id: str) -> None:
        self.channel_id = channel_id
        self.members: set[int] = set()
        self.messages: list[Said] = []
        self.threads: dict[str, str] = {}
        self.markers: dict[int, int] = {}
        self.log: list[str] = []
        self.told: list[list[str]] = [[] for _ in range(AGENTS)]
        self.left = [0] * AGENTS

    def tell(self, kind: str) -> None:
        self.log.append(kind)
        for member in self.members:
            self.told[member].append(kind)

    def message(self, number: int) -> Said | None:
        return self.messages[number % len(self.messages)] if self.messages else None

    def replies(self, thread_id: str) -> list[Said]:
        return [said for said in self.messages if said.thread_id == thread_id]

    def unread(self, agent: int) -> Json:
        later = [s for s in self.messages if s.seq > self.markers[agent] and s.sender != agent and not s.deleted]
        return {
            "unread": sum(said.thread_id is None for said in later),
            "mentions": sum(agent in said.called for said in later),
            "readSeq": self.markers[agent],
        }


class Play:
    """Does each step on the hub and on the model, which must agree on whether it is allowed; a verb is a method."""

    def __init__(self, model: Model, ids: list[str], clients: list[Client]) -> None:
        self.model = model
        self._ids = ids
        self._clients = clients

    async def _call(self, agent: int, method: str, path: str, body: object, expected: tuple[int, ...]) -> Any:
        answer = await self._clients[agent].call(method, path, body)
        assert answer.status in expected, (method, path, answer)
        return answer.body

    def _may(self, agent: int, fine: int, allowed: bool = True) -> tuple[int, ...]:
        """The status that must come: only members write."""
        return (403,) if agent not in self.model.members else (fine,) if allowed else (409, 422)

    async def join(self, agent: int) -> None:
        seat = f"/api/channels/{self.model.channel_id}/members/{self._ids[agent]}"
        await self._call(agent, "PUT", seat, None, (200,))
        if agent not in self.model.members:
            self.model.members.add(agent)
            self.model.tell("channel.member.join")
            unread = await self._clients[agent].ok("GET", "/api/unread")
            self.model.markers[agent] = unread["channels"][self.model.channel_id]["readSeq"]
            assert all(said.seq <= self.model.markers[agent] for said in self.model.messages)

    async def leave(self, agent: int) -> None:
        seat = f"/api/channels/{self.model.channel_id}/members/{self._ids[agent]}"
        here = agent in self.model.members
        await self._call(agent, "DELETE", seat, None, (204,) if here else (404,))
        if here:
            self.model.tell("channel.member.leave")
            self.model.members.discard(agent)
            self.model.left[agent] += 1
            del self.model.markers[agent]

    async def say(self, agent: int) -> None:
        await self._say(agent, "words", None, set())

    async def call(self, agent: int, other: int) -> None:
        await self._say(agent, f"hey @{self._ids[other]}", None, {other})

    async def reply(self, agent: int, number: int) -> None:
        threads = list(self.model.threads.values())
        if threads:
            await self._say(agent, "reply", threads[number % len(threads)], set())

    async def _say(self, agent: int, words: str, thread_id: str | None, called: set[int]) -> None:
        body = {"channelId": self.model.channel_id, "content": words}
        if thread_id is not None:
            body["threadId"] = thread_id
        answer = await self._call(agent, "POST", "/api/messages", body, self._may(agent, 201))
        if agent in self.model.members:
            self.model.messages.append(Said(answer["message"], agent, thread_id, called))
            self.model.tell("channel.message" if thread_id is None else "thread.message")

    async def delete(self, agent: int, number: int) -> None:
        said = self.model.message(number)
        if said is None:
            return
        own = said.sender == agent
        expected = (204,) if agent in self.model.members and own else (403,)
        await self._call(agent, "DELETE", f"/api/messages/{said.id}", None, expected)
        if expected == (204,) and not said.deleted:
            said.deleted = True
            said.reactions = {emoji: set() for emoji in EMOJI}
            self.model.tell("channel.message.delete")

    async def open(self, agent: int, number: int) -> None:
        parent = self.model.message(number)
        if parent is None:
            return
        body = {"channelId": self.model.channel_id, "parentMessageId": parent.id}
        fine = parent.thread_id is None and not parent.deleted
        known = parent.id in self.model.threads
        thread = await self._call(agent, "POST", "/api/threads", body, self._may(agent, 200 if known else 201, fine))
        if agent in self.model.members and fine:
            assert self.model.threads.setdefault(parent.id, thread["id"]) == thread["id"]
            if not known:
                self.model.tell("thread.create")

    async def react(self, agent: int, number: int, emoji: str) -> None:
        said = await self._reaction(agent, number, emoji, "PUT", 200)
        if said is not None and agent not in said.reactions[emoji]:
            said.reactions[emoji].add(agent)
            self.model.tell("channel.reaction.add")

    async def unreact(self, agent: int, number: int, emoji: str) -> None:
        said = await self._reaction(agent, number, emoji, "DELETE", 204)
        if said is not None and agent in said.reactions[emoji]:
            said.reactions[emoji].discard(agent)
            self.model.tell("channel.reaction.remove")

    async def _reaction(self, agent: int, number: int, emoji: str, method: str, fine: int) -> Said | None:
        said = self.model.message(number)
        if said is None:
            return None
        path = f"/api/messages/{said.id}/reactions/{quote(emoji)}"
        await self._call(agent, method, path, None, self._may(agent, fine, not said.deleted))
        return said if agent in self.model.members and not said.deleted else None

    async def read(self, agent: int, number: int) -> None:
        said = self.model.message(number)
        if said is None:
            return
        path = f"/api/channels/{self.model.channel_id}/read"
        marker = await self._call(agent, "PUT", path, {"messageId": said.id}, self._may(agent, 200))
        if agent in self.model.members:
            self.model.markers[agent] = max(self.model.markers[agent], said.seq)
            assert marker == {"channelId": self.model.channel_id, **self.model.unread(agent)}

    async def judge(self) -> None:
        """The hub answers as the model does, to each agent."""
        for agent, client in enumerate(self._clients):
            channel_id, model = self.model.channel_id, self.model
            page = (await client.ok("GET", f"/api/messages?channelId={channel_id}&limit=200"))["messages"]
            assert [m["id"] for m in page] == [said.id for said in model.messages if said.thread_id is None]
            threads = (await client.ok("GET", f"/api/threads?channelId={channel_id}"))["threads"]
            assert {thread["parentMessageId"]: thread["id"] for thread in threads} == model.threads
            for thread in threads:
                replies = (await client.ok("GET", f"/api/messages?threadId={thread['id']}&limit=200"))["messages"]
                assert [m["id"] for m in replies] == [said.id for said in model.replies(thread["id"])]
                assert thread["replyCount"] == sum(not said.deleted for said in model.replies(thread["id"]))
                page.extend(replies)
            shown = {message["id"]: message for message in page}
            for said in model.messages:
                counts = {emoji: len(agents) for emoji, agents in said.reactions.items() if agents}
                own = sorted(emoji for emoji, agents in said.reactions.items() if agent in agents)
                assert shown[said.id].get("reactions", {}) == counts
                assert sorted(shown[said.id].get("reacted", [])) == own
                assert shown[said.id].get("deleted", False) == said.deleted
            unread = (await client.ok("GET", "/api/unread"))["channels"]
            assert unread.get(channel_id) == (model.unread(agent) if agent in model.members else None)


@pytest_asyncio.fixture(loop_scope="session", scope="session", params=["sqlite", "postgresql"])
async def players(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Client, list[str], list[Client]]]:
    """An admin and some agents on a hub with either database."""
    async with contextlib.AsyncExitStack() as stack:
        options: dict[str, str] = {}
        if request.param == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            options["HUB_DATABASE_URL"] = stack.enter_context(postgres.database())
        hub = await stack.enter_async_context(HubProcess(tmp_path_factory.mktemp("histories"), **options))
        admin = await stack.enter_async_context(hub.client())
        made = [await admin.agent(limits={"message": 0, "reaction": 0}) for _ in range(AGENTS)]
        clients = [await stack.enter_async_context(hub.client(token)) for _, token in made]
        yield admin, [agent_id for agent_id, _ in made], clients


async def heard(frames: Frames, channel_id: str, last_seq: int) -> list[str]:
    """What a stream tells of a channel up to a seq."""
    kinds: list[str] = []
    while True:
        frame = await frames.next()
        if frame.data is None or frame.id is None:
            continue
        event = envelope(frame)
        if event.get("channelId") == channel_id:
            kinds.append(event["event"]["type"])
        if event["seq"] >= last_seq:
            return kinds


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_a_random_history_is_told_and_kept_as_it_was(
    players: tuple[Client, list[str], list[Client]], steps: list[tuple[Any, ...]]
) -> None:
    admin, ids, clients = players
    model = Model(await admin.channel())
    play = Play(model, ids, clients)
    async with contextlib.AsyncExitStack() as stack:
        live = [await stack.enter_async_context(client.stream()) for client in clients]
        for verb, *rest in [("join", 0), ("join", 1), *steps]:
            await getattr(play, verb)(*rest)
        await play.judge()
        word = {"type": "system.announcement", "data": {"message": "the end"}}
        last_seq = (await admin.ok("POST", "/api/global", word))["seq"]
        for agent, frames in enumerate(live):
            assert await heard(frames, model.channel_id, last_seq) == model.told[agent]
            resumed = await stack.enter_async_context(clients[agent].stream("", frames.hello.id))
            own_leaves = ["channel.member.leave"] * model.left[agent]
            expected = model.log if agent in model.members else own_leaves
            assert await heard(resumed, model.channel_id, last_seq) == expected
