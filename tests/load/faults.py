"""Faults that last, at the length and with the figures that they are meant to hold; part of `make soak`."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.crowd import Crowd, exact_rest
from tests.faults import tampered
from tests.hub import HubProcess
from tests.oracle import Company, company, p99
from tests.servers import own_redis

LASTING_S = 60.0
CALM_S = 20.0
CONNECTS = 1000
CROWD = 1000
LIVE_AGAIN_S = 10.0
MANY = {"HUB_STREAMS_PER_TOKEN": "0", "HUB_STREAMS_TOTAL": "4096"}


@dataclass(frozen=True, slots=True)
class Tried:
    """A fault, what was measured, and what the oracle and the goals say of it; nothing when all is well."""

    name: str
    measured: str
    wrong: list[str]


async def lasting(folder: Path, say: Callable[[str], None]) -> list[Tried]:
    """Try each, one after the other."""
    found: list[Tried] = []
    for number, fault in enumerate((_redis_stopped, _redis_frozen, _slow_disk, _cursors, _crowd)):
        say(fault.__name__.strip("_").replace("_", " "))
        place = folder / str(number)
        await asyncio.to_thread(place.mkdir, parents=True)
        found.append(await fault(place))
    return found


async def _redis_stopped(folder: Path) -> Tried:
    with own_redis() as server:
        async with HubProcess(folder, HUB_REDIS_URL=server.url) as hub, company(hub) as talkers:
            since_s = await _calm(talkers)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(LASTING_S)
            return _waited(f"Redis stopped {LASTING_S:.0f} s", talkers, since_s, post_s=0.3, delivery_s=1.0)


async def _redis_frozen(folder: Path) -> Tried:
    with own_redis() as server:
        async with HubProcess(folder, HUB_REDIS_URL=server.url) as hub, company(hub) as talkers:
            since_s = await _calm(talkers)
            server.process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(LASTING_S)
                return _waited(f"Redis frozen {LASTING_S:.0f} s", talkers, since_s, post_s=0.3, delivery_s=1.0)
            finally:
                server.process.send_signal(signal.SIGCONT)


async def _slow_disk(folder: Path) -> Tried:
    async with HubProcess(folder) as hub, company(hub) as talkers:
        since_s = await _calm(talkers)
        async with tampered(hub.pid, "fdatasync:delay_enter=500ms"):
            await asyncio.sleep(LASTING_S)
            return _waited(f"a sync takes 500 ms, {LASTING_S:.0f} s", talkers, since_s, post_s=2.0, delivery_s=None)


async def _calm(talkers: Company) -> float:
    """Let them talk for a while with nothing wrong; returns when that ended."""
    await asyncio.sleep(CALM_S)
    return time.monotonic()


def _waited(name: str, talkers: Company, since_s: float, *, post_s: float, delivery_s: float | None) -> Tried:
    posts, lags = talkers.posts_s(since_s), talkers.lags_s(since_s)
    calm = talkers.posts_s(since_s - CALM_S, since_s), talkers.lags_s(since_s - CALM_S, since_s)
    wrong = [f"POST p99 over {post_s} s"] if p99(posts) > post_s else []
    if delivery_s is not None and max(lags) > delivery_s:
        wrong.append(f"a delivery took over {delivery_s} s")
    measured = f"POST p99 {p99(posts):.3f} s, slowest delivery {max(lags):.3f} s"
    return Tried(name, f"{measured} (before: {p99(calm[0]):.3f}, {max(calm[1]):.3f})", wrong)


async def _cursors(folder: Path) -> Tried:
    wrong = 0
    async with HubProcess(folder, **MANY) as hub, company(hub, agents=20, rate=200) as talkers:
        await talkers.progress(200)
        for _ in range(CONNECTS):
            try:
                await exact_rest(hub, talkers)
            except AssertionError:
                wrong += 1
        said = talkers.acknowledged
    words = [f"{wrong} got another history"] if wrong else []
    return Tried(f"{CONNECTS:,} random cursors at up to 200 msg/s", f"{said:,} messages meanwhile", words)


async def _crowd(folder: Path) -> Tried:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(HubProcess(folder, **MANY))
        crowd = Crowd(hub, CROWD)
        await crowd.come()
        stack.callback(crowd.go)
        await hub.kill()
        await hub.start()
        began_s = time.monotonic()
        await crowd.come()
        took_s = time.monotonic() - began_s
    return Tried(
        f"{CROWD:,} reconnect together", f"all live after {took_s:.1f} s", ["over 10 s"] if took_s > 10 else []
    )
