"""Bad input on a running hub: forged headers, foreign pages, slow and oversized bodies, stolen and made-up keys."""

import asyncio
import gzip
import io
import os
import socket
import stat
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import redis

from tests.hub import Client, HubProcess
from tests.wire import status_of, wire

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = "Content-Type: application/json\r\n"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client() as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def nobody(shared_hub: HubProcess) -> AsyncIterator[Client]:
    async with shared_hub.client("") as client:
        yield client


# ---- what the hub is called


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "", "["]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/me", "/api/events", "/metrics", "/nowhere"])
async def test_a_name_that_is_not_the_hubs_is_refused(admin: Client, host: str, path: str) -> None:
    answer = await admin.call("GET", path, headers={"Host": host})
    assert (answer.status, answer.body["code"]) == (421, "unknown_host")


async def test_the_hubs_own_names_are_good_with_any_port(admin: Client) -> None:
    name = socket.gethostname()
    for host in ("127.0.0.1", "192.168.1.7:1", "[::1]:8080", "[fe80::1]", "localhost", "LOCALHOST:99", "localhost."):
        assert (await admin.call("GET", "/healthz", headers={"Host": host})).status == 200, host
    for host in (name, f"{name}:8080", f"{name.partition('.')[0]}.local", "hub.local:80"):
        assert (await admin.call("GET", "/healthz", headers={"Host": host})).status == 200, host


async def test_only_http_1_0_may_leave_the_host_out(shared_hub: HubProcess) -> None:
    async with wire(shared_hub) as line:
        await line.sends(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert status_of(await line.hears()) == 200
    async with wire(shared_hub) as line:
        await line.sends(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert status_of(await line.hears()) in (400, 421)
    async with wire(shared_hub) as line:
        await line.sends(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert status_of(await line.hears()) in (400, 421)


async def test_a_name_in_the_settings_is_good(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_SERVER_ALLOWED_HOSTS="chat.example") as hub, hub.client() as admin:
        assert (await admin.call("GET", "/healthz", headers={"Host": "Chat.Example:443"})).status == 200
        assert (await admin.call("GET", "/healthz", headers={"Host": "www.chat.example"})).status == 421


# ---- other web pages in a person's browser


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/login"), ("POST", "/api/welcome"), ("DELETE", "/api/sessions/x")]
)
async def test_another_page_does_nothing_in_a_persons_name(
    nobody: Client, headers: dict[str, str], method: str, path: str
) -> None:
    answer = await nobody.call(method, path, {}, headers=headers)
    assert (answer.status, answer.body["code"]) == (403, "foreign_origin")


async def test_the_hubs_own_page_is_no_foreigner(nobody: Client, shared_hub: HubProcess) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": shared_hub.url}):
        answer = await nobody.call("POST", "/api/welcome", {"code": "x", "password": "y"}, headers=headers)
        assert answer.body["code"] == "welcome_closed"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None]
)
async def test_what_a_form_can_send_is_not_taken(nobody: Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    skip = [] if kind else ["Content-Type"]
    async with nobody.session.post(
        "/api/login", data=b'{"id":"a","password":"b"}', headers=headers, skip_auto_headers=skip
    ) as answer:
        assert answer.status == 415


async def test_nothing_is_allowed_across_origins(admin: Client) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = await admin.call(method, "/api/messages", headers=headers)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


# ---- made-up keys


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "hub_session=chosen-by-the-attacker"},
        {"Cookie": "__Host-hub_session=chosen-by-the-attacker"},
        {"Cookie": "hub_session="},
        {"Authorization": "Bearer hub_guessed"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic aHVi"},
        {"Authorization": "Bearer \udcff"},
    ],
    ids=ascii,
)
async def test_a_made_up_key_opens_nothing(shared_hub: HubProcess, headers: dict[str, str]) -> None:
    (name, value), *_ = headers.items()
    async with wire(shared_hub) as line:
        head = f"GET /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{name}: {value}\r\n\r\n"
        await line.sends(head.encode("utf-8", "surrogateescape"))
        assert status_of(await line.hears()) in (400, 401)


