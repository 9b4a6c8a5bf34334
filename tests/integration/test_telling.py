"""Agent events over HTTP: told to two, kept for both, and questions that a person answers once."""

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess, Json, envelope

pytestmark = pytest.mark.asyncio(loop_scope="session")

Pair = tuple[tuple[str, Client], tuple[str, Client]]


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def pair(shared_hub: HubProcess, admin: Client) -> AsyncIterator[Pair]:
    """An agent, and a person."""
    agent_id, agent_token = await admin.agent()
    person_id, person_token = await admin.agent(kind="human")
    async with shared_hub.client(agent_token) as agent, shared_hub.client(person_token) as person:
        yield (agent_id, agent), (person_id, person)


async def told(client: Client, agent_id: str, kind: str, **words: object) -> Json:
    answer = await client.ok("POST", f"/api/agents/{agent_id}/events", {"type": kind, "data": words})
    assert isinstance(answer, dict)
    return answer


async def test_both_sides_hear_and_keep_it_and_nobody_else(admin: Client, pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    types = "?types=agent.direct_message"
    async with agent.stream(types) as sent, person.stream(types) as got, admin.stream(types) as other:
        kept = await told(agent, person_id, "agent.direct_message", content="psst")
        frames = [envelope(await sent.next()), envelope(await got.next())]
        assert await other.quiet()
    assert frames[0] == frames[1]
    assert frames[0]["event"] == {
        "type": "agent.direct_message",
        "data": {"fromAgent": agent_id, "content": "psst"},
    }
    assert (frames[0]["seq"], frames[0]["senderId"]) == (kept["seq"], agent_id)
    assert (kept["agentId"], kept["senderId"], kept["event"]) == (person_id, agent_id, frames[0]["event"])
    for who, client in ((agent_id, agent), (person_id, person), (person_id, admin)):
        page = await client.ok("GET", f"/api/agents/{who}/events")
        assert page == {"events": [kept], "hasMore": False}
    answer = await agent.call("GET", f"/api/agents/{person_id}/events")
    assert (answer.status, answer.body["code"]) == (403, "not_yours")


async def test_all_four_types_pass_with_their_optional_fields_absent(admin: Client, pair: Pair) -> None:
    (agent_id, agent), (person_id, _) = pair
    kinds = ("agent.direct_message", "agent.notification", "agent.command", "agent.invite")
    channel_id = await agent.general()
    for kind in kinds:
        bare = await told(agent, person_id, kind)
        assert bare["event"] == {"type": kind, "data": {"fromAgent": agent_id}}
    full = await told(agent, person_id, "agent.invite", channelId=channel_id, content="come")
    assert full["event"]["data"] == {"fromAgent": agent_id, "content": "come", "channelId": channel_id}


async def test_what_was_told_is_paged_both_ways_and_by_peer(admin: Client, pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    seqs = []
    for number in range(3):
        seqs.append((await told(agent, person_id, "agent.direct_message", content=f"q{number}"))["seq"])
        seqs.append((await told(person, agent_id, "agent.direct_message", content=f"a{number}"))["seq"])
        await told(admin, agent_id, "agent.notification", content="noise")
    await told(agent, agent_id, "agent.notification", content="to myself")

    async def page(query: str) -> tuple[list[int], bool]:
        found = await agent.ok("GET", f"/api/agents/{agent_id}/events?{query}")
        return [event["seq"] for event in found["events"]], found["hasMore"]

    assert await page(f"peer={person_id}") == (seqs, False)
    assert await page(f"peer={person_id}&limit=2") == (seqs[-2:], True)
    assert await page(f"peer={person_id}&limit=2&before={seqs[4]}") == (seqs[2:4], True)
    assert await page(f"peer={person_id}&limit=3&after={seqs[1]}") == (seqs[2:5], True)
    everything, _ = await page("limit=200")
    assert len(everything) == 10
    assert everything == sorted(set(everything))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "agent.shout", "data": {}}, "type"),
        ({"type": "agent.command"}, "data"),
        ({"type": "agent.command", "data": {"fromAgent": "boss"}}, "data.fromAgent"),
        ({"type": "agent.command", "data": {"inReplyTo": 1}}, "data.inReplyTo"),
        ({"type": "agent.command", "data": {}, "senderId": "boss"}, "senderId"),
        ({"type": "agent.command", "data": {"content": ""}}, "data.content"),
        ({"type": "agent.command", "data": {"content": "a\x00b"}}, "data.content"),
        ({"type": "agent.command", "data": {"channelId": "nonsense"}}, "data.channelId"),
        ({"type": "agent.command", "data": {"actionRequired": True, "expiresAt": 1}}, "data.expiresAt"),
        ({"type": "agent.command", "data": {"actionRequired": True, "expiresAt": -1}}, "data.expiresAt"),
        ({"type": "agent.direct_message", "data": {"expiresAt": 9e15}}, "data.expiresAt"),
    ],
)
async def test_a_bad_event_is_refused_by_field(pair: Pair, body: Json, field: str) -> None:
    (_, agent), (person_id, _) = pair
    answer = await agent.call("POST", f"/api/agents/{person_id}/events", body)
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_a_private_channel_is_not_named_by_those_outside(admin: Client, pair: Pair) -> None:
    (_, agent), (person_id, _) = pair
    hidden = await admin.channel(isPrivate=True)
    body = {"type": "agent.invite", "data": {"channelId": hidden}}
    answer = await agent.call("POST", f"/api/agents/{person_id}/events", body)
    assert (answer.status, answer.body["field"]) == (422, "data.channelId")
    nobody = await agent.call("POST", "/api/agents/nobody/events", {"type": "agent.command", "data": {}})
    assert nobody.status == 404


