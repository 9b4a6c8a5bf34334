"""`hubctl login-link`, `session` and `audit`: what they ask of the hub and what they print."""

import json

from tests.unit.hubctl.conftest import Hubctl
from tests.unit.hubctl.fake_hub import FakeHub, Reply

LINK = {"code": "c0de", "path": "/welcome#c0de", "expiresAt": 1708554000000}
SESSION = {"id": "s1", "agentId": "maya", "createdAt": 1708554000000, "expiresAt": 1708564000000, "device": "\x1b[2J"}
DEED = {"id": 7, "timestamp": 1708554000000, "agentId": "maya", "action": "agent.end", "target": "scout"}


def test_a_link_is_all_there_is_on_stdout(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("POST", "/api/invitations", Reply(LINK, 201))
    lost = hubctl("login-link", "maya")
    assert lost.stdout == f"{hub.url}/welcome#c0de\n"
    assert "maya sets a new password" in lost.stderr
    assert "c0de" not in lost.stderr
    assert "somebody new" in hubctl("login-link").stderr
    assert hub.bodies("POST", "/api/invitations") == [{"agentId": "maya"}, {}]
    assert json.loads(hubctl("login-link", "--json").stdout) == LINK


def test_sessions_are_listed_and_ended(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.reply("GET", "/api/sessions", Reply({"sessions": [SESSION]}))
    hub.reply("DELETE", "/api/sessions/s1", Reply(None, 204))
    line = hubctl("session", "list").stdout.splitlines()[1]
    assert "\\x1b[2J" in line
    assert json.loads(hubctl("session", "list", "--json").stdout) == {"sessions": [SESSION]}
    assert hubctl("session", "end", "s1").exit_code == 0


def test_the_audit_log_as_a_table_and_as_json(hub: FakeHub, hubctl: Hubctl) -> None:
    deeds = [{**DEED, "details": {"kind": "agent", "name": "", "by": "a\nb"}}, {**DEED, "id": 6}]
    hub.reply("GET", "/api/audit", Reply({"entries": deeds, "hasMore": False}))
    lines = hubctl("audit", "--limit", "2", "--before", "8").stdout.splitlines()
    assert lines[0].split() == ["ID", "WHEN", "WHO", "DID", "TO", "DETAILS"]
    assert lines[1].split("  ")[0] == "7"
    assert "kind=agent" in lines[1]
    assert len(lines) == 3
    assert hub.asked[-1].query == {"limit": "2", "before": "8"}
    assert json.loads(hubctl("audit", "--json").stdout)["entries"] == deeds
