"""Telling systemd how the hub fares (sd_notify): ready, alive, stopping. Without systemd it does nothing."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

BEATS_PER_PERIOD = 3
"""So two beats may be late before systemd takes the hub for stuck."""


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send `READY=1`, `STOPPING=1` or the like; nobody listening is no mistake."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door, contextlib.suppress(OSError):
        door.sendto(state.encode(), name)


async def beat(environ: Mapping[str, str] = os.environ) -> None:
    """Say that the event loop turns, for as long as it does; a loop that is stuck falls silent and is restarted."""
    period_s = int(environ.get("WATCHDOG_USEC") or 0) / 1e6
    while period_s:
        notify("WATCHDOG=1", environ)
        await asyncio.sleep(period_s / BEATS_PER_PERIOD)


async def patiently(working: "asyncio.Future[T]", every_s: float = 20.0, environ: Mapping[str, str] = os.environ) -> T:
    """Wait for what takes long at the start, and tell systemd meanwhile that it goes on."""
    while not (await asyncio.wait([working], timeout=every_s))[0]:
        notify(f"EXTEND_TIMEOUT_USEC={3 * every_s * 1e6:.0f}", environ)
    return await working
