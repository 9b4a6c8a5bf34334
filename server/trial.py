"""A hub on trial: while a gate stands it listens on a socket of its own alone, and nobody but its tester gets in.

An upgrade starts the new version so. The tester finds the socket, and in `trial.json` the canary's channel and a token;
when the gate is removed, the same process opens its port. A gate that is never removed is how a backup is tried out.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from server.config import trial_socket
from server.core.errors import Damaged
from server.core.hub import Hub
from server.core.probing import forget, found_probe
from server.datadir import DataDir
from server.notify import notify

LOOK_S = 0.1
PLACE_FILE = "trial.json"

logger = structlog.get_logger()


class TrialError(Exception):
    """No trial can be held."""


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where a tester may speak, and as whom: the canary's channel, and a token that lives as long as the process."""

    channel_id: str
    token: str


def stands(gate: Path | None) -> bool:
    """Whether there is a gate now."""
    return gate is not None and gate.exists()


async def stand_trial(
    runner: web.AppRunner, hub: Hub, data: DataDir, gate: Path, stopped: asyncio.Event, damaged: asyncio.Event
) -> None:
    """Let a tester in by a socket, who speaks as the canary does, and nobody else until the gate is gone, or the hub is
    `stopped`. Raises TrialError, and Damaged, since a tester would ask such a database until the time is over.
    """
    found_place = await found_probe(hub)
    if found_place is None:
        raise TrialError("a channel or an agent has the canary's name hub-probe: rename it, there can be no trial else")
    channel_id, secret = found_place
    socket = trial_socket(data.path)
    _clear(socket)
    site = web.UnixSite(runner, socket)
    await site.start()
    try:
        data.write_secret(PLACE_FILE, msgspec.json.encode(Place(channel_id, secret)).decode())
        logger.info("hub is on trial")
        notify("READY=1")
        while stands(gate) and not stopped.is_set():
            if damaged.is_set():
                raise Damaged
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), LOOK_S)
    finally:
        await site.stop()
        _clear(socket)
        (data.path / PLACE_FILE).unlink(missing_ok=True)
    await forget(hub, channel_id)


def _clear(socket: Path) -> None:
    """A hub that was killed on trial leaves its socket behind."""
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
