"""Every route, every role, every kind of channel: what `tests/permissions.py` says is what a running hub answers."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, Self
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from server.web.routes import ROUTES
from tests.hub import Client, HubProcess
from tests.permissions import OUTCOMES, PASSWORD, ROLES, TABLE, Row

UNLIMITED = {"message": 0, "reaction": 0, "invite": 0}
OTHERS = {
    "{doomed}": "{id}",
    "{self}": "{agentId}",
    "{other}": "{agentId}",
    "{agent}": "{agentId}",
    "{owner}": "{agentId}",
}


class World:
    """One channel of a kind with all roles around it, and what the author has; made when it is asked for."""

    def __init__(self, cast: "Cast", kind: str) -> None:
        self._cast = cast
        self._kind = kind
        self._made: dict[str, str] = {}
        self._places = contextlib.AsyncExitStack()

    async def close(self) -> None:
        await self._places.aclose()

    async def get(self, name: str) -> str:
        """What a word in braces stands for."""
        if name == "new":
            return f"new-{uuid4().hex[:8]}"
        if name not in self._made:
            self._made[name] = str(await getattr(self, f"_{name}")())
        return self._made[name]

    async def _channel(self) -> str:
        clients = self._cast.clients
        channel_id = await clients["owner"].channel(isPrivate=self._kind == "private")
        for role in ("reader", "member", "author", "moderator"):
            seat = {"role": "moderator" if role == "moderator" else "member"}
            await clients["owner"].ok("PUT", f"/api/channels/{channel_id}/members/{self._cast.ids[role]}", seat)
        said = await clients["author"].say(channel_id, "hello")
        self._made["message"] = said["message"]["id"]
        await clients["author"].ok("PUT", f"/api/messages/{self._made['message']}/reactions/👍")
        thread = {"channelId": channel_id, "parentMessageId": self._made["message"]}
        self._made["thread"] = (await clients["author"].ok("POST", "/api/threads", thread))["id"]
        reply = await clients["author"].say(channel_id, "and more", threadId=self._made["thread"])
        self._made["reply"] = reply["message"]["id"]
        if self._kind == "archived":
            await clients["owner"].ok("POST", f"/api/channels/{channel_id}/archive")
        return str(channel_id)

    async def _message(self) -> str:
        await self.get("channel")
        return self._made["message"]

    async def _reply(self) -> str:
        await self.get("channel")
        return self._made["reply"]

    async def _thread(self) -> str:
        await self.get("channel")
        return self._made["thread"]

    async def _agent(self) -> str:
        return self._cast.ids["author"]

    async def _owner(self) -> str:
        return self._cast.ids["owner"]

    async def _other(self) -> str:
        return self._cast.ids["stranger"]

    async def _doomed(self) -> str:
        doomed = f"doomed-{uuid4().hex[:8]}"
        await self._cast.clients["admin"].ok("POST", "/api/agents", {"id": doomed})
        return doomed

    async def _emoji(self) -> str:
        return "👍"

    async def _token(self) -> str:
        token = await self._cast.clients["author"].ok("POST", "/api/tokens", {"agentId": self._cast.ids["author"]})
        return str(token["id"])

    async def _session(self) -> str:
        login = {"id": self._cast.ids["author"], "password": PASSWORD}
        await self._cast.clients["author"].ok("POST", "/api/login", login)
        sessions = (await self._cast.clients["author"].ok("GET", "/api/sessions"))["sessions"]
        return str(sessions[-1]["id"])

    async def _invitation(self) -> str:
        return str((await self._cast.clients["admin"].ok("POST", "/api/invitations", {}))["id"])

    async def _seq(self) -> str:
        ask = {"type": "agent.command", "data": {"content": "may I?", "actionRequired": True}}
        return str(
            (await self._cast.clients["owner"].ok("POST", f"/api/agents/{await self._agent()}/events", ask))["seq"]
        )

    async def _stream(self) -> str:
        frames = await self._places.enter_async_context(self._cast.clients["author"].stream())
        return str(msgspec.json.decode(frames.hello.data or "")["streamId"])


class Cast:
    """An account and a client for each role, and a stranger who is in no channel."""

    def __init__(self, hub: HubProcess) -> None:
        self._hub = hub
        self._places = contextlib.AsyncExitStack()
        self.ids: dict[str, str] = {}
        self.clients: dict[str, Client] = {}

    async def __aenter__(self) -> Self:
        admin = await self._places.enter_async_context(self._hub.client())
        await self.author(admin)
        for role in ("outsider", "reader", "member", "moderator", "owner", "admin", "stranger"):
            self.ids[role] = f"{role}-{uuid4().hex[:6]}"
            enrolment = {"id": self.ids[role], "limits": UNLIMITED, "admin": role == "admin"}
            await admin.ok("POST", "/api/agents", enrolment)
            await self._enter(admin, role)
        self.clients["nobody"] = await self._places.enter_async_context(self._hub.client(""))
        return self

    async def author(self, admin: Client) -> None:
        """A person, by an invitation."""
        self.ids["author"] = f"author-{uuid4().hex[:6]}"
        code = (await admin.ok("POST", "/api/invitations", {}))["code"]
        arrival = {"code": code, "id": self.ids["author"], "displayName": "Author", "password": PASSWORD}
        async with aiohttp.ClientSession(self._hub.url) as session:
            await Client(session).ok("POST", "/api/welcome", arrival)
        await admin.ok("PATCH", f"/api/agents/{self.ids['author']}", {"limits": UNLIMITED})
        await self._enter(admin, "author")

    async def _enter(self, admin: Client, role: str) -> None:
        scopes = {"reader": ["read"], "admin": ["read", "write", "admin"]}.get(role, ["read", "write"])
        issued = await admin.ok("POST", "/api/tokens", {"agentId": self.ids[role], "scopes": scopes})
        self.clients[role] = await self._places.enter_async_context(self._hub.client(issued["token"]))

    async def __aexit__(self, *_: object) -> None:
        await self._places.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    settings = {"HUB_STREAMS_PER_TOKEN": "0"}
    async with HubProcess(tmp_path_factory.mktemp("permissions"), **settings) as hub, Cast(hub) as made:
        yield made


def template(row: Row) -> str:
    """The row's path as it is among the routes."""
    last = re.sub(r".*/", "", row.path)
    return row.path.replace(last, OTHERS[last]) if last in OTHERS else row.path


