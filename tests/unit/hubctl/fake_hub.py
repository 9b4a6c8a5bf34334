"""A hub of canned answers on a real port, in a thread of its own: the client is tested on what it sends and shows."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

GENERAL: dict[str, Any] = {
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "general",
    "isPrivate": False,
    "memberCount": 2,
}
OPS: dict[str, Any] = {
    "id": "22222222-2222-4222-8222-222222222222",
    "name": "ops",
    "isPrivate": True,
    "archivedAt": 1708554000000,
}


@dataclass
class Reply:
    """What the hub says to one call. `breaks` closes the connection in place of an answer."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False


@dataclass
class Asked:
    """What the hub was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class FakeHub:
    """Answers by `(method, path)`; several replies to one call are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[tuple[str, str], list[Reply]] = {}
        self.streams: list[bytes | Reply] = []
        self.url = ""
        self.reply("GET", "/api/channels", Reply({"channels": [GENERAL, OPS]}))
        self.reply("GET", "/api/me", Reply({"id": "admin", "kind": "human", "displayName": "Admin"}))

    def reply(self, method: str, path: str, *replies: Reply) -> None:
        """Set what `method path` is answered with."""
        self.replies[method, path] = list(replies)

    def bodies(self, method: str, path: str) -> list[Any]:
        """The bodies of the calls to `method path`, in order."""
        return [asked.body for asked in self.asked if (asked.method, asked.path) == (method, path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        if request.path == "/api/events":
            return await self._stream(request)
        replies = self.replies.get((request.method, request.path), [Reply({"code": "not_found"}, 404)])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return self._answered(request, reply)

    def _answered(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.breaks:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(reply.body, str):
            return web.Response(text=reply.body, status=reply.status, headers=reply.headers)
        if reply.body is None:
            return web.Response(status=reply.status, headers=reply.headers)
        kind = "application/problem+json" if reply.status >= 400 else "application/json"
        return web.json_response(reply.body, status=reply.status, headers=reply.headers, content_type=kind)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        script = self.streams.pop(0) if self.streams else Reply({"code": "no_more"}, 403)
        if isinstance(script, Reply):
            return self._answered(request, script)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(script)
        return response


@contextmanager
def running() -> Iterator[FakeHub]:
    """A fake hub that listens; `url` says where."""
    hub = FakeHub()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    runner: web.AppRunner | None = None

    async def start() -> None:
        nonlocal runner
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", hub.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    def serve() -> None:
        loop.run_until_complete(start())
        loop.call_soon(started.set)  # not earlier: a stop that comes before run_forever would be lost
        loop.run_forever()
        assert runner is not None
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(10)
    try:
        yield hub
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        assert not thread.is_alive()
