"""The real nginx and Caddy in front of a hub: with nginx's own defaults, and as the examples in deploy/ have them."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from hubctl.certificates import make_authority, make_certificate
from tests.hub import Client, HubProcess, said
from tests.servers import MissingServerError, free_port

PROXY = Path(__file__).resolve().parents[2] / "deploy/proxy"
START_S = 30.0
SHORT_S = 20
"""nginx gives up a server that says nothing for a minute. So that idling need not last for ten, it is told this."""


class Behind:
    """A hub behind a proxy: where the proxy listens, and what to trust."""

    def __init__(self, hub: HubProcess, url: str, authority: Path | None = None) -> None:
        self.hub = hub
        self.url = url
        self._trusted = ssl.create_default_context(cafile=str(authority)) if authority else True

    @contextlib.asynccontextmanager
    async def client(self, token: str = "", **headers: str) -> AsyncIterator[Client]:
        """Somebody who comes through the proxy."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connector = aiohttp.TCPConnector(ssl=self._trusted)
        async with aiohttp.ClientSession(self.url, headers=headers, connector=connector) as session:
            yield Client(session)

    async def up(self) -> None:
        """Wait until the proxy lets the hub be seen."""
        async with asyncio.timeout(START_S), self.client() as nobody:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    if (await nobody.call("GET", "/readyz")).status == 200:
                        return
                await asyncio.sleep(0.05)


@contextlib.contextmanager
def running(*command: str | Path, log: Path) -> Iterator[None]:
    """Run a proxy until the block ends."""
    found = shutil.which(str(command[0]), path="/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin")
    if found is None:
        raise MissingServerError(f"{command[0]} is missing: install {command[0]}")
    with log.open("wb") as out:
        argv = ["setpriv", "--pdeathsig", "KILL", found, *map(str, command[1:])]
        process = subprocess.Popen(argv, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                # Caddy waits for streams to end.
                process.kill()
                process.wait()


def nginx(folder: Path, servers: str) -> Path:
    """A configuration of nginx's that needs no rights and leaves everything else as nginx has it."""
    file = folder / "nginx.conf"
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr;\nevents {{}}\n"
        f"http {{ access_log off; {places}\n{servers}\n}}\n"
    )
    return file