@pytest.mark.parametrize("name", ["token", "access_token", "Token", "api_key"])
async def test_a_key_in_the_address_is_refused(admin: Client, name: str) -> None:
    answer = await admin.call("GET", f"/api/events?{name}=hub_x")
    assert (answer.status, answer.body["code"]) == (400, "token_in_url")


# ---- forwarding headers that nobody asked for


FORGED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "Remote-User": "maya",
}


async def test_forwarding_headers_are_not_believed(nobody: Client) -> None:
    assert (await nobody.call("GET", "/healthz", headers=FORGED)).status == 200, "the host is still the header Host"
    assert (await nobody.call("GET", "/api/me", headers=FORGED)).status == 401


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"])
async def test_metrics_are_not_for_those_behind_a_proxy_on_this_machine(
    nobody: Client, admin: Client, name: str
) -> None:
    assert (await nobody.call("GET", "/metrics")).status == 200
    assert (await nobody.call("GET", "/metrics", headers={name: "127.0.0.1"})).status == 401
    assert (await admin.call("GET", "/metrics", headers={name: "127.0.0.1"})).status == 200


# ---- bodies


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (gzip.compress(b"[" + b"0," * 20_000_000 + b"0]"), "gzip"),
        (zlib.compress(b"0" * 50_000_000), "deflate"),
        (b"{}", "br"),
    ],
    ids=["gzip", "deflate", "br"],
)
async def test_a_packed_body_is_not_unpacked(admin: Client, packed: bytes, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    async with admin.session.post("/api/messages", data=packed, headers=headers, compress=None) as answer:
        assert answer.status in (413, 415)


async def test_a_large_body_is_refused(admin: Client) -> None:
    body = io.BytesIO(b'{"channelId": "x", "content": "' + b"x" * 2_000_000 + b'"}')
    async with admin.session.post("/api/messages", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 413


DEEP = ("[" * 10_000, '{"a":' * 10_000, '{"channelId":' + "[" * 10_000, "[" * 10_000 + "]" * 10_000)


@pytest.mark.parametrize("deep", DEEP, ids=["lists", "objects", "in a field", "whole"])
async def test_deep_json_is_refused(admin: Client, deep: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with admin.session.post("/api/messages", data=deep.encode(), headers=headers) as answer:
        assert answer.status == 400


async def test_a_large_head_is_refused(shared_hub: HubProcess) -> None:
    async with wire(shared_hub) as line:
        await line.sends(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
        assert status_of(await line.hears()) == 400
    async with wire(shared_hub) as line:
        await line.sends(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 5_000 + b"\r\n")
        assert status_of(await line.hears()) == 400


@pytest.mark.parametrize(
    "smuggled",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/me",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "Content-Length: -5\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n",
        "Bad Name: x\r\n\r\n",
        "X: a\rb\r\n\r\n",
    ],
    ids=ascii,
)
async def test_a_request_that_can_be_read_in_two_ways_is_read_in_none(shared_hub: HubProcess, smuggled: str) -> None:
    async with wire(shared_hub) as line:
        await line.sends(f"POST /api/login HTTP/1.1\r\nHost: localhost\r\n{JSON}{smuggled}".encode())
        assert status_of(await line.hears()) == 400


async def test_who_drips_is_shown_out(shared_hub: HubProcess) -> None:
    token = shared_hub.admin_token
    post = f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{JSON}"
    starts = {
        "silence": b"",
        "head": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "body": f"{post}Content-Length: 1000\r\n\r\n".encode(),
    }

    async def drip(start: bytes) -> bytes:
        async with wire(shared_hub) as line:
            await line.sends(start)
            heard = asyncio.create_task(line.hears(40))
            while not heard.done():
                if start:
                    await line.sends(b" ")
                await asyncio.wait((heard,), timeout=0.5)
            return await heard

    silence, head, body = await asyncio.gather(*(drip(start) for start in starts.values()))
    assert silence == head == b""
    assert status_of(body) == 408
    assert b'"too_slow"' in body


# ---- what answers say, and what is left behind


async def test_every_answer_is_guarded_and_names_no_version(admin: Client, nobody: Client) -> None:
    answers = [
        await admin.call("GET", "/api/me"),
        await admin.call("GET", "/api/nothing"),
        await admin.call("DELETE", "/api/me"),
        await admin.call("POST", "/api/messages", {}),
        await admin.call("POST", "/api/channels", {"name": f"headers {os.urandom(4).hex()}"}),
        await nobody.call("GET", "/api/me"),
        await nobody.call("GET", "/api/time"),
        await nobody.call("GET", "/healthz", headers={"Host": "evil.example"}),
    ]
    async with admin.session.get("/api/events") as stream:
        head = dict(stream.headers)
    for headers in (*(answer.headers for answer in answers), head):
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Server"] == "openclaw-hub"
    page = (await nobody.call("GET", "/")).headers
    assert page["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["Server"] == "openclaw-hub"


async def test_what_is_not_http_learns_nothing(shared_hub: HubProcess) -> None:
    before = len(shared_hub.log_text)
    for raw in (b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 64 + b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n"):
        async with wire(shared_hub) as line:
            await line.sends(raw)
            heard = await line.hears()
            assert b"Python" not in heard
            assert b"aiohttp" not in heard
    assert len(shared_hub.log_text) == before


async def test_a_line_of_the_log_cannot_be_forged(admin: Client, shared_hub: HubProcess) -> None:
    forged = '\r\n{"event": "forged", "level": "info"}\x1b[2J'
    for body in ({"id": f"x{forged}"}, {"id": "fine-name", "displayName": f"x{forged}"}):
        assert (await admin.call("POST", "/api/agents", body)).status == 422
    await admin.call("GET", "/api/agents/%0d%0a%1b%5b2J%7b%22event%22%3a%22forged%22%7d")
    assert not [line for line in shared_hub.log_text.splitlines() if "forged" in line or "\x1b" in line]


async def test_no_secret_is_in_any_byte_of_state_or_log(tmp_path: Path, redis_url: str) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL=redis_url) as hub, hub.client() as admin:
        _, token = await admin.agent("scout")
        password = "a sentence nobody else would say"
        arrival = {"code": await hub.welcomed(), "id": "maya", "displayName": "Maya", "password": password}
        async with aiohttp.ClientSession(hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            maya = Client(session)
            cookie = (await maya.call("POST", "/api/welcome", arrival)).headers["Set-Cookie"]
            await maya.say(await maya.general(), "hello")
        code = (await admin.ok("POST", "/api/invitations", {}))["code"]
        async with hub.client(token) as agent:
            await agent.say(await agent.general(), "hello")
            await agent.call("POST", "/api/login", {"id": "maya", "password": password + "!"})
        secrets = [token, password, code, hub.welcome_code, cookie.partition("=")[2].partition(";")[0]]
        kept = {file.name: file.read_bytes() for file in hub.data_dir.iterdir() if file.is_file()}
        kept["redis"] = await asyncio.to_thread(dump, redis_url)
        kept["log"] = hub.log_text.encode()
        audit = await admin.call("GET", "/api/audit")
        kept["audit"] = str(audit.body).encode()
    assert {"hub.db", "hub.db-wal", "redis", "admin.token"} <= kept.keys()
    found = [(name, secret) for name, content in kept.items() for secret in secrets if secret.encode() in content]
    assert found == []


def dump(url: str) -> bytes:
    """Every key of a Redis with its value, as Redis itself would write it down."""
    with redis.Redis.from_url(url) as client:
        keys = list(client.scan_iter())
        assert keys
        return b"".join(key + bytes(client.dump(key) or b"") for key in keys)


async def test_state_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    hub = HubProcess(tmp_path)
    before = os.umask(0)
    try:
        await hub.start()
    finally:
        os.umask(before)
    async with hub.client() as admin:
        await admin.say(await admin.general(), "hello")
    open_to_others = [
        f"{path.name} {stat.filemode(path.stat().st_mode)}"
        for path in (hub.data_dir, *hub.data_dir.rglob("*"))
        if path.stat().st_mode & 0o077
    ]
    await hub.stop()
    assert open_to_others == []