async def test_invitations_have_a_limit_of_their_own(admin: Client, shared_hub: HubProcess) -> None:
    _, token = await admin.agent(limits={"message": 0, "invite": 2})
    async with shared_hub.client(token) as agent:
        where, body = "/api/agents/hubctl/events", {"type": "agent.invite", "data": {}}
        assert [(await agent.call("POST", where, body)).status for _ in range(3)] == [201, 201, 429]


async def test_a_person_answers_once_and_the_asker_hears_what_was_answered(pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    words = "rm -rf /tmp/ü?"
    asked = await told(agent, person_id, "agent.command", content=words, actionRequired=True)
    left_ms = asked["event"]["data"]["expiresAt"] - time.time() * 1000
    assert 590_000 < left_ms <= 600_500
    where = f"/api/agents/{person_id}/events/{asked['seq']}/answer"
    async with agent.stream("?types=agent.notification") as frames:
        answers = await asyncio.gather(*(person.call("POST", where, {"decision": "allow"}) for _ in range(5)))
        heard = envelope(await frames.next())
        assert await frames.quiet()
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    assert heard["event"]["data"] == {
        "fromAgent": person_id,
        "inReplyTo": asked["seq"],
        "decision": "allow",
        "by": person_id,
        "sha256": hashlib.sha256(words.encode()).hexdigest(),
    }
    page = await agent.ok("GET", f"/api/agents/{agent_id}/events")
    assert page["events"][0]["decision"] == "allow"
    assert page["events"][0]["decidedAt"] >= page["events"][0]["timestamp"]


async def test_only_the_addressee_a_person_answers_and_only_questions(admin: Client, pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    asked = await told(agent, person_id, "agent.invite", content="join?", actionRequired=True)
    plain = await told(agent, person_id, "agent.command", content="just so")
    noted = await told(agent, person_id, "agent.notification", actionRequired=True)
    backwards = await told(person, agent_id, "agent.command", content="do it", actionRequired=True)

    async def refusal(client: Client, who: str, seq: object, body: object) -> tuple[int, str]:
        answer = await client.call("POST", f"/api/agents/{who}/events/{seq}/answer", body)
        return answer.status, answer.body.get("field") or answer.body["code"]

    allow = {"decision": "allow"}
    assert await refusal(agent, person_id, asked["seq"], allow) == (403, "not_addressee")
    assert await refusal(admin, person_id, asked["seq"], allow) == (403, "not_addressee")
    assert await refusal(agent, agent_id, backwards["seq"], allow) == (403, "human_required")
    assert await refusal(person, person_id, plain["seq"], allow) == (409, "no_question")
    assert await refusal(person, person_id, noted["seq"], allow) == (409, "no_question")
    assert await refusal(person, person_id, backwards["seq"], allow) == (404, "event_not_found")
    for seq in (0, 10**17, 10**30, "x", "-1", "٣"):
        assert (await refusal(person, person_id, seq, allow))[0] == 404
    assert await refusal(person, person_id, asked["seq"], {"decision": "expired"}) == (422, "decision")
    assert await refusal(person, person_id, asked["seq"], {"decision": "refuse", "by": "me"}) == (422, "by")


async def test_an_expiry_is_told_and_no_answer_counts_after_it(pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    async with agent.stream("?types=agent.notification") as frames:
        soon = int(time.time() * 1000) + 300
        asked = await told(agent, person_id, "agent.command", content="quick?", actionRequired=True, expiresAt=soon)
        heard = envelope(await frames.next())["event"]["data"]
    assert (heard["inReplyTo"], heard["decision"]) == (asked["seq"], "expired")
    assert "by" not in heard
    assert heard["sha256"] == hashlib.sha256(b"quick?").hexdigest()
    where = f"/api/agents/{person_id}/events/{asked['seq']}/answer"
    assert (await person.call("POST", where, {"decision": "allow"})).status == 409
    page = await agent.ok("GET", f"/api/agents/{agent_id}/events")
    assert [event.get("decision") for event in page["events"]] == ["expired", None]


async def test_a_question_that_expires_while_no_hub_runs_is_told_at_its_start(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub:
        async with hub.client() as admin:
            _, token = await admin.agent()
            person_id, _ = await admin.agent(kind="human")
            async with hub.client(token) as agent:
                async with agent.stream() as frames:
                    cursor = frames.hello.id
                soon = int(time.time() * 1000) + 500
                asked = await told(agent, person_id, "agent.command", actionRequired=True, expiresAt=soon)
        await hub.kill()
        await asyncio.sleep(0.6)
        await hub.start()
        async with hub.client(token) as agent, agent.stream("?types=agent.notification", cursor) as frames:
            heard = envelope(await frames.next())["event"]["data"]
    assert (heard["inReplyTo"], heard["decision"]) == (asked["seq"], "expired")


GLOBAL = (
    "system.announcement",
    "system.maintenance",
    "system.shutdown",
    "system.performance.alert",
    "auth.token.revoked",
    "agent.joined",
    "agent.left",
)


async def test_an_admin_tells_everyone(admin: Client, pair: Pair) -> None:
    (_, agent), _ = pair
    words = {
        "message": "upgrade at noon",
        "severity": "warning",
        "affectedAgents": ["one", "two"],
        "startTime": 1708554000000,
        "estimatedDuration": 600000,
    }
    types = ",".join(GLOBAL[:4])
    async with agent.stream(f"?types={types}") as frames:
        frames.passing = frozenset()  # an alert of the hub's own kind is asked for here
        for kind in GLOBAL[:4]:
            said = await admin.ok("POST", "/api/global", {"type": kind, "data": words})
            assert said == envelope(await frames.next())
            assert said["event"] == {"type": kind, "data": words}
    for kind in GLOBAL[4:]:
        assert (await admin.call("POST", "/api/global", {"type": kind, "data": {}})).status == 201
    answer = await agent.call("POST", "/api/global", {"type": GLOBAL[0], "data": words})
    assert (answer.status, answer.body["code"]) == (403, "admin_required")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "system.panic", "data": {}}, "type"),
        ({"type": "system.announcement"}, "data"),
        ({"type": "system.announcement", "data": {"severity": "loud"}}, "data.severity"),
        ({"type": "system.announcement", "data": {"message": "x" * 4001}}, "data.message"),
        ({"type": "system.announcement", "data": {"message": "a\x00"}}, "data.message"),
        ({"type": "system.announcement", "data": {"affectedAgents": ["no such thing!"]}}, "data.affectedAgents"),
        ({"type": "system.announcement", "data": {"startTime": -1}}, "data.startTime"),
        ({"type": "system.announcement", "data": {"level": 1}}, "data.level"),
    ],
)
async def test_a_bad_announcement_is_refused_by_field(admin: Client, body: Json, field: str) -> None:
    answer = await admin.call("POST", "/api/global", body)
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_agents_have_events_of_their_own(admin: Client, pair: Pair) -> None:
    (_, agent), _ = pair
    channel_id = await admin.channel()
    where = f"/api/channels/{channel_id}/collaboration"
    words = {"type": "board.moved", "data": {"card": 7, "deep": [{"er": None}], "big": 10**30, "é": "\\u0000"}}
    async with admin.stream(f"?channels={channel_id}") as frames:
        said = await admin.ok("POST", where, words)
        assert said == envelope(await frames.next())
    assert said["event"] == {"type": "collaboration.event", "channelId": channel_id, "event": words}
    assert (await agent.call("POST", where, words)).body["code"] == "not_a_member"
    for body, status, field in (
        ({"type": "", "data": {}}, 422, "type"),
        ({"type": "two\nlines", "data": {}}, 422, "type"),
        ({"type": "x" * 65, "data": {}}, 422, "type"),
        ({"type": "x", "data": []}, 422, "data"),
        ({"type": "x", "data": {"a": "\x00"}}, 422, "data"),
        ({"type": "x", "data": {"a\x00": 1}}, 422, "data"),
        ({"type": "x", "data": {"a": "x" * 65_536}}, 413, "data"),
    ):
        answer = await admin.call("POST", where, body)
        assert (answer.status, answer.body["field"]) == (status, field), body
    await admin.ok("POST", f"/api/channels/{channel_id}/archive")
    assert (await admin.call("POST", where, words)).status == 409


