"""People: one-time links, passwords, sessions, the throttle, listed proxies, and what the audit log keeps of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.hub import Answer, Client, HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "a short sentence is easiest"
OTHER = "another sentence, just as short"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HubProcess]:
    """A hub behind a proxy on this machine, which signs people in with a header."""
    settings = {"HUB_SERVER_TRUSTED_PROXIES": "127.0.0.1, 10.9.0.0/16", "HUB_SERVER_LOGIN_HEADER": "Remote-User"}
    async with HubProcess(tmp_path_factory.mktemp("people"), **settings) as running:
        async with browser(running) as first:
            arrival = {"code": await running.welcomed(), "id": "maya", "displayName": "Maya", "password": PASSWORD}
            await first.ok("POST", "/api/welcome", arrival)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def admin(hub: HubProcess) -> AsyncIterator[Client]:
    async with hub.client() as client:
        yield client


@contextlib.asynccontextmanager
async def browser(hub: HubProcess, address: str = "192.0.2.1", **headers: str) -> AsyncIterator[Client]:
    """Somebody at this address, who keeps cookies and comes through the proxy."""
    jar = aiohttp.CookieJar(unsafe=True)
    headers = {"X-Forwarded-For": address, "User-Agent": "a browser"} | headers
    async with aiohttp.ClientSession(hub.url, cookie_jar=jar, headers=headers) as session:
        yield Client(session)


async def login(client: Client, person: str, password: str = PASSWORD, **headers: str) -> Answer:
    return await client.call("POST", "/api/login", {"id": person, "password": password}, headers=headers)


async def person(hub: HubProcess, admin: Client, person_id: str) -> None:
    """A person who came by an invitation, and has left the browser."""
    invitation = await admin.ok("POST", "/api/invitations", {})
    async with browser(hub, "192.0.2.99") as newcomer:
        arrival = {"code": invitation["code"], "id": person_id, "displayName": person_id, "password": PASSWORD}
        assert (await newcomer.call("POST", "/api/welcome", arrival)).status == 201
        assert (await newcomer.call("POST", "/api/logout")).status == 204


# ---- one-time links


async def test_an_invitation_makes_one_person_who_is_no_admin(hub: HubProcess, admin: Client) -> None:
    invitation = await admin.ok("POST", "/api/invitations", {})
    assert invitation.keys() == {"id", "code", "path", "expiresAt"}
    assert invitation["path"] == f"/welcome#{invitation['code']}"
    async with browser(hub) as newcomer:
        arrival = {"code": invitation["code"], "id": "ines", "displayName": "Ines", "password": PASSWORD}
        assert (await newcomer.call("POST", "/api/welcome", arrival | {"password": "short"})).status == 422
        assert (await newcomer.call("POST", "/api/welcome", arrival | {"id": "maya"})).status == 409
        made = await newcomer.call("POST", "/api/welcome", arrival)
        assert (made.status, made.body["kind"], made.body.get("admin", False)) == (201, "human", False)
        assert (await newcomer.ok("GET", "/api/me"))["id"] == "ines"
        again = await newcomer.call("POST", "/api/welcome", arrival | {"id": "eve"})
        assert (again.status, again.body["code"]) == (403, "welcome_closed")
        refused = await newcomer.call("POST", "/api/invitations", {})
        assert (refused.status, refused.body["code"]) == (403, "admin_required")


async def test_a_link_for_a_lost_password_is_that_persons_alone(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "lost")
    async with browser(hub) as elsewhere, browser(hub) as here:
        assert (await login(elsewhere, "lost")).status == 200
        older = await admin.ok("POST", "/api/invitations", {"agentId": "lost"})
        invitation = await admin.ok("POST", "/api/invitations", {"agentId": "lost"})
        wanted = {"code": invitation["code"], "password": OTHER}
        assert (await here.call("POST", "/api/welcome", wanted | {"code": older["code"]})).status == 403
        mismatch = await here.call("POST", "/api/welcome", wanted | {"id": "maya", "displayName": "Maya"})
        assert (mismatch.status, mismatch.body["field"]) == (422, "id")
        done = await here.call("POST", "/api/welcome", wanted | {"id": "Lost", "displayName": "Anything"})
        assert (done.status, done.body["displayName"]) == (200, "lost")
        assert (await here.ok("GET", "/api/me"))["id"] == "lost"
        assert (await elsewhere.call("GET", "/api/me")).status == 401, "sessions of before are over"
        assert (await here.call("POST", "/api/welcome", wanted)).status == 403
        assert (await login(elsewhere, "lost")).status == 401
        assert (await login(elsewhere, "lost", OTHER)).status == 200


async def test_a_link_is_listed_without_its_code_and_taken_back(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "forgetful")
    made = await admin.ok("POST", "/api/invitations", {})
    lost = await admin.ok("POST", "/api/invitations", {"agentId": "forgetful"})
    listed = {one["id"]: one for one in (await admin.ok("GET", "/api/invitations"))["invitations"]}
    assert listed[made["id"]] == {"id": made["id"], "purpose": "account", "expiresAt": made["expiresAt"]}
    assert (listed[lost["id"]]["purpose"], listed[lost["id"]]["agentId"]) == ("password", "forgetful")
    assert made["code"] not in str(listed)
    assert (await admin.call("DELETE", f"/api/invitations/{made['id']}")).status == 204
    assert (await admin.call("DELETE", f"/api/invitations/{made['id']}")).status == 404
    assert made["id"] not in str(await admin.ok("GET", "/api/invitations"))
    async with browser(hub) as newcomer:
        arrival = {"code": made["code"], "id": "late", "displayName": "Late", "password": PASSWORD}
        assert (await newcomer.call("POST", "/api/welcome", arrival)).status == 403
    assert (await admin.ok("GET", "/api/audit?limit=1"))["entries"][0]["action"] == "invitation.withdraw"


async def test_signing_out_everywhere_ends_every_session_and_no_token(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "everywhere")
    token = (await admin.ok("POST", "/api/tokens", {"agentId": "everywhere"}))["token"]
    async with browser(hub) as here, browser(hub) as there, hub.client(token) as program:
        for client in (here, there):
            assert (await login(client, "everywhere")).status == 200
        async with there.stream() as frames:
            gone = await here.call("DELETE", "/api/sessions")
            assert gone.status == 204
            assert 'hub_session=""' in gone.headers["Set-Cookie"]
            assert (await frames.until("hub.bye"))[-1].event == "hub.bye"
        for client in (here, there):
            assert (await client.call("GET", "/api/me")).status == 401
        assert (await program.call("GET", "/api/me")).status == 200


async def test_a_link_for_somebody_who_is_gone_is_void(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "gone")
    invitation = await admin.ok("POST", "/api/invitations", {"agentId": "gone"})
    await admin.call("DELETE", "/api/agents/gone")
    async with browser(hub) as here:
        answer = await here.call("POST", "/api/welcome", {"code": invitation["code"], "password": OTHER})
    assert answer.status == 403


@pytest.mark.parametrize(("agent_id", "status"), [("hubctl", 422), ("nobody", 404)])
async def test_only_people_get_password_links(admin: Client, agent_id: str, status: int) -> None:
    assert (await admin.call("POST", "/api/invitations", {"agentId": agent_id})).status == status


# ---- sessions and passwords


async def test_a_session_is_new_at_each_login_whatever_cookie_came(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "fixed")
    async with browser(hub) as victim:
        chosen = "chosen-by-the-attacker"
        assert (await victim.call("GET", "/api/me", headers={"Cookie": f"hub_session={chosen}"})).status == 401
        answer = await login(victim, "fixed", Cookie=f"hub_session={chosen}")
        first = answer.headers["Set-Cookie"]
        second = (await login(victim, "fixed")).headers["Set-Cookie"]
        assert chosen not in first
        assert first.partition(";")[0] != second.partition(";")[0]
        assert len(first.partition("=")[2].partition(";")[0]) >= 27, "160 bits in base64"
    async with browser(hub) as attacker:
        assert (await attacker.call("GET", "/api/me", headers={"Cookie": f"hub_session={chosen}"})).status == 401


async def test_sessions_are_listed_and_ended_with_their_streams(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "twice")
    async with browser(hub) as phone, browser(hub, **{"User-Agent": "a desk\u00ad"}) as desk:
        await login(phone, "twice")
        await login(desk, "twice")
        listed = (await desk.ok("GET", "/api/sessions"))["sessions"]
        assert [(one["agentId"], one["device"], one.get("current", False)) for one in listed] == [
            ("twice", "a browser", False),
            ("twice", "a desk", True),
        ]
        assert all(one["lastUsedAt"] for one in listed[1:])
        assert (await desk.ok("GET", f"/api/sessions/{listed[0]['id']}"))["id"] == listed[0]["id"]
        async with phone.stream() as frames:
            assert (await desk.call("DELETE", f"/api/sessions/{listed[0]['id']}")).status == 204
            bye = (await frames.until("hub.bye"))[-1]
            assert bye.data == '{"code":"credential_revoked","retry":false}'
            cursor = frames.hello.id
        resumed = await phone.call("GET", "/api/events", headers={"Last-Event-ID": str(cursor)})
        assert resumed.status == 401
        assert (await desk.call("GET", f"/api/sessions/{listed[0]['id']}")).status == 404


async def test_a_session_is_its_persons_and_an_admins(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "own")
    await person(hub, admin, "other")
    async with browser(hub) as own, browser(hub) as other:
        await login(own, "own")
        await login(other, "other")
        (mine,) = (await own.ok("GET", "/api/sessions"))["sessions"]
        for method in ("GET", "DELETE"):
            assert (await other.call(method, f"/api/sessions/{mine['id']}")).status == 404
        assert mine["id"] in [one["id"] for one in (await admin.ok("GET", "/api/sessions"))["sessions"]]
        assert (await admin.call("DELETE", f"/api/sessions/{mine['id']}")).status == 204
        assert (await own.call("GET", "/api/me")).status == 401


async def test_a_new_password_takes_the_present_one_and_ends_other_sessions(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "careful")
    async with browser(hub) as here, browser(hub) as thief:
        await login(here, "careful")
        await login(thief, "careful")
        wrong = await thief.call("PUT", "/api/me/password", {"current": "guessed", "password": OTHER})
        assert (wrong.status, wrong.body["code"]) == (401, "wrong_password")
        weak = await here.call("PUT", "/api/me/password", {"current": PASSWORD, "password": "short"})
        assert (weak.status, weak.body["field"]) == (422, "password")
        done = await here.call("PUT", "/api/me/password", {"current": PASSWORD, "password": OTHER})
        assert done.status == 204
        assert (await here.call("GET", "/api/me")).status == 200
        assert (await thief.call("GET", "/api/me")).status == 401
        assert (await login(thief, "careful")).status == 401
        assert (await login(thief, "careful", OTHER)).status == 200


async def test_an_agent_has_no_password_to_change(hub: HubProcess, admin: Client) -> None:
    _, token = await admin.agent()
    async with hub.client(token) as agent:
        answer = await agent.call("PUT", "/api/me/password", {"current": "", "password": OTHER})
    assert (answer.status, answer.body["code"]) == (401, "wrong_password")


# ---- guessing


async def test_the_eleventh_guess_waits_and_nobody_is_locked_out(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "target")
    async with browser(hub, "192.0.2.10") as rightful:
        assert (await login(rightful, "target")).status == 200
        for number in range(10):
            async with browser(hub, f"198.51.100.{number}") as guesser:
                assert (await login(guesser, "target", "guessed")).status == 401
        async with browser(hub, "198.51.100.77") as guesser:
            for name in ("target", "TARGET"):
                refused = await login(guesser, name, PASSWORD)
                assert (refused.status, refused.body["code"]) == (429, "too_many_logins")
                assert 1 <= int(refused.headers["Retry-After"]) <= 30
        assert (await rightful.call("GET", "/api/me")).status == 200, "a session stays"
        assert (await login(rightful, "target")).status == 200, "and where it began, another one may"


async def test_an_address_that_guesses_waits_whomever_it_tries(hub: HubProcess) -> None:
    async with browser(hub, "2001:db8:1:2::1") as guesser, browser(hub, "2001:db8:1:2:ffff::9") as neighbour:
        for number in range(10):
            assert (await login(guesser, f"name-{number}", "guessed")).status == 401
        assert (await login(guesser, "name-11", "guessed")).status == 429
        assert (await login(neighbour, "name-12", "guessed")).status == 429, "a network of one customer counts as one"
    async with browser(hub, "2001:db8:1:3::1") as other:
        assert (await login(other, "maya")).status == 200


async def test_guesses_at_the_same_time_are_counted_too(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "flooded")
    async with browser(hub, "203.0.113.5") as guesser:
        answers = await asyncio.gather(*(login(guesser, "flooded", "x") for _ in range(40)))
        statuses = [answer.status for answer in answers]
    assert sorted(statuses) == [401] * 10 + [429] * 30


async def test_a_forged_address_does_not_get_around_the_wait(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL="redis://127.0.0.1:1/0") as direct:
        statuses = []
        for number in range(11):
            async with browser(direct, f"198.51.100.{number}") as guesser:
                statuses.append((await login(guesser, f"name-{number}", "guessed")).status)
    assert statuses == [401] * 10 + [429], "with Redis away, too"


# ---- listed proxies


async def test_a_listed_proxy_tells_scheme_and_host(hub: HubProcess, admin: Client) -> None:
    await person(hub, admin, "secure")
    tls = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost"}
    async with browser(hub, **tls) as behind:
        cookie = (await login(behind, "secure", Origin="https://localhost")).headers["Set-Cookie"]
        assert cookie.startswith("__Host-hub_session=")
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
        pair = cookie.partition(";")[0]
        plain = pair.removeprefix("__Host-")
        assert (await behind.call("GET", "/api/me", headers={"Cookie": pair})).status == 200
        assert (await behind.call("GET", "/api/me", headers={"Cookie": plain})).status == 401
        foreign = await behind.call("GET", "/api/me", headers={"X-Forwarded-Host": "evil.example"})
        assert foreign.status == 421


async def test_only_what_the_nearest_proxies_wrote_is_an_address(hub: HubProcess) -> None:
    async with browser(hub, "198.51.100.200") as guesser:
        for number in range(10):
            forged = {"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.77, 10.9.1.1"}
            assert (await login(guesser, f"far-{number}", "guessed", **forged)).status == 401
        behind_two = {"X-Forwarded-For": "203.0.113.77, 10.9.2.2"}
        assert (await login(guesser, "far-11", "guessed", **behind_two)).status == 429


async def test_a_listed_proxy_signs_people_in_and_no_programs(hub: HubProcess, admin: Client) -> None:
    agent_id, _ = await admin.agent()
    async with browser(hub) as behind:
        me = await behind.call("GET", "/api/me", headers={"Remote-User": "Maya"})
        assert (me.status, me.body["id"]) == (200, "maya")
        for name in (agent_id, "hubctl", "nobody", ""):
            assert (await behind.call("GET", "/api/me", headers={"Remote-User": name})).status == 401
        foreign = {"Remote-User": "maya", "Sec-Fetch-Site": "cross-site"}
        assert (await behind.call("POST", "/api/channels", {"name": "forged"}, headers=foreign)).status == 403


# ---- what is kept of it


async def test_the_audit_log_tells_who_did_what_and_no_secret(hub: HubProcess, admin: Client) -> None:
    agent_id, _ = await admin.agent()
    token = await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "name": "laptop"})
    await admin.call("DELETE", f"/api/tokens/{token['id']}")
    await admin.ok("PATCH", f"/api/agents/{agent_id}", {"displayName": "Scout", "admin": True})
    invitation = await admin.ok("POST", "/api/invitations", {"agentId": "maya"})
    await admin.ok("POST", "/api/global", {"type": "system.announcement", "data": {"message": "hello"}})
    await admin.call("DELETE", f"/api/agents/{agent_id}")
    page = await admin.ok("GET", "/api/audit?limit=8")
    assert page["hasMore"]
    ids = [entry["id"] for entry in page["entries"]]
    assert ids == sorted(ids, reverse=True)
    assert [(entry["agentId"], entry["action"], entry["target"]) for entry in page["entries"]] == [
        ("hubctl", "agent.end", agent_id),
        ("hubctl", "global.announce", "system.announcement"),
        ("hubctl", "invitation.create", "maya"),
        ("hubctl", "agent.change", agent_id),
        ("hubctl", "token.revoke", agent_id),
        ("hubctl", "token.issue", agent_id),
        ("hubctl", "token.issue", agent_id),
        ("hubctl", "agent.create", agent_id),
    ]
    assert page["entries"][3]["details"] == {"fields": "display_name admin", "admin": "yes"}
    older = await admin.ok("GET", f"/api/audit?before={ids[-1]}&limit=200")
    assert all(entry["id"] < ids[-1] for entry in older["entries"])
    everything = str(page) + str(older)
    assert not [secret for secret in (token["token"], invitation["code"], PASSWORD) if secret in everything]


async def test_an_admin_who_overrules_a_channels_owner_is_noted(hub: HubProcess, admin: Client) -> None:
    _, token = await admin.agent()
    async with hub.client(token) as owner:
        channel_id = await owner.channel("theirs")
        assert (await owner.call("GET", "/api/audit")).status == 403
        await owner.ok("PATCH", f"/api/channels/{channel_id}", {"topic": "by the owner"})
    assert (await admin.call("DELETE", f"/api/channels/{channel_id}")).status == 204
    newest = (await admin.ok("GET", "/api/audit?limit=1"))["entries"][0]
    assert (newest["action"], newest["target"], newest["details"]) == ("channel.delete", channel_id, {"name": "theirs"})
    actions = [entry["action"] for entry in (await admin.ok("GET", "/api/audit?limit=5"))["entries"]]
    assert "channel.change" not in actions


async def test_what_is_refused_is_not_noted(hub: HubProcess, admin: Client) -> None:
    newest = (await admin.ok("GET", "/api/audit?limit=1"))["entries"][0]["id"]
    assert (await admin.call("POST", "/api/agents", {"id": "maya"})).status == 409
    assert (await admin.ok("GET", "/api/audit?limit=1"))["entries"][0]["id"] == newest


async def test_two_tokens_at_once_let_one_be_replaced(hub: HubProcess, admin: Client) -> None:
    agent_id, old = await admin.agent()
    new = (await admin.ok("POST", "/api/tokens", {"agentId": agent_id, "name": "new"}))["token"]
    async with hub.client(old) as before, hub.client(new) as after, after.stream() as frames:
        assert (await before.call("GET", "/api/me")).status == (await after.call("GET", "/api/me")).status == 200
        tokens = [one for one in (await admin.ok("GET", "/api/tokens"))["tokens"] if one["agentId"] == agent_id]
        assert all(one["lastUsedAt"] >= one["createdAt"] for one in tokens)
        first = next(one["id"] for one in tokens if one.get("name") != "new")
        await admin.call("DELETE", f"/api/tokens/{first}")
        assert (await before.call("GET", "/api/me")).status == 401
        await after.say(await after.general(), "still here")
        await frames.until("channel.message")


async def test_last_uses_outlive_the_hub(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as own, own.client() as admin:
        _, token = await admin.agent("scout")
        async with own.client(token) as scout:
            await scout.ok("GET", "/api/me")
        used = await last_used(admin)
        await own.stop()
        await own.start()
        assert await last_used(admin) == used


async def last_used(admin: Client) -> int:
    listed = (await admin.ok("GET", "/api/tokens"))["tokens"]
    return next(int(token["lastUsedAt"]) for token in listed if token["agentId"] == "scout")
