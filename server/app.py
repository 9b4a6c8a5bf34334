"""The composition root: builds the parts, gives each what it needs, starts and stops them in order."""

import asyncio
import gc
import ssl
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import structlog
from aiohttp import web, web_response

from server import memory
from server.bus.cache import RedisPages
from server.bus.keys import Keys, Lifetimes, Names
from server.bus.limits import RedisCounters
from server.bus.link import Link
from server.bus.listener import Listener
from server.bus.pubsub import RedisBell
from server.bus.state import RedisState
from server.canary import Canary
from server.config import Settings
from server.core import questions, tally
from server.core.admission import Admission, Seats
from server.core.attendance import Attendance
from server.core.clock import CautiousClock
from server.core.company import Company
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.ending import announce_shutdown
from server.core.errors import Damaged
from server.core.follower import Follower
from server.core.founding import found, operator_token
from server.core.hub import OPERATOR, Hub
from server.core.indexing import keep_indexed
from server.core.letters import Letters
from server.core.levels import levels
from server.core.mirror import Mirror
from server.core.objectives import Objectives
from server.core.past import Past
from server.core.peers import Peers
from server.core.people import invite_first
from server.core.presence import Presences
from server.core.probing import forget, found_probe
from server.core.publisher import Publisher
from server.core.recent import Recent
from server.core.reporters import Reporters
from server.core.retention import keep
from server.core.ring import RING_BYTES
from server.core.signals import Echoes, Signals
from server.core.stats import Stats
from server.core.throttle import Throttle
from server.core.typists import Typists
from server.core.upkeep import Upkeep
from server.core.uses import Uses
from server.core.watch import Watch
from server.core.writer import QUEUE, Writer
from server.datadir import DataDir
from server.furnishing import bounds_of, link_to, pulse_of, redis_url
from server.greeting import address_of, greet, offer
from server.listening import open_site, pinned
from server.markdown import Markdown
from server.metrics import HubMetrics
from server.notify import beat, notify, patiently
from server.passwords import Argon2Passwords
from server.securing import encryption_of, proxies_of, tls_of
from server.store.database import Database
from server.store.engine import CACHE_BYTES
from server.store.migrating import migrate
from server.trial import stand_trial, stands
from server.web import asyncapi, openapi, pages
from server.web.answering import SERVER
from server.web.connection import Runner
from server.web.described import DESCRIPTIONS
from server.web.doorman import Doorman
from server.web.events import end_all
from server.web.express import Express
from server.web.hosts import Hosts
from server.web.keys import (
    ADMISSION,
    DOCUMENTS,
    DOORMAN,
    ENCRYPTION,
    HEALTH,
    HOSTS,
    HUB,
    METRICS,
    PROXIES,
    SCRAPE,
    SETTINGS,
    TYPESETTER,
)
from server.web.maintenance import RESTORE, maintenance
from server.web.middleware import edge
from server.web.ports import Documents
from server.web.reading import ARRIVING, ARRIVING_BYTES, BODY_BYTES, Arriving
from server.web.routes import mount

KEEPALIVE_S = 75.0
LINGERING_S = 5.0
"""How long the rest of a refused body is read and dropped, so that its sender gets to see the refusal."""

SHUTDOWN_S = 3.0
SERVING: dict[str, Any] = {
    "access_log": None,
    "handler_cancellation": True,
    "auto_decompress": False,
    "keepalive_timeout": KEEPALIVE_S,
    "lingering_time": LINGERING_S,
    "shutdown_timeout": SHUTDOWN_S,
}
"""How aiohttp is to treat connections."""

LARGEST_BYTES = 64 << 10
"""What a message that waits to be stored holds at most."""

SWITCH_S = 0.0005
"""How long the event loop's thread may keep the writer's thread waiting; Python's own 5 ms would be half the budget."""

COLLECT = (20_000, 20, 20)
"""When Python looks for cycles. Its own 700 new objects are a few requests: a fifth of the hub's time went there."""

logger = structlog.get_logger()


