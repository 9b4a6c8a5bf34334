"""The hub speaks HTTPS, leads those who come without it there, and hands out its authority's certificate."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from hubctl.certificates import Pair, make_authority, make_certificate
from server.proving import prove
from tests.hub import HubProcess
from tests.wire import wire

NAMES = ("localhost", "127.0.0.1")


class Certified:
    """An authority and a hub's certificate, as files."""

    def __init__(self, folder: Path) -> None:
        self.authority: Pair = make_authority("an authority", [], datetime.now(UTC))
        pair = make_certificate(self.authority, NAMES, datetime.now(UTC))
        self.cert, self.key, self.ca = (folder / name for name in ("cert.pem", "key.pem", "ca.crt"))
        self.cert.write_bytes(pair.cert)
        self.key.write_bytes(pair.key)
        self.ca.write_bytes(self.authority.cert)

    def hub(self, folder: Path, **settings: str) -> HubProcess:
        names = {"TLS_CERT": self.cert, "TLS_KEY": self.key, "TLS_CA": self.ca}
        hub = HubProcess(folder, **{f"HUB_SERVER_{name}": str(file) for name, file in names.items()}, **settings)
        hub.speak_tls(ssl.create_default_context(cafile=str(self.ca)))
        return hub


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return Certified(tmp_path)


@pytest.fixture
async def hub(certified: Certified, tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with certified.hub(tmp_path, HUB_PROBE_EVERY_S="0.2") as hub:
        yield hub


async def plain(hub: HubProcess, method: str, path: str, **options: object) -> tuple[int, str, str]:
    url = f"http://localhost:{hub.port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, allow_redirects=False, **options) as answer,  # type: ignore[arg-type]
    ):
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def test_messages_and_streams_go_through_tls(hub: HubProcess) -> None:
    async with hub.client() as admin, admin.stream() as frames:
        channel = await admin.general()
        said = await admin.say(channel, "behind closed doors")
        assert said["message"]["content"] == "behind closed doors"
        await frames.until("channel.message")
    assert await hub.welcomed()
    assert hub.lines[0] == f"https://127.0.0.1:{hub.port}/"


async def test_one_address_does_not_keep_the_door_from_others(certified: Certified, tmp_path: Path) -> None:
    async with (
        certified.hub(tmp_path, HUB_SERVER_WAITING_PER_ADDRESS="20") as hub,
        contextlib.AsyncExitStack() as places,
    ):
        lines = [await places.enter_async_context(wire(hub)) for _ in range(20)]
        for line in lines[::2]:
            await line.sends(b"\x16\x03\x01")  # the beginning of a handshake, and no more
        await asyncio.sleep(3)
        newer = [await places.enter_async_context(wire(hub)) for _ in range(5)]
        async with asyncio.timeout(8):  # sooner than those who are silent are shown out for that
            while sum(line.is_closed for line in lines[:6]) < 5:
                await asyncio.sleep(0.1)
        assert not any(line.is_closed for line in newer)
        async with hub.client() as admin:
            assert (await admin.call("GET", "/api/me")).status == 200


async def test_a_browser_keeps_its_session_in_a_cookie_of_this_host(hub: HubProcess) -> None:
    arrival = {"code": await hub.welcomed(), "id": "maya", "password": "a short sentence is easiest"}
    async with hub.client("") as nobody:
        came = await nobody.call("POST", "/api/welcome", arrival)
    assert came.status == 201
    cookie = came.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hub_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= {word.strip() for word in cookie.split(";")}


async def test_who_comes_without_tls_is_led_to_it(hub: HubProcess) -> None:
    assert (await plain(hub, "GET", "/"))[:2] == (308, f"https://localhost:{hub.port}/")
    assert (await plain(hub, "GET", "/welcome"))[1] == f"https://localhost:{hub.port}/welcome"


async def test_what_may_have_shown_a_secret_is_refused_without_tls(hub: HubProcess) -> None:
    token = {"Authorization": f"Bearer {hub.admin_token}"}
    for method, path, options in (
        ("GET", "/api/me", {"headers": token}),
        ("GET", "/", {"headers": token}),
        ("POST", "/api/login", {"json": {"id": "maya", "password": "a short sentence is easiest"}}),
    ):
        status, location, text = await plain(hub, method, path, **options)
        assert (status, location) == (403, "")
        assert "tls_required" in text


async def test_the_authority_is_handed_out_with_and_without_tls(hub: HubProcess, certified: Certified) -> None:
    assert (await plain(hub, "GET", "/ca.crt"))[::2] == (200, certified.authority.cert.decode())
    async with hub.client("") as nobody:
        fetched = await nobody.call("GET", "/ca.crt")
    assert fetched.body == certified.authority.cert
    assert fetched.headers["Content-Type"] == "application/x-x509-ca-cert"


async def test_noise_and_silence_at_the_door_disturb_nobody(hub: HubProcess) -> None:
    doors = [await asyncio.open_connection("127.0.0.1", hub.port) for _ in range(50)]
    for number, (_, writer) in enumerate(doors):
        writer.write((b"", b"\x16\x03\x01 no handshake", b"\0\0\0")[number % 3])
    async with hub.client() as admin:
        assert (await admin.call("GET", "/api/me")).status == 200
    async with asyncio.timeout(60):
        for reader, writer in doors:
            await reader.read()  # to the end: the hub closes
            writer.close()
    assert "Traceback" not in hub.log_text


async def test_the_canary_sings_through_tls(hub: HubProcess) -> None:
    async with asyncio.timeout(30), hub.client() as admin:
        while b"hub_probe_success 1.0" not in (await admin.call("GET", "/metrics")).body:
            await asyncio.sleep(0.2)


async def test_a_new_version_proves_itself_by_its_socket_before_anybody_comes_by_tls(
    certified: Certified, tmp_path: Path
) -> None:
    hub = certified.hub(tmp_path)
    gate = tmp_path / "gate"
    gate.touch()
    hub.options = ("--closed-while", str(gate))
    await hub.start(ready=False)
    try:
        assert await prove(hub.data_dir, 60)
        gate.unlink()
        await hub._until_ready()
    finally:
        await hub.stop()


@pytest.mark.parametrize(
    ("lacks", "words"), [("TLS_KEY", "go together"), ("TLS_CERT", "go together"), ("", "server.tls_cert")]
)
async def test_a_certificate_that_cannot_serve_is_named(
    certified: Certified, tmp_path: Path, lacks: str, words: str
) -> None:
    hub = certified.hub(tmp_path)
    if lacks:
        del hub.settings[f"HUB_SERVER_{lacks}"]
    else:
        certified.key.write_bytes(make_certificate(certified.authority, NAMES, datetime.now(UTC)).key)
    await hub.start(ready=False)
    assert hub.process is not None
    assert await hub.process.wait() == 1
    assert words in hub.log_text


async def test_a_hub_on_trial_is_asked_without_tls_by_its_own_machine(certified: Certified, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    hub = certified.hub(tmp_path)
    hub.options = ("--closed-while", str(gate))
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    await hub.stop()
