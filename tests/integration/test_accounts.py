"""Accounts, tokens and people: who may come in, as whom, and until when."""

from collections.abc import AsyncIterator
from time import time

import aiohttp
import pytest
import pytest_asyncio

from tests.hub import Client, HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "a short sentence is easiest"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def browser(shared_hub: HubProcess) -> AsyncIterator[Client]:
    """Somebody without a token, who keeps cookies."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(shared_hub.url, cookie_jar=jar) as session:
        yield Client(session)


async def test_me_is_who_the_token_says(admin: Client) -> None:
    me = await admin.ok("GET", "/api/me")
    assert (me["id"], me["admin"], me["scopes"]) == ("hubctl", True, ["read", "write", "admin"])


async def test_a_token_is_shown_once_and_listed_without_its_secret(admin: Client) -> None:
    agent_id, _ = await admin.agent()
    issued = await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "name": "laptop"})
    assert issued.keys() == {"id", "agentId", "name", "expiresAt", "scopes", "token"}
    listed = (await admin.ok("GET", "/api/tokens"))["tokens"]
    mine = next(token for token in listed if token["id"] == issued["id"])
    assert (mine["name"], mine["scopes"]) == ("laptop", ["read", "write"])
    assert issued["token"] not in str(listed)


async def test_no_secret_is_kept_anywhere(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    token = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id}))["token"]
    async with shared_hub.client(token) as other:
        await other.ok("GET", "/api/me")
    kept = [file.read_bytes() for file in shared_hub.data_dir.iterdir() if file.is_file()]
    assert not any(token.encode() in content for content in kept)
    assert token not in shared_hub.log_text


async def test_a_token_expires(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    soon = int(time() * 1000) + 1000
    token = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "expiresAt": soon}))["token"]
    async with shared_hub.client(token) as other, other.stream() as frames:
        assert (await other.call("GET", "/api/me")).status == 200
        bye = (await frames.until("hub.bye"))[-1]
        assert bye.data == '{"code":"credential_expired","retry":false}'
        assert time() * 1000 >= soon
        assert (await other.call("GET", "/api/me")).status == 401


async def test_a_token_for_a_million_years_does_not_disturb(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    far = (1 << 53) - 1
    token = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "expiresAt": far}))["token"]
    async with shared_hub.client(token) as other, other.stream() as frames:
        assert frames.hello.event == "hub.hello"
    for wrong in (far + 1, 1 << 63, 10**30, 0, -1):
        answer = await admin.call("POST", "/api/tokens", {"agentId": agent_id, "expiresAt": wrong})
        assert (answer.status, answer.body["field"]) == (422, "expiresAt"), wrong


async def test_a_token_that_only_reads_writes_nothing(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    token = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "scopes": ["read"]}))["token"]
    async with shared_hub.client(token) as other:
        answer = await other.call("POST", "/api/messages", {"channelId": await other.general(), "content": "x"})
    assert (answer.status, answer.body["code"]) == (403, "scope_required")


async def test_a_token_makes_none_that_may_more(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, _ = await admin.agent()
    token = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "scopes": ["write"]}))["token"]
    async with shared_hub.client(token) as other:
        answer = await other.call("POST", "/api/tokens", {"agentId": agent_id, "scopes": ["read", "write"]})
        assert (answer.status, answer.body["field"]) == (422, "scopes")
        assert (await other.ok("POST", "/api/tokens", {"agentId": agent_id}))["scopes"] == ["write"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/agents", {"id": "sneaky"}),
        ("DELETE", "/api/agents/hubctl", None),
        ("PATCH", "/api/agents/hubctl", {"displayName": "me"}),
        ("POST", "/api/tokens", {"agentId": "hubctl"}),
    ],
)
async def test_only_an_admin_makes_and_ends_accounts(
    admin: Client, shared_hub: HubProcess, method: str, path: str, body: object
) -> None:
    _, token = await admin.agent()
    async with shared_hub.client(token) as other:
        answer = await other.call(method, path, body)
    assert (answer.status, answer.body["code"]) == (403, "admin_required")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": ".hidden"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "white space"}, "id"),
        ({"id": "fine", "kind": "ghost"}, "kind"),
        ({"id": "fine", "displayName": "two\nlines"}, "displayName"),
        ({"id": "fine", "limits": {"message": -1}}, "limits.message"),
        ({"id": "fine", "limits": {"colour": 1}}, "limits.colour"),
    ],
)
async def test_a_bad_account_is_refused_by_field(admin: Client, body: dict[str, object], field: str) -> None:
    answer = await admin.call("POST", "/api/agents", body)
    assert (answer.status, answer.body["field"]) == (422, field)


async def test_an_id_is_taken_whatever_its_case(admin: Client) -> None:
    agent_id, _ = await admin.agent()
    answer = await admin.call("POST", "/api/agents", {"id": agent_id.upper()})
    assert (answer.status, answer.body["code"]) == (409, "id_taken")


async def test_an_ended_account_is_out_at_once_and_its_words_stay(admin: Client, shared_hub: HubProcess) -> None:
    agent_id, token = await admin.agent()
    async with shared_hub.client(token) as other:
        general_id = await other.general()
        message = (await other.say(general_id, "remember me"))["message"]
        async with other.stream() as frames:
            assert (await admin.call("DELETE", f"/api/agents/{agent_id}")).status == 204
            await frames.until("hub.bye")
        assert (await other.call("GET", "/api/me")).status == 401
    assert (await admin.ok("GET", f"/api/messages/{message['id']}"))["content"] == "remember me"
    members = (await admin.ok("GET", f"/api/channels/{general_id}/members"))["members"]
    assert agent_id not in [member["agentId"] for member in members]


async def test_the_operator_cannot_be_ended(admin: Client) -> None:
    answer = await admin.call("DELETE", "/api/agents/hubctl")
    assert (answer.status, answer.body["code"]) == (403, "built_in")


async def test_the_first_human_comes_by_the_link_once_and_then_by_password(
    shared_hub: HubProcess, browser: Client
) -> None:
    arrival = {"code": await shared_hub.welcomed(), "id": "maya", "displayName": "Maya", "password": PASSWORD}
    for wrong, status, code in (
        ({"code": "guessed"}, 403, "welcome_closed"),
        ({"password": "short"}, 422, "invalid_field"),
        ({"password": "aaaaaaaaaaaaaaaa"}, 422, "invalid_field"),
        ({"id": "no good"}, 422, "invalid_field"),
    ):
        answer = await browser.call("POST", "/api/welcome", arrival | wrong)
        assert (answer.status, answer.body["code"]) == (status, code)

    answer = await browser.call("POST", "/api/welcome", arrival)
    assert (answer.status, answer.body["admin"], answer.body["kind"]) == (201, True, "human")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert (await browser.ok("GET", "/api/me"))["id"] == "maya"
    assert (await browser.call("POST", "/api/welcome", arrival | {"id": "eve"})).status == 403

    assert (await browser.call("POST", "/api/logout", {})).status == 204
    assert (await browser.call("GET", "/api/me")).status == 401
    wrong_password = await browser.call("POST", "/api/login", {"id": "maya", "password": PASSWORD + "?"})
    nobody = await browser.call("POST", "/api/login", {"id": "nobody", "password": PASSWORD})
    assert wrong_password.status == nobody.status == 401
    assert wrong_password.body == nobody.body
    assert (await browser.call("POST", "/api/login", {"id": "maya", "password": PASSWORD})).status == 200
    assert (await browser.ok("GET", "/api/me"))["id"] == "maya"


async def test_another_web_page_cannot_act_for_the_person_who_looks_at_it(browser: Client) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = await browser.call("POST", "/api/login", {"id": "maya", "password": PASSWORD}, headers=headers)
        assert (answer.status, answer.body["code"]) == (403, "foreign_origin")
