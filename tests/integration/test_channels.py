"""Channels and members: who makes, changes, joins, leaves and ends them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess, envelope

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def other(shared_hub: HubProcess, admin: Client) -> AsyncIterator[tuple[str, Client]]:
    """An agent that is no admin."""
    agent_id, token = await admin.agent()
    async with shared_hub.client(token) as client:
        yield agent_id, client


async def test_a_fresh_hub_has_general_which_everybody_joins(admin: Client, other: tuple[str, Client]) -> None:
    agent_id, client = other
    general_id = await client.general()
    channel = await client.ok("GET", f"/api/channels/{general_id}")
    assert (channel["name"], channel["isPrivate"], channel["role"]) == ("general", False, "member")
    members = (await client.ok("GET", f"/api/channels/{general_id}/members"))["members"]
    assert {"hubctl", agent_id} <= {member["agentId"] for member in members}
    assert channel["memberCount"] == len(members)


async def test_the_maker_of_a_channel_owns_it(other: tuple[str, Client]) -> None:
    agent_id, client = other
    channel = await client.ok("POST", "/api/channels", {"name": f"#made-by-{agent_id}", "topic": "why"})
    assert (channel["name"], channel["topic"], channel["role"]) == (f"made-by-{agent_id}", "why", "owner")
    assert channel["createdBy"] == agent_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "ok", "topic": "x" * 251}, "topic"),
        ({"name": "ok", "isPrivate": "yes"}, "isPrivate"),
        ({"name": "ok", "owner": "me"}, "owner"),
        ({"name": "ok", "retentionDays": 0}, "retentionDays"),
        ({"name": "ok", "retentionDays": 3651}, "retentionDays"),
        ({"name": "ok", "retentionDays": "30"}, "retentionDays"),
        ({}, "name"),
    ],
)
async def test_a_bad_channel_is_refused_by_field(admin: Client, body: dict[str, object], field: str) -> None:
    answer = await admin.call("POST", "/api/channels", body)
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_a_name_is_taken_whatever_its_case(admin: Client) -> None:
    answer = await admin.call("POST", "/api/channels", {"name": "General"})
    assert (answer.status, answer.body["code"]) == (409, "name_taken")


async def test_a_change_is_told_with_only_what_changed(admin: Client) -> None:
    channel_id = await admin.channel()
    async with admin.stream(f"?channels={channel_id}") as frames:
        changed = await admin.ok("PATCH", f"/api/channels/{channel_id}", {"topic": "new"})
        event = envelope(await frames.next())["event"]
    assert changed["topic"] == "new"
    assert event == {"type": "channel.update", "channelId": channel_id, "channel": {"topic": "new"}}


async def test_a_retention_is_told_with_when_it_begins_and_taken_back(admin: Client) -> None:
    channel_id = await admin.channel()
    path = f"/api/channels/{channel_id}"
    before = (await admin.ok("GET", "/api/time"))["time"]
    async with admin.stream(f"?channels={channel_id}") as frames:
        chosen = await admin.ok("PATCH", path, {"retentionDays": 30})
        told = envelope(await frames.next())["event"]["channel"]
        assert told == {"retentionDays": 30, "retentionFrom": chosen["retentionFrom"]}
        assert 0 <= chosen["retentionFrom"] - before - DAY_MS < HOUR_MS
        assert await admin.ok("PATCH", path, {"retentionDays": 30}) == chosen, "said again it begins no later"
        assert await admin.ok("PATCH", path, {"topic": "still so"}) == chosen | {"topic": "still so"}
        assert (await admin.ok("POST", f"{path}/archive"))["retentionDays"] == 30
        for refused in ({"topic": "x", "retentionDays": None}, {}):
            answer = await admin.call("PATCH", path, refused)
            assert (answer.status, answer.body["code"]) == (409, "channel_archived")
        for_ever = await admin.ok("PATCH", path, {"retentionDays": None})
        assert "retentionDays" not in for_ever
        assert "retentionFrom" not in for_ever
        *_, last = await frames.until("channel.archive"), await frames.next()
        assert envelope(last)["event"]["channel"] == {"retentionDays": None, "retentionFrom": None}


async def test_a_channel_that_is_made_with_a_retention_has_it_at_once(admin: Client) -> None:
    made = await admin.ok("POST", "/api/channels", {"name": "short of memory", "retentionDays": 7})
    assert (made["retentionDays"], made["retentionFrom"]) == (7, made["createdAt"])


async def test_a_member_changes_nothing_of_a_channel(admin: Client, other: tuple[str, Client]) -> None:
    agent_id, client = other
    channel_id = await admin.channel()
    await client.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    for method, path, body in (
        ("PATCH", "", {"topic": "mine"}),
        ("PATCH", "", {"retentionDays": 1}),
        ("DELETE", "", None),
        ("POST", "/archive", None),
        ("PUT", f"/members/{agent_id}", {"role": "owner"}),
        ("DELETE", "/members/hubctl", None),
    ):
        answer = await client.call(method, f"/api/channels/{channel_id}{path}", body)
        assert (answer.status, answer.body["code"]) == (403, "role_required"), (method, path)


async def test_a_private_channel_takes_an_invitation(admin: Client, other: tuple[str, Client]) -> None:
    agent_id, client = other
    channel_id = await admin.channel(isPrivate=True)
    seat = f"/api/channels/{channel_id}/members/{agent_id}"
    assert (await client.call("PUT", seat, {"role": "member"})).status == 404
    await admin.ok("PUT", seat, {"role": "member"})
    await admin.say(channel_id, "welcome")
    assert len((await client.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"]) == 1


async def test_a_new_role_is_told_and_counts(admin: Client, other: tuple[str, Client]) -> None:
    agent_id, client = other
    channel_id = await admin.channel()
    seat = f"/api/channels/{channel_id}/members/{agent_id}"
    await admin.ok("PUT", seat, {"role": "member"})
    async with client.stream(f"?channels={channel_id}") as frames:
        assert (await admin.ok("PUT", seat, {"role": "moderator"}))["role"] == "moderator"
        event = envelope(await frames.next())["event"]
    assert (event["type"], event["member"]["role"]) == ("channel.member.update", "moderator")
    message = (await admin.say(channel_id, "rude"))["message"]
    assert (await client.call("DELETE", f"/api/messages/{message['id']}")).status == 204


async def test_the_last_owner_stays(admin: Client) -> None:
    channel_id = await admin.channel()
    answer = await admin.call("DELETE", f"/api/channels/{channel_id}/members/hubctl")
    assert (answer.status, answer.body["code"]) == (409, "last_owner")
    answer = await admin.call("PUT", f"/api/channels/{channel_id}/members/hubctl", {"role": "member"})
    assert (answer.status, answer.body["code"]) == (409, "last_owner")


async def test_a_deleted_channel_ends_for_everyone(admin: Client, other: tuple[str, Client]) -> None:
    agent_id, client = other
    channel_id = await admin.channel()
    await client.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    message = (await admin.say(channel_id, "last words"))["message"]
    async with client.stream() as frames:
        assert (await admin.call("DELETE", f"/api/channels/{channel_id}")).status == 204
        event = envelope(await frames.next())["event"]
    assert (event["type"], event["deletedBy"]) == ("channel.delete", "hubctl")
    for path in (f"/api/channels/{channel_id}", f"/api/messages/{message['id']}"):
        assert (await client.call("GET", path)).status == 404


async def test_an_unknown_agent_is_no_member(admin: Client) -> None:
    channel_id = await admin.channel()
    answer = await admin.call("PUT", f"/api/channels/{channel_id}/members/nobody", {"role": "member"})
    assert (answer.status, answer.body["code"]) == (404, "agent_not_found")
