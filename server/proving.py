"""Proving that a hub works, from outside: ready, a page, a message there and back, a page of history.

An upgrade proves the new version so before anybody else gets in, and a backup is proved by a hub on a copy of it.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import aiohttp
import msgspec

from server.canary import Canary
from server.config import trial_socket
from server.core.stats import Stats
from server.dependant import dependant
from server.trial import PLACE_FILE, Place

PAUSE_S = 0.2
STOP_S = 10.0
SCRATCH_S = 120.0
"""How long a hub on a copy of a backup may take: nobody waits for it, and the machine may be busy."""

HOST = "http://localhost"


class NotProved(Exception):
    """The hub did not do in time what a hub does; the text says which."""


class Readiness(msgspec.Struct, frozen=True):
    """What is looked at of GET /readyz."""

    ready: bool = False
    version: str = ""


class Spoken(msgspec.Struct, frozen=True):
    """What is looked at of a message."""

    id: str = ""


class History(msgspec.Struct, frozen=True):
    """What is looked at of GET /api/messages."""

    messages: list[Spoken]


class Room(msgspec.Struct, frozen=True):
    """What is looked at of a channel."""

    id: str = ""


class Rooms(msgspec.Struct, frozen=True):
    """What is looked at of GET /api/channels."""

    channels: list[Room]


async def prove(data_dir: Path, within_s: float, alive: Callable[[], bool] = lambda: True) -> str:
    """Wait until the hub on trial in `data_dir` does all that a hub does; its version. Raises NotProved.

    Waiting ends early when it is no longer `alive`.
    """
    deadline_s = monotonic() + within_s
    last = "it did not come up"
    while (left_s := deadline_s - monotonic()) > 0:
        if not alive():
            raise NotProved("it ended by itself")
        try:
            async with asyncio.timeout(left_s):
                return await _asked(data_dir)
        except TimeoutError:
            # a question that came back in time and failed says more than the one that the end cut off
            last = last if last.startswith(("GET", "it said")) else "it did not answer"
        except (aiohttp.ClientError, OSError, NotProved, msgspec.MsgspecError) as error:
            last = str(error) or type(error).__name__
        await asyncio.sleep(PAUSE_S)
    raise NotProved(f"it did not prove in time that it works: {last}")


async def _asked(data_dir: Path) -> str:
    place = msgspec.json.decode((data_dir / PLACE_FILE).read_bytes(), type=Place)
    operator = (data_dir / "admin.token").read_text("utf-8").strip()
    async with aiohttp.ClientSession(HOST, connector=aiohttp.UnixConnector(str(trial_socket(data_dir)))) as nobody:
        readiness = msgspec.json.decode(await _get(nobody, "/readyz"), type=Readiness)
        if not readiness.ready:
            raise NotProved("it said that it is not ready")
        await _get(nobody, "/")
        rooms = msgspec.json.decode(await _get(nobody, "/api/channels", operator), type=Rooms)
        for room in rooms.channels[:1]:
            await _history(nobody, room.id, operator)
    headers = {"Authorization": f"Bearer {place.token}"}
    connector = aiohttp.UnixConnector(str(trial_socket(data_dir)))
    async with aiohttp.ClientSession(HOST, connector=connector, headers=headers) as canary:
        said = await Canary(Stats(), (place.channel_id, place.token), _kept, PAUSE_S).once(canary)
        if said not in [message.id for message in (await _history(canary, place.channel_id, place.token)).messages]:
            raise NotProved("it said what it was told, and does not have it in the history")
    return readiness.version


async def _kept(_channel_id: str) -> None:
    """What is said on trial is forgotten by the hub itself."""


async def _history(session: aiohttp.ClientSession, channel_id: str, token: str) -> History:
    return msgspec.json.decode(await _get(session, f"/api/messages?channelId={channel_id}", token), type=History)


async def _get(session: aiohttp.ClientSession, path: str, token: str = "") -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with session.get(path, headers=headers) as answer:
        if answer.status != 200:
            raise NotProved(f"GET {path} answered {answer.status}")
        return await answer.read()


def prove_scratch(data_dir: Path, database_url: str) -> None:
    """Start a hub of its own on this database, a copy, and prove it; nobody else can reach it. Raises NotProved."""
    gate = data_dir / "gate"
    gate.touch(mode=0o600)
    with _running(data_dir, gate, database_url) as hub:
        asyncio.run(prove(data_dir, SCRATCH_S, lambda: hub.poll() is None))


@contextmanager
def _running(data_dir: Path, gate: Path, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    # By environment, since a URL may hold a password; and nothing of what systemd or a person set for the real hub.
    strange = ("HUB_", "NOTIFY_", "WATCHDOG_", "CREDENTIALS_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    environ |= {"HUB_DATABASE_URL": database_url, "HUB_REDIS_URL": f"unix://{data_dir}/no-redis.sock"}
    # the code that is this process's own, wherever the interpreter's packages would lead
    environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    options = ("--data-dir", str(data_dir), "--closed-while", str(gate))
    # gone with this process, or a backup that was killed would leave a hub on trial for ever
    command = dependant(sys.executable, "-P", "-m", "server", *options)
    with tempfile.TemporaryFile() as log:
        hub = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            yield hub
        except NotProved as error:
            log.seek(0)
            words = log.read().decode("utf-8", "replace").strip().splitlines()
            raise NotProved(f"{error}. Its last word: {words[-1] if words else 'none'}") from None
        finally:
            hub.terminate()
            try:
                hub.wait(STOP_S)
            except subprocess.TimeoutExpired:
                hub.kill()
                hub.wait()
