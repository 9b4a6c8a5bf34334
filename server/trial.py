"""A hub on trial: while a gate stands it listens on a socket of its own alone, and nobody but its tester gets in.

An upgrade starts the new version so. The tester finds the socket, and in `trial.json` the canary's channel and a token;
when the gate is removed, the same process opens its port. A gate that is never removed is how a backup is tried out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from aiohttp import web

LOOK_S = 0.1
PLACE_FILE = "trial.json"


class TrialError(Exception):
    """No trial can be held."""


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where a tester may speak, and as whom: the canary's channel, and a token that lives as long as the process."""

    channel_id: str
    token: str


def stands(gate: Path | None) -> bool:
    """Whether there is a gate now."""
    return gate is not None and gate.exists()


async def stand(
    runner: web.AppRunner, socket: Path, gate: Path, stopped: asyncio.Event, ready: Callable[[], Awaitable[None]]
) -> None:
    """Listen on `socket` alone until `gate` is gone, or the hub is `stopped`; `ready` is awaited once it listens."""
    _clear(socket)
    site = web.UnixSite(runner, socket)
    await site.start()
    try:
        await ready()
        while stands(gate) and not stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), LOOK_S)
    finally:
        await site.stop()
        _clear(socket)


def _clear(socket: Path) -> None:
    """A hub that was killed on trial leaves its socket behind."""
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
