"""For those who run the hub or build on it: /healthz, /readyz, /metrics, /api/time, and the API's descriptions."""

import asyncio
from ipaddress import ip_address

import msgspec
from aiohttp import web

from server import __version__
from server.core import health as core_health
from server.core import rules
from server.core.clock import now_ms
from server.core.errors import Unauthorized
from server.web import encryption
from server.web.keys import ADMISSION, DOCUMENTS, ENCRYPTION, HEALTH, HUB, METRICS, SCRAPE, SETTINGS
from server.web.peer import is_forwarded
from server.web.problem import NO_STORE
from server.web.reading import answer


class Readiness(msgspec.Struct, frozen=True):
    """Whether the hub takes messages, and a word on each part: `ok`, or what is wrong."""

    ready: bool
    version: str
    parts: dict[str, str]


class Time(msgspec.Struct, frozen=True):
    """The hub's clock, ms since the epoch."""

    time: int


async def healthz(_request: web.Request) -> web.Response:
    """200 while the process turns."""
    return web.Response(text="ok\n", headers=NO_STORE)


async def readyz(request: web.Request) -> web.Response:
    """200 with a word for each part; 503 when nothing can be stored."""
    health = request.app[HEALTH]
    ready = await health.can_write()
    return answer(Readiness(ready, __version__, await health.parts()), 200 if ready else 503)


async def time(_request: web.Request) -> web.Response:
    """The hub's clock, ms since the epoch."""
    return answer(Time(now_ms()))


async def health(request: web.Request) -> web.Response:
    """How well the hub does: parts, objectives over 30 days, the way of the last five minutes' messages, alerts."""
    watch = request.app[HEALTH]
    streams = len(request.app[ADMISSION].streams)
    seen = core_health.Seen(__version__, await watch.parts(), streams, watch.disk_free_bytes())
    return answer(core_health.health(request.app[HUB], seen))


async def settings(request: web.Request) -> web.Response:
    """What the hub runs with, passwords masked; admins only."""
    rules.require_admin(request["caller"])
    return answer(request.app[SETTINGS])


async def authority(request: web.Request) -> web.Response:
    """The certificate of the hub's own authority, for devices that are to trust it."""
    return encryption.authority(request.app[ENCRYPTION])


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text, for this machine or with a token; made off the event loop, one at a time."""
    if request["caller"] is None and not _local(request):
        raise Unauthorized("token_required", "metrics are for this machine itself, or with a token")
    metrics_text = request.app[METRICS]
    async with request.app[SCRAPE]:
        metrics_text.look()
        text = await asyncio.get_running_loop().run_in_executor(None, metrics_text.text)
    return web.Response(body=text, headers={**NO_STORE, "Content-Type": metrics_text.content_type})


async def openapi(request: web.Request) -> web.Response:
    """The API's OpenAPI document."""
    return _document(request.app[DOCUMENTS].openapi)


async def asyncapi(request: web.Request) -> web.Response:
    """The events' AsyncAPI document."""
    return _document(request.app[DOCUMENTS].asyncapi)


def _document(text: bytes) -> web.Response:
    return web.Response(body=text, content_type="application/json", headers=NO_STORE)


def _local(request: web.Request) -> bool:
    """Whether the request comes from this machine itself and not through a proxy on it."""
    if is_forwarded(request):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