async def compose(settings: Settings, data: DataDir, stack: AsyncExitStack, damaged: asyncio.Event) -> web.Application:
    """Build and start everything but the listening socket; `stack` ends it in reverse order.

    `damaged` is set when the database turns out not to be whole; when that shows at once, Damaged is raised.
    """
    stats, directory = Stats(), Directory()
    pages.static_files()  # a page that cannot be put together fails here, and no request waits for it
    link = link_to(await redis_url(settings, stack), stats)
    stack.push_async_callback(link.close)
    await patiently(asyncio.get_running_loop().run_in_executor(None, migrate, settings.database_url))
    peers = Peers(str(uuid4()), token_bytes(32))
    log = Database(settings.database_url, peers.me, memory.share(64, CACHE_BYTES))
    log.on_damage = partial(_set_from_a_thread, asyncio.get_running_loop(), damaged)
    stack.callback(log.close)
    pulse = await pulse_of(settings, log, peers, stack)
    contents = await log.contents()
    directory.load(contents.changes, contents.version)
    dispatch = Dispatch(directory, stats, settings.streams.unsent_bytes, memory.share(32, RING_BYTES))
    head = await log.head()
    dispatch.start(head)
    echoes = Echoes()
    listener = Listener(Names(settings.redis.prefix), dispatch, directory, stats, echoes, peers)
    bell = RedisBell(link, settings.redis.prefix, stats, listener.heard)
    await bell.start()
    stack.push_async_callback(bell.stop)
    letters = Letters(peers)
    company = Company(peers, letters, bell, dispatch, echoes)
    listener.on_letter = company.read
    signals = Signals(dispatch, bell, echoes, letters)
    stack.push_async_callback(signals.stop)
    publisher = Publisher(bell, stats)
    stack.push_async_callback(publisher.stop)
    writer = Writer(log, directory, dispatch, publisher, stats, memory.share(8 * LARGEST_BYTES, QUEUE))
    follower = Follower(log, directory, dispatch, writer, peers)
    stack.push_async_callback(follower.stop)  # after the writer, whose last decisions may wait for it
    stack.push_async_callback(writer.stop)
    if pulse is not None:
        pulse.heard, pulse.woken = follower.heard, follower.nudge
        follower.start()
        await follower.look()
    hub = _hub(settings, Core(directory, log, writer, dispatch, stats, signals, follower, peers, company), link, stack)
    await found(hub)
    await _write_admin_token(hub, data)
    watch = Watch(hub, settings.data_dir)
    stack.push_async_callback(hub.uses.flush, writer)
    hub.objectives.load(await log.records.objective_hours(0))
    stack.push_async_callback(hub.objectives.stop, writer)
    judging = hub.objectives.run(writer, OPERATOR)
    keeping = (keep(hub, settings.log.retention_days, CautiousClock(head.newest_ms)), keep_indexed(hub))
    for turn in (watch.run(), questions.watch(hub), hub.uses.run(writer), *keeping, judging, tally.run(hub)):
        stack.callback(asyncio.create_task(turn).cancel)
    markdown = Markdown()
    stack.push_async_callback(markdown.stop)
    return _application(settings, hub, watch, markdown)


class Core(NamedTuple):
    """The parts that events pass through."""

    directory: Directory
    log: Database
    writer: Writer
    dispatch: Dispatch
    stats: Stats
    signals: Signals
    follower: Follower
    peers: Peers
    company: Company


def _hub(settings: Settings, core: Core, link: Link, stack: AsyncExitStack) -> Hub:
    """The hub with its state in Redis, and what keeps that up."""
    directory, log, writer, dispatch, stats, signals, follower, peers, company = core
    keys, lifetimes = Keys(settings.redis.prefix), Lifetimes()
    state = RedisState(link, keys, lifetimes)
    mirror = Mirror(directory, state)
    stack.push_async_callback(mirror.stop)
    attendance = Attendance(writer)
    stack.push_async_callback(attendance.stop)
    counters = RedisCounters(link, keys, lifetimes)
    stack.push_async_callback(counters.close)
    hub = Hub(
        directory,
        log,
        log.records,
        writer,
        dispatch,
        stats,
        Argon2Passwords(),
        bounds_of(settings),
        counters,
        Recent(log, RedisPages(link, keys, lifetimes), dispatch, peers),
        Past(log),
        Presences(directory, signals, state, stats, ttl_s=lifetimes.presence_s),
        Typists(directory, signals, state, stats, ttl_s=lifetimes.typing_s),
        mirror,
        Throttle(),
        Uses(),
        Reporters(),
        Objectives(stats),
        follower,
    )
    company.attend(hub.presences, attendance)
    meeting = partial(company.turn, state, hub.uses, directory)
    upkeep = Upkeep(dispatch, hub.presences, hub.typists, attendance, mirror, state, meeting)
    turning = asyncio.create_task(upkeep.run())
    stack.callback(turning.cancel)
    return hub


async def _write_admin_token(hub: Hub, data: DataDir) -> None:
    file = data.path / "admin.token"
    present = file.read_text("utf-8").strip() if file.exists() else None
    token = await operator_token(hub, present)
    if token != present:
        data.write_secret("admin.token", token)


