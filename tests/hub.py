"""A real hub for tests: a process of its own, clients that speak HTTP to it, readers that follow its stream."""

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
import msgspec

from hubctl.sse import Frame, Parser
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 30.0
WAIT_S = 15.0

Json = dict[str, Any]


class HubProcess:
    """`python -m server` on a data directory and a port of the test's own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self.start_timeout_s = START_TIMEOUT_S
        self.wrap: tuple[str, ...] = ()
        """A command that runs the hub as its own process from the next start on (tests/faults.py)."""
        self._log = folder / "hub.log"
        self.options: tuple[str, ...] = ()
        """Further options of `python -m server`."""
        self.settings = settings
        self._trusted: ssl.SSLContext | bool = True
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            if self.process is not None:
                await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            await self.stop()

    def speak_tls(self, trusted: ssl.SSLContext) -> None:
        """The hub's settings have a certificate; who speaks to it believes `trusted`."""
        self.url = f"https://127.0.0.1:{self.port}"
        self._trusted = trusted

    def _connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(ssl=self._trusted)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    @property
    def admin_token(self) -> str:
        """The token of the command line."""
        return (self.data_dir / "admin.token").read_text().strip()

    async def welcomed(self) -> str:
        """The code of the one-time link, which comes a moment after the hub is ready."""
        async with asyncio.timeout(WAIT_S):
            while not any("/welcome#" in line for line in self.lines):
                await asyncio.sleep(0.01)
        return self.welcome_code

    @property
    def welcome_code(self) -> str:
        """The code of the one-time link that was printed last."""
        links = [line for line in self.lines if "/welcome#" in line]
        return links[-1].partition("#")[2]

    @property
    def log_text(self) -> str:
        """Everything that the hub logged so far."""
        return self._log.read_text()

    async def start(self, *, ready: bool = True) -> None:
        """Start the process; with `ready`, return when it can take messages."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
        # a test counts what it did itself; who wants the canary sets it
        environ |= {"HUB_PROBE_EVERY_S": "0"} | self.settings
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(
                    *self.wrap,
                    sys.executable,
                    "-m",
                    "server",
                    "--data-dir",
                    str(self.data_dir),
                    "--port",
                    str(self.port),
                    *self.options,
                ),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=environ,
            )
        self._reading = asyncio.create_task(self._read_lines())
        if ready:
            await self._until_ready()

    async def _read_lines(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    async def _until_ready(self) -> None:
        assert self.process is not None
        async with asyncio.timeout(self.start_timeout_s), aiohttp.ClientSession(connector=self._connector()) as session:
            while self.process.returncode is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.02)
        raise AssertionError(f"the hub ended with {self.process.returncode}:\n{self.log_text}")

    async def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):  # it has died already
            self.process.kill()
        await self._ended()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return await self._ended()

    async def _ended(self) -> int:
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), WAIT_S)
        assert self._reading is not None
        await self._reading
        self.process = None
        return code

    @contextlib.asynccontextmanager
    async def client(self, token: str | None = None) -> AsyncIterator["Client"]:
        """Somebody who speaks HTTP to this hub: the command line's account unless a token is given."""
        headers = {"Authorization": f"Bearer {self.admin_token if token is None else token}"}
        headers = headers if token != "" else {}
        async with aiohttp.ClientSession(self.url, headers=headers, connector=self._connector()) as session:
            yield Client(session)


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, body (JSON where it is that) and headers."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """One caller."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        """Make a request; `body` goes as JSON."""
        if body is not None:
            options["data"] = msgspec.json.encode(body)
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        async with self.session.request(method, path, **options) as response:
            raw = await response.read()
            is_json = response.content_type.endswith("json")
            return Answer(response.status, msgspec.json.decode(raw) if is_json else raw, dict(response.headers))

    async def ok(self, method: str, path: str, body: object = None) -> Any:
        """Make a request that must succeed; the answer's body."""
        answer = await self.call(method, path, body)
        assert answer.status < 300, answer
        return answer.body

    async def agent(self, agent_id: str | None = None, **more: object) -> tuple[str, str]:
        """As an admin: a new agent without limits, and a token for it."""
        agent_id = agent_id or f"agent-{uuid4().hex[:8]}"
        await self.ok("POST", "/api/agents", {"id": agent_id, "limits": {"message": 0}, **more})
        issued = await self.ok("POST", "/api/tokens", {"agentId": agent_id})
        return agent_id, issued["token"]

    async def channel(self, name: str | None = None, **more: object) -> str:
        """A new channel of the caller's; its id."""
        made = await self.ok("POST", "/api/channels", {"name": name or f"room-{uuid4().hex[:8]}", **more})
        return str(made["id"])

    async def general(self) -> str:
        """The id of the channel that everybody joins."""
        listed = await self.ok("GET", "/api/channels")
        return next(str(channel["id"]) for channel in listed["channels"] if channel["name"] == "general")

    async def say(self, channel_id: str, content: str, **more: object) -> Json:
        """Post a message that must be taken; the answer's body."""
        said = await self.ok("POST", "/api/messages", {"channelId": channel_id, "content": content, **more})
        assert isinstance(said, dict)
        return said

    @contextlib.asynccontextmanager
    async def stream(self, query: str = "", cursor: str | None = None) -> AsyncIterator["Frames"]:
        """An open stream whose hello has been read."""
        headers = {"Last-Event-ID": cursor} if cursor is not None else {}
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.session.get(f"/api/events{query}", headers=headers, timeout=timeout) as response:
            assert response.status == 200, await response.text()
            frames = Frames(response)
            frames.hello = await frames.next()
            yield frames


ATTENDANCE = frozenset({"agent.joined", "agent.left"})
PASSING = ATTENDANCE | {"system.performance.alert"}  # a busy machine makes a hub slow


class Frames:
    """The frames of one open stream, in order; what comes by itself (PASSING) is passed over unless asked for."""

    hello: Frame
    passing: frozenset[str] = PASSING

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._parser = Parser()
        self._ready: list[Frame] = []

    async def next(self, timeout_s: float = WAIT_S) -> Frame:
        """The next frame. Raises EOFError at the end of the stream."""
        async with asyncio.timeout(timeout_s):
            while not self._ready:
                chunk = await self.response.content.readany()
                if not chunk:
                    raise EOFError
                fed = self._parser.feed(chunk)
                self._ready.extend(frame for frame in fed if frame.event not in self.passing)
        return self._ready.pop(0)

    async def until(self, event: str) -> list[Frame]:
        """The frames up to and with the first of this type."""
        seen = [await self.next()]
        while seen[-1].event != event:
            seen.append(await self.next())
        return seen

    async def quiet(self, for_s: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            await self.next(for_s)
        except TimeoutError:
            return True
        return False


def envelope(frame: Frame) -> Json:
    """What a frame carries."""
    assert frame.data is not None
    decoded = msgspec.json.decode(frame.data)
    assert isinstance(decoded, dict)
    return decoded


def said(frame: Frame) -> str:
    """The words of a message's frame."""
    return str(envelope(frame)["event"]["message"]["content"])