async def test_what_is_told_twice_under_one_id_is_told_once(pair: Pair) -> None:
    (agent_id, agent), (person_id, person) = pair
    wish = {"type": "agent.direct_message", "data": {"content": "once"}, "id": str(uuid.uuid4())}
    place = f"/api/agents/{person_id}/events"
    both = await asyncio.gather(*(agent.call("POST", place, wish) for _ in range(4)))
    again = await agent.call("POST", place, {**wish, "data": {"content": "said anew"}})
    assert sorted(answer.status for answer in both) == [200, 200, 200, 201]
    assert again.status == 200
    kept = again.body
    assert all(answer.body == kept for answer in both)
    assert kept["event"]["data"] == {"fromAgent": agent_id, "content": "once", "id": wish["id"]}
    assert (await person.ok("GET", place))["events"] == [kept]
    elsewhere = await agent.call("POST", f"/api/agents/{agent_id}/events", wish)
    assert (elsewhere.status, elsewhere.body["code"]) == (409, "id_taken")
    assert (await person.call("POST", place, wish)).status == 201  # ids are the teller's own
    bad = await agent.call("POST", place, {**wish, "id": "one"})
    assert (bad.status, bad.body["field"]) == (422, "id")


async def test_what_agents_told_a_channel_of_their_work_is_found_again(admin: Client, pair: Pair) -> None:
    (_, agent), _ = pair
    channel_id = await admin.channel()
    place = f"/api/channels/{channel_id}/collaboration"
    await admin.say(channel_id, "words between")
    sent = [await admin.ok("POST", place, {"type": "step", "data": {"number": number}}) for number in range(5)]
    page = await agent.ok("GET", f"{place}?limit=2")
    assert page == {"events": sent[3:], "hasMore": True}
    assert (await agent.ok("GET", f"{place}?limit=2&before={sent[3]['seq']}"))["events"] == sent[1:3]
    later = await agent.ok("GET", f"{place}?after={sent[0]['seq']}&before={sent[4]['seq']}")
    assert later == {"events": sent[1:4], "hasMore": False}
    assert (await agent.ok("GET", f"/api/channels/{await admin.channel()}/collaboration"))["events"] == []