def certified(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for localhost: the authority, the certificate, its key."""
    authority = make_authority("an authority", [], datetime.now(UTC))
    pair = make_certificate(authority, ["localhost"], datetime.now(UTC))
    files = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    for file, content in zip(files, (authority.cert, pair.cert, pair.key), strict=True):
        file.write_bytes(content)
    return files


@pytest.fixture
async def by_default(own_hub: HubProcess, tmp_path: Path) -> AsyncIterator[Behind]:
    """nginx with nothing said but where the hub is, and that it is to lose its patience sooner."""
    port = free_port()
    place = f"location / {{ proxy_pass http://127.0.0.1:{own_hub.port}; proxy_read_timeout {SHORT_S}s; }}"
    file = nginx(tmp_path, f"server {{ listen 127.0.0.1:{port}; {place} }}")
    with running("nginx", "-p", tmp_path, "-c", file, log=tmp_path / "nginx.log"):
        behind = Behind(own_hub, f"http://127.0.0.1:{port}")
        await behind.up()
        yield behind


@pytest.fixture(params=["nginx", "caddy"])
async def as_shown(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Behind]:
    """A proxy by the example in deploy/, with only its name, ports and files changed."""
    port, plain = free_port(), free_port()
    ca, cert, key = certified(tmp_path)
    trusting = {"HUB_SERVER_TRUSTED_PROXIES": "127.0.0.1", "HUB_SERVER_LOGIN_HEADER": "Remote-User"}
    async with HubProcess(tmp_path, **trusting) as hub:
        if request.param == "nginx":
            text = (PROXY / "nginx.conf").read_text()
            for old, new in (
                ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                ("listen [::]:443 ssl;", ""),
                ("listen 80;", f"listen 127.0.0.1:{plain};"),
                ("listen [::]:80;", ""),
                ("server_name hub.example", "server_name localhost"),
                ("/etc/letsencrypt/live/hub.example/fullchain.pem", str(cert)),
                ("/etc/letsencrypt/live/hub.example/privkey.pem", str(key)),
                ("http://127.0.0.1:8080", f"http://127.0.0.1:{hub.port}"),
            ):
                assert old in text, old
                text = text.replace(old, new)
            command: tuple[str | Path, ...] = ("nginx", "-p", tmp_path, "-c", nginx(tmp_path, text))
        else:
            text = (PROXY / "Caddyfile").read_text()
            site = f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}\n"
            for old, new in (
                ("\nhub.example {\n", f"\n{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}"),
                ("127.0.0.1:8080", f"127.0.0.1:{hub.port}"),
            ):
                assert old in text, old
                text = text.replace(old, new)
            file = tmp_path / "Caddyfile"
            file.write_text(text)
            command = ("caddy", "run", "--adapter", "caddyfile", "--config", file)
        with running(*command, log=tmp_path / "proxy.log"):
            behind = Behind(hub, f"https://localhost:{port}", ca)
            await behind.up()
            yield behind


async def hears_at_once(behind: Behind) -> None:
    """Each message is heard before the next one is said; a proxy that buffers would wait for more."""
    async with behind.client(behind.hub.admin_token) as admin, admin.stream() as frames:
        general = await admin.general()
        for number in range(3):
            await admin.say(general, f"message {number}")
            assert said((await frames.until("channel.message"))[-1]) == f"message {number}"


async def test_the_default_nginx_passes_each_event_on_as_it_comes(by_default: Behind) -> None:
    await hears_at_once(by_default)


async def test_an_idle_stream_outlives_the_patience_of_nginx(by_default: Behind) -> None:
    async with by_default.client(by_default.hub.admin_token) as admin, admin.stream() as frames:
        general = await admin.general()
        # More than twice as long as nginx would take for a server that is gone; what comes meanwhile are bare ids.
        idle_until_s = time.monotonic() + 2.2 * SHORT_S
        while (left_s := idle_until_s - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                assert (await frames.next(left_s)).data is None
        await admin.say(general, "still there?")
        assert said((await frames.until("channel.message"))[-1]) == "still there?"


async def test_nginx_does_lose_its_patience_with_a_server_that_says_nothing(tmp_path: Path) -> None:
    """The test above could fail: what is quiet for longer is cut off."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\n: hello\n\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    upstream = server.sockets[0].getsockname()[1]
    place = f"location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_read_timeout 1s; }}"
    file = nginx(tmp_path, f"server {{ listen 127.0.0.1:{port}; {place} }}")
    with running("nginx", "-p", tmp_path, "-c", file, log=tmp_path / "nginx.log"):
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/") as response:
                        with contextlib.suppress(aiohttp.ClientPayloadError):
                            assert await response.read() == b": hello\n\n"
                        break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
    server.close()


async def test_the_example_passes_each_event_on_as_it_comes(as_shown: Behind) -> None:
    await hears_at_once(as_shown)


async def test_behind_the_example_a_cookie_is_secure_whatever_a_client_says_of_its_way(as_shown: Behind) -> None:
    arrival = {"code": await as_shown.hub.welcomed(), "id": "maya", "password": "a short sentence is easiest"}
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    async with as_shown.client("", **forged) as browser:
        came = await browser.call("POST", "/api/welcome", arrival)
    assert came.status == 201
    assert came.headers["Set-Cookie"].startswith("__Host-hub_session=")
    assert "Secure" in came.headers["Set-Cookie"]


async def test_behind_the_example_nobody_signs_in_by_a_header(as_shown: Behind) -> None:
    async with as_shown.client("", **{"Remote-User": "hubctl"}) as browser:
        assert (await browser.call("GET", "/api/me")).status == 401


async def test_behind_the_example_metrics_take_a_token(as_shown: Behind) -> None:
    async with as_shown.client() as nobody:
        assert (await nobody.call("GET", "/metrics")).status == 401
    async with as_shown.client(as_shown.hub.admin_token) as admin:
        assert (await admin.call("GET", "/metrics")).status == 200


async def test_behind_the_example_a_body_that_is_too_large_is_refused(as_shown: Behind) -> None:
    async with as_shown.client(as_shown.hub.admin_token) as admin:
        general = await admin.general()
        told = await admin.call("POST", "/api/messages", {"channelId": general, "content": "x" * 400_000})
        assert told.status == 413
