"""The hub that is broken: a throw-away one, or one that runs already and is started again as it was."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

from hubctl.errors import Failure
from hubctl.load import local
from hubctl.load.calls import Callers
from hubctl.target import TOKEN_FILE, Target

START_TIMEOUT_S = 30.0
SUPERVISED_TIMEOUT_S = 90.0
POLL_S = 0.05
REDIS_NAMES = ("redis-server", "valkey-server")


class Victim(Protocol):
    """A hub that may be broken. `pid` is None when its process is out of reach."""

    target: Target

    @property
    def pid(self) -> int | None:
        """Its process."""

    async def kill(self) -> None:
        """Kill -9, then see to it that it runs again."""


class Throwaway:
    """A hub of the drill's own, in a temporary directory."""

    def __init__(self, folder: Path) -> None:
        self.target = Target(f"http://127.0.0.1:{_free_port()}", None, str(folder))
        self._folder = folder
        self._process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid

    async def start(self) -> None:
        """Start it; returns when it is ready. Raises Failure with what it said when it does not get there."""
        port = self.target.url.rpartition(":")[2]
        argv = [sys.executable, "-P", "-m", "server", "--data-dir", str(self._folder / "data"), "--port", port]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        with self._log.open("ab") as log:
            self._process = _spawn(argv, environ, self._folder, log.fileno())
        try:
            await _until_ready(self.target, START_TIMEOUT_S)
        except Failure as error:
            text = self._log.read_text("utf-8", "replace")[-1500:]
            raise Failure(f"the throw-away hub does not start: {error.message}\n{text}") from None
        token = (self._folder / "data" / TOKEN_FILE).read_text("utf-8").strip()
        self.target = Target(self.target.url, token, self.target.token_source)

    async def kill(self) -> None:
        """See Victim."""
        self.end()
        await self.start()

    def end(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    @property
    def _log(self) -> Path:
        return self._folder / "hub.log"


@contextlib.asynccontextmanager
async def throwaway() -> AsyncIterator[Throwaway]:
    """A hub that is gone with everything it kept when the block ends."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="hub-drill-"))
    hub = Throwaway(folder)
    try:
        await hub.start()
        try:
            yield hub
        finally:
            hub.end()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Running:
    """A hub that was there before, here (`process`) or elsewhere (None: only its streams can be broken)."""

    def __init__(self, target: Target, process: local.Process | None) -> None:
        self.target = target
        self.restarted = False
        self._process = process

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid if self._process else None

    async def kill(self) -> None:
        """See Victim. What supervises it starts it again; without a supervisor it is started as it was."""
        assert self._process is not None
        life = _Life(self._process)
        os.kill(self._process.pid, signal.SIGKILL)
        if life.supervised:
            await _until_gone(self._process.pid)
            await _until_ready(self.target, SUPERVISED_TIMEOUT_S)
        else:
            await _until_gone(self._process.pid)
            life.start()
            self.restarted = True
            await _until_ready(self.target, START_TIMEOUT_S)
        self._process = await asyncio.to_thread(local.find, self.target.url)


class _Life:
    """How a process was started, read while it lives."""

    def __init__(self, process: local.Process) -> None:
        place = local.PROC / str(process.pid)
        try:
            self._argv = [os.fsdecode(word) for word in (place / "cmdline").read_bytes().split(b"\0")[:-1]]
            pairs = [word.partition(b"=") for word in (place / "environ").read_bytes().split(b"\0") if word]
            self._environ = {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
            self._folder = (place / "cwd").readlink()
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            self.supervised = (local.PROC / parent / "comm").read_text().strip() in ("systemd", "supervisord", "runsv")
        except OSError as error:
            raise Failure(f"cannot see how the hub was started, so it is not killed: {error.strerror}") from None
        self._user_id = process.user_id
        self._out = _output(place / "fd" / "1")

    def start(self) -> None:
        """Start the same again."""
        _spawn(self._argv, self._environ, self._folder, self._out, self._user_id)


def _output(place: Path) -> int:
    """Where the process printed, opened again; a pipe or a socket cannot be, then nowhere."""
    try:
        if place.is_fifo() or place.is_socket():
            return subprocess.DEVNULL
        return os.open(place, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    except OSError:
        return subprocess.DEVNULL


def _spawn(
    argv: list[str], environ: Mapping[str, str], folder: Path, out: int, user_id: int | None = None
) -> subprocess.Popen[bytes]:
    other = user_id if user_id is not None and user_id != os.geteuid() else None
    # A session of its own: Ctrl+C is meant for the drill, which then cleans up on a hub that still runs.
    return subprocess.Popen(
        argv,
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        start_new_session=True,
        user=other,
    )


def redis_of(pid: int) -> int | None:
    """The process of the private Redis of a hub; None when it has none now."""
    return next((child for child, name in local.children(pid).items() if name in REDIS_NAMES), None)


async def _until_ready(target: Target, timeout_s: float) -> None:
    async with Callers(target, timeout_s=2.0) as callers:
        try:
            async with asyncio.timeout(timeout_s):
                while not await callers.text(None, "/readyz"):  # noqa: ASYNC110 - only asking again tells
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise Failure(f"the hub at {target.url} was not ready within {timeout_s:.0f} s") from None


async def _until_gone(pid: int) -> None:
    while (local.PROC / str(pid)).exists() and not _is_zombie(pid):  # noqa: ASYNC110 - /proc tells nobody
        await asyncio.sleep(POLL_S)


def _is_zombie(pid: int) -> bool:
    try:
        return (local.PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