def _application(settings: Settings, hub: Hub, watch: Watch, markdown: Markdown) -> web.Application:
    app = web.Application(middlewares=[edge], client_max_size=BODY_BYTES)
    seats = Seats(settings.streams.per_token, settings.streams.per_address, settings.streams.total)
    admission = Admission(seats)
    app[HUB] = hub
    app[ARRIVING] = Arriving(memory.share(16, ARRIVING_BYTES))
    app[ADMISSION] = admission
    app[HOSTS] = Hosts([settings.server.host, *settings.server.allowed_hosts])
    proxies = app[PROXIES] = proxies_of(settings)
    app[DOORMAN] = Doorman(settings.server.waiting_per_address, proxies.listed)
    app[ENCRYPTION] = encryption_of(settings)
    app[HEALTH] = watch
    app[TYPESETTER] = markdown
    app[SETTINGS] = settings.described()
    app[SCRAPE] = asyncio.Lock()
    app[DOCUMENTS] = Documents(
        msgspec.json.encode(openapi.document(DESCRIPTIONS)), msgspec.json.encode(asyncapi.document())
    )
    app[METRICS] = HubMetrics(
        hub.stats,
        lambda: levels(hub, admission),
        settings.data_dir,
    )
    mount(app)

    async def end_streams(_app: web.Application) -> None:
        await announce_shutdown(hub)
        await end_all(admission, "shutdown")

    app.on_shutdown.append(end_streams)
    return app


async def serve(settings: Settings, data: DataDir, stopped: asyncio.Event, gate: Path | None = None) -> None:
    """Run the hub until `stopped`; on a damaged database, only a page that says how to restore it.

    While there is a file `gate`, nobody but a tester gets in (`server.trial`), and damage is no page but an error.
    """
    sys.setswitchinterval(SWITCH_S)
    tls = tls_of(settings)
    # what aiohttp calls itself names its version and Python's; it has no setting for that
    web_response.SERVER_SOFTWARE = SERVER  # type: ignore[attr-defined]
    try:
        await _serve_hub(settings, data, stopped, tls, gate)
    except Damaged as error:
        if gate is not None and stands(gate):
            raise
        logger.critical(error.detail, command=RESTORE)
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(maintenance(error), **SERVING)
            await _begin(runner, stack)
            await _open(runner, settings, tls)
            stack.callback(asyncio.create_task(beat()).cancel)
            notify("READY=1")
            await stopped.wait()
            notify("STOPPING=1")


async def _composed(
    settings: Settings, data: DataDir, stack: AsyncExitStack, damaged: asyncio.Event
) -> web.Application:
    """What `compose` makes, nearly all of which stays: the collector does not look at it meanwhile, nor later."""
    gc.disable()
    try:
        return await compose(settings, data, stack, damaged)
    finally:
        gc.freeze()
        gc.set_threshold(memory.share(50_000, COLLECT[0]), *COLLECT[1:])
        gc.enable()


async def _open(runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> int:
    place = settings.server
    return await open_site(runner, place.host, place.port, tls, place.waiting_per_address)


async def _serve_hub(
    settings: Settings, data: DataDir, stopped: asyncio.Event, tls: ssl.SSLContext | None, gate: Path | None
) -> None:
    """Prints the address, and the one-time link while there is no human. Raises Damaged, when it has ended in order."""
    damaged = asyncio.Event()
    async with AsyncExitStack() as stack:
        app = await _composed(settings, data, stack, damaged)
        runner = Runner(app, Express(app).take, **SERVING)
        await _begin(runner, stack)
        stack.callback(asyncio.create_task(beat()).cancel)
        if gate is not None and stands(gate):
            await stand_trial(runner, app[HUB], data, gate, stopped, damaged)
            if stopped.is_set():
                return
        port = await _open(runner, settings, tls)
        await _let_the_canary_sing(settings, app[HUB], port, stack)
        showing_out = asyncio.create_task(app[DOORMAN].run(lambda: runner.connections))
        stack.callback(showing_out.cancel)
        address = address_of(settings.server.host, port, tls=tls is not None)
        greet(address)
        code = await invite_first(app[HUB])
        if code is not None:
            offer(address, code)
        logger.info("hub is ready", address=address, seq=app[HUB].dispatch.head, epoch=app[HUB].dispatch.epoch)
        notify("READY=1")
        await _either(stopped, damaged)
        if damaged.is_set():
            raise Damaged
        notify("STOPPING=1")
        logger.info("hub is stopping")


async def _begin(runner: web.AppRunner, stack: AsyncExitStack) -> None:
    """What answers requests until `stack` ends, once it has a site."""
    await runner.setup()
    stack.push_async_callback(runner.cleanup)


def _set_from_a_thread(loop: asyncio.AbstractEventLoop, happening: asyncio.Event) -> None:
    loop.call_soon_threadsafe(happening.set)


async def _either(*happenings: asyncio.Event) -> None:
    """Wait for the first of them."""
    waiting = [asyncio.create_task(happening.wait()) for happening in happenings]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _let_the_canary_sing(settings: Settings, hub: Hub, port: int, stack: AsyncExitStack) -> None:
    every_s = settings.probe.every_s
    place = await found_probe(hub) if every_s > 0 else None
    if place is not None:
        trusted = pinned(settings.server.tls_cert) if settings.server.tls_cert else None
        canary = Canary(hub.stats, place, partial(forget, hub), every_s, trusted)
        stack.callback(asyncio.create_task(canary.run(settings.server.host, port)).cancel)