def placeholder(row: Row) -> str:
    """What `{id}` in the row's path stands for."""
    return row.path.removeprefix("/api/").partition("/")[0].removesuffix("s")


def test_no_route_is_missing_from_the_table() -> None:
    routes = {(method, path) for method, path, _, _ in ROUTES}
    assert {(row.method, template(row)) for row in TABLE} == routes


def test_a_line_has_a_letter_for_each_role() -> None:
    bad = [row for row in TABLE for letters in row.outcomes.values() if len(letters) != len(ROLES)]
    assert bad == []


async def filled(text: str, world: World, role: str, cast: Cast, row: Row) -> str:
    text = text.replace("{path:.+}", "x/y").replace("{self}", cast.ids.get(role, "x")).replace("{agentId}", "{agent}")
    text = text.replace("{id}", "{" + placeholder(row) + "}") if text.startswith("/") else text
    for name in re.findall(r"{(\w+)}", text):
        text = text.replace("{" + name + "}", await world.get(name))
    return text


async def body_of(value: Any, world: World, role: str, cast: Cast, row: Row) -> Any:
    if isinstance(value, str):
        return await filled(value, world, role, cast, row)
    if isinstance(value, dict):
        return {key: await body_of(inner, world, role, cast, row) for key, inner in value.items()}
    return value


async def asked(cast: Cast, world: World, row: Row, role: str) -> int:
    """The status of the answer to this role."""
    address = await filled(row.path, world, role, cast, row) + await filled(row.query, world, role, cast, row)
    body = await body_of(row.body, world, role, cast, row)
    sent: dict[str, Any] = (
        {} if body is None else {"data": msgspec.json.encode(body), "headers": {"Content-Type": "application/json"}}
    )
    async with cast.clients[role].session.request(row.method, address, **sent) as answer:
        return answer.status


def letter_of(status: int) -> str:
    return next((letter for letter, statuses in OUTCOMES.items() if status in statuses), str(status))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}{row.query} {row.body or ''}")
@pytest.mark.asyncio(loop_scope="session")
async def test_each_role_gets_what_the_table_says(cast: Cast, row: Row) -> None:
    found: dict[str, str] = {}
    for kind, letters in row.outcomes.items():
        world = World(cast, kind)
        found[kind] = ""
        for role, expected in zip(ROLES, letters, strict=True):
            found[kind] += letter_of(await asked(cast, world, row, role))
            if row.uses_up and expected == "+":
                await world.close()
                world = World(cast, kind)
        await world.close()
    assert found == row.outcomes
