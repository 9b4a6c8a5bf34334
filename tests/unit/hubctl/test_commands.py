"""Every command but the tail: what it asks of the hub, what it prints, how it fails."""

import json

import pytest

from tests.unit.hubctl.conftest import Hubctl
from tests.unit.hubctl.fake_hub import GENERAL, OPS, FakeHub, Reply

TOKEN = {"id": "t1", "agentId": "planner", "name": "", "expiresAt": None, "scopes": ["read"], "token": "och_s3cret"}
AGENT = {"id": "planner", "kind": "agent", "displayName": "planner", "avatar": "x", "createdAt": 1708554000000}


def test_the_token_is_sent_and_nowhere_else(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/api/agents", Reply(None, 302, {"Location": f"{hub.url}/api/elsewhere"}))
    result = hubctl("agent", "list")
    assert result.exit_code == 1
    assert "/api/elsewhere" in result.stderr
    assert [asked.headers["Authorization"] for asked in hub.asked] == ["Bearer secret-token"]


def test_agent_add(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/agents", Reply(AGENT, 201))
    assert hubctl("agent", "add", "planner", "--name", "The Planner", "--admin").exit_code == 0
    assert hub.bodies("POST", "/api/agents") == [
        {"id": "planner", "kind": "agent", "displayName": "The Planner", "admin": True}
    ]


def test_agent_add_with_a_token_prints_only_that_on_stdout(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/agents", Reply(AGENT, 201))
    hub.reply("POST", "/api/tokens", Reply(TOKEN, 201))
    result = hubctl("agent", "add", "planner", "--token")
    assert result.stdout == "och_s3cret\n"
    assert "shown this once" in result.stderr
    assert json.loads(hubctl("agent", "add", "planner", "--token", "--json").stdout) == {"agent": AGENT, "token": TOKEN}


def test_agent_list_as_a_table_and_as_json(hub: FakeHub, hubctl: Hubctl) -> None:
    hostile = {**AGENT, "id": "evil", "displayName": "\x1b[2J[bold]"}
    hub.reply("GET", "/api/agents", Reply({"agents": [AGENT, hostile]}))
    lines = hubctl("agent", "list").stdout.splitlines()
    assert lines[0].split() == ["ID", "KIND", "NAME", "ADMIN", "MADE"]
    assert lines[1].startswith("planner  agent  planner")
    assert "\\x1b[2J[bold]" in lines[2]
    assert json.loads(hubctl("agent", "list", "--json").stdout) == {"agents": [AGENT, hostile]}


def test_an_id_cannot_reach_another_resource(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("DELETE", "/api/agents/planner", Reply(None, 204))
    assert hubctl("agent", "rm", "planner").exit_code == 0
    assert hubctl("agent", "rm", "../channels/1?x").exit_code == 1
    assert hub.asked[-1].path == "/api/agents/../channels/1?x"
    assert not hub.asked[-1].query


def test_token_create_as_json_is_the_hubs_answer(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/tokens", Reply(TOKEN, 201))
    result = hubctl("token", "create", "planner", "--json", "--name", "ci", "--scope", "read", "--expires-days", "1")
    assert json.loads(result.stdout) == TOKEN
    assert result.stderr == ""
    (body,) = hub.bodies("POST", "/api/tokens")
    assert isinstance(body.pop("expiresAt"), int)
    assert body == {"agentId": "planner", "name": "ci", "scopes": ["read"]}


def test_token_list_and_revoke(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/api/tokens", Reply({"tokens": [{k: v for k, v in TOKEN.items() if k != "token"}]}))
    hub.reply("DELETE", "/api/tokens/t1", Reply(None, 204))
    assert "t1  planner" in hubctl("token", "list").stdout
    assert hubctl("token", "revoke", "t1").exit_code == 0


@pytest.mark.parametrize("channel", ["general", "#general", "General", GENERAL["id"]])
def test_a_channel_by_name_or_id(hub: FakeHub, hubctl: Hubctl, channel: str) -> None:
    hub.reply("PUT", f"/api/channels/{GENERAL['id']}/members/admin", Reply({"agentId": "admin", "role": "member"}))
    assert hubctl("channel", "join", channel).exit_code == 0
    assert hub.asked[-1].body == {"role": "member"}


def test_channel_join_for_another_agent(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("PUT", f"/api/channels/{OPS['id']}/members/planner", Reply({"agentId": "planner", "role": "member"}))
    assert hubctl("channel", "join", "ops", "--agent", "planner").stdout == "planner is in #ops\n"


def test_channel_create_list_archive(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/channels", Reply(OPS, 201))
    hub.reply("POST", f"/api/channels/{OPS['id']}/archive", Reply(OPS))
    assert OPS["id"] in hubctl("channel", "create", "#ops", "--private", "--topic", "t").stdout
    assert hub.asked[-1].body == {"name": "ops", "topic": "t", "isPrivate": True}
    assert "archived 2024-02-21" in hubctl("channel", "list").stdout
    assert hubctl("channel", "archive", "ops").exit_code == 0


def test_a_channel_keeps_its_messages_for_some_days_or_for_ever(hub: FakeHub, hubctl: Hubctl) -> None:
    kept = {**OPS, "retentionDays": 30, "retentionFrom": 1708554000000}
    hub.reply("POST", "/api/channels", Reply(kept, 201))
    hub.reply("PATCH", f"/api/channels/{OPS['id']}", Reply(kept))
    assert hubctl("channel", "create", "ops", "--retention", "30").exit_code == 0
    assert hub.asked[-1].body == {"name": "ops", "retentionDays": 30}
    said = hubctl("channel", "retention", "ops", "30").stdout
    assert said.startswith("#ops keeps its messages for 30 days; older ones are removed for good from 2024-02-2")
    assert hub.asked[-1].body == {"retentionDays": 30}
    assert hubctl("channel", "retention", "ops", "forever").stdout == "#ops keeps its messages for ever\n"
    assert hub.asked[-1].body == {"retentionDays": None}
    assert hubctl("channel", "retention", "ops", "a week").exit_code == 2
    hub.reply("GET", "/api/channels", Reply({"channels": [kept]}))
    assert "keeps 30 days" in hubctl("channel", "list").stdout


def test_an_unknown_channel(hubctl: Hubctl) -> None:
    result = hubctl("send", "nowhere", "hi")
    assert result.exit_code == 1
    assert "no channel nowhere" in result.stderr


def test_two_channels_of_one_name(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/api/channels", Reply({"channels": [GENERAL, {**OPS, "name": "general"}]}))
    assert OPS["id"] in hubctl("send", "general", "hi").stderr


def test_send(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/messages", Reply({"message": {"id": "m"}, "seq": 7}, 201))
    assert hubctl("send", "general", "hello").stdout == "sent to #general (seq 7)\n"
    assert hubctl("send", "general", "-", text="größer\nals\n").exit_code == 0
    first, second = hub.bodies("POST", "/api/messages")
    assert (first["content"], second["content"]) == ("hello", "größer\nals")
    assert first["channelId"] == GENERAL["id"]
    assert first["id"] != second["id"]


def test_send_tries_a_broken_connection_once_more_with_the_same_id(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/messages", Reply(breaks=True), Reply({"message": {"id": "m"}, "seq": 7}))
    assert hubctl("send", "general", "hello").exit_code == 0
    first, second = hub.bodies("POST", "/api/messages")
    assert first == second


def test_send_says_when_it_does_not_know(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/messages", Reply(breaks=True))
    result = hubctl("send", "general", "hello")
    assert result.exit_code == 1
    assert f"--id {hub.bodies('POST', '/api/messages')[0]['id']}" in result.stderr
    assert len(hub.bodies("POST", "/api/messages")) == 2


def test_send_of_bytes_that_are_no_text(hubctl: Hubctl) -> None:
    result = hubctl("send", "general", "-", text=b"\xff\xfe")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_a_problem_names_field_and_code(hub: FakeHub, hubctl: Hubctl) -> None:
    problem = {"title": "Unprocessable", "detail": "is empty", "field": "content", "code": "invalid_field"}
    hub.reply("POST", "/api/messages", Reply(problem, 422))
    result = hubctl("send", "general", "")
    assert result.exit_code == 1
    assert result.stderr == "Error: content: is empty [invalid_field]\n"
    hub.reply("POST", "/api/messages", Reply({**problem, "detail": "content is empty"}, 422))
    assert hubctl("send", "general", "").stderr == "Error: content is empty [invalid_field]\n"


def test_a_limit_says_when_to_try_again(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/messages", Reply({"detail": "too many", "code": "limit"}, 429, {"Retry-After": "42"}))
    assert "try again in 42 s" in hubctl("send", "general", "x").stderr


def test_a_wrong_token_says_where_it_came_from(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/api/agents", Reply({"detail": "nobody known", "code": "unauthorized"}, 401))
    assert "token from HUB_TOKEN: nobody known" in hubctl("agent", "list").stderr
    assert "none was found in HUB_TOKEN and " in hubctl("agent", "list", env={"HUB_TOKEN": None}).stderr


@pytest.mark.parametrize("reply", [Reply("<html>", 200), Reply("gone", 502)])
def test_something_else_at_the_address(hub: FakeHub, hubctl: Hubctl, reply: Reply) -> None:
    hub.reply("GET", "/api/agents", reply)
    result = hubctl("agent", "list")
    assert result.exit_code == 1
    assert "not as a hub does" in result.stderr


def test_no_hub(hubctl: Hubctl, free_port: int) -> None:
    result = hubctl("status", env={"HUB_URL": f"http://127.0.0.1:{free_port}"})
    assert result.exit_code == 1
    assert f"no hub at http://127.0.0.1:{free_port} (Connection refused)" in result.stderr
    assert "hubctl run" in result.stderr


def test_wrong_usage(hubctl: Hubctl) -> None:
    assert hubctl("send", "general").exit_code == 2
    assert hubctl("agent", "add", "x", "--kind", "robot").exit_code == 2


def test_status(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/readyz", Reply({"ready": True, "version": "9.9", "parts": {"database": "ok", "redis": "away"}}))
    result = hubctl("status")
    assert result.exit_code == 3, "it works, and something is amiss"
    for word in (f"ready at {hub.url}", "redis", "away", "admin", "9.9"):
        assert word in result.stdout
    answer = json.loads(hubctl("status", "--json").stdout)
    assert (answer["ready"], answer["version"], answer["me"]["id"]) == (True, "9.9", "admin")


def test_status_of_a_hub_that_is_not_ready(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/readyz", Reply({"ready": False, "version": "9.9", "parts": {"database": "read-only"}}, 503))
    result = hubctl("status", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ready"] is False
    assert "not ready" in result.stderr


def test_status_without_a_token_that_counts(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/readyz", Reply({"ready": True, "version": "9.9", "parts": {}}))
    hub.reply("GET", "/api/me", Reply({"detail": "nobody known", "code": "unauthorized"}, 401))
    result = hubctl("status")
    assert result.exit_code == 0
    assert "does not take the token" in result.stdout
