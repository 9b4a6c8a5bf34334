"""The private Redis: started by the hub on a unix socket, watched over, and gone when the hub is gone.

It holds nothing that the database cannot rebuild, so it writes nothing to disk and may be killed at any time.
Secrets reach it through its standard input, hashed; they stand on no command line and in no configuration file.
"""

import asyncio
import contextlib
import os
import re
import secrets
import subprocess
from pathlib import Path
from urllib.parse import quote

import structlog

from server.bus.embedded_conf import (
    EmbeddedRedisError,
    config,
    find_server,
    outsider_password,
    prepare_socket_dir,
)
from server.config import redis_socket
from server.dependant import dependant

__all__ = ["EmbeddedRedis", "EmbeddedRedisError"]

logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

START_TIMEOUT_S = 10.0
PREDECESSOR_TIMEOUT_S = 3.0
STOP_TIMEOUT_S = 1.0
POLL_S = 0.02
FIRST_RESTART_DELAY_S = 0.05
LONGEST_RESTART_DELAY_S = 2.0
STEADY_AFTER_S = 10.0
"""A server that lived this long has proved itself; the next restart is quick again."""


class EmbeddedRedis:
    """One Redis or Valkey server of our own, under `data_dir`.

    `start()` returns when it answers. From then on it is started again whenever it dies, with the same socket and
    password, until `stop()`, so a client that reconnects needs to know nothing. `prefix` goes before the names of keys
    and channels. Start it from the main thread: on Linux the server dies with the thread that started it.
    """

    def __init__(self, data_dir: Path, *, prefix: str = "") -> None:
        if not re.fullmatch(r"[A-Za-z0-9:._-]*", prefix):
            raise EmbeddedRedisError(f"redis.prefix may hold letters, digits and : . _ - only, not {prefix!r}")
        self.data_dir = data_dir
        self.prefix = prefix
        self.socket = redis_socket(data_dir)
        self.restarts = 0
        self._password = secrets.token_urlsafe(32)
        self._config = b""
        self._command: list[str] = []
        self._server: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """For `redis.asyncio.from_url`, with the hub's own user and password: not for logs."""
        return f"unix://hub:{self._password}@{quote(str(self.socket))}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while there is no server."""
        server = self._server
        return server.pid if server and server.returncode is None else None

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises EmbeddedRedisError."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare_socket_dir(self.socket)
        binary, version = find_server()
        # Killed when the hub dies: an orderly exit would unlink the socket, by then perhaps the next hub's.
        self._command = dependant(str(binary), "-")
        self._config = config(
            self.socket,
            hub_password=self._password,
            outsider=outsider_password(self.data_dir),
            prefix=self.prefix,
            version=version,
        ).encode()
        await self._outlive_predecessor()
        os.close(self._open_log(os.O_TRUNC))
        try:
            await self._spawn()
            await self._answers()
        except BaseException:
            await self._end_server()
            raise
        self._watch = asyncio.create_task(self._supervise(), name="embedded-redis")

    async def stop(self) -> None:
        """Stop the server within two seconds and leave no socket behind. May be called twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        await self._end_server()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s = FIRST_RESTART_DELAY_S
        while self._server is not None:
            since = loop.time()
            code = await self._server.wait()
            if loop.time() - since > STEADY_AFTER_S:
                delay_s = FIRST_RESTART_DELAY_S
            logger.warning("the private redis ended", exit_code=code, restart_in_s=delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_RESTART_DELAY_S)
            self.restarts += 1
            try:
                await self._spawn()
            except OSError as error:
                # The machine is short of processes or memory: the loop finds the old, dead server and tries again.
                logger.warning("the private redis cannot be started", error=str(error))

    async def _spawn(self) -> None:
        log = self._open_log(os.O_APPEND)
        try:
            server = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl+C goes to the terminal's whole process group; the hub wants its Redis until it has ended itself.
                start_new_session=True,
                # Redis refuses to start under a locale that the machine lacks.
                env={**os.environ, "LC_ALL": "C"},
            )
        finally:
            os.close(log)
        self._server = server
        if server.stdin is not None:
            # A server that died at once is its waiter's to notice.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                server.stdin.write(self._config)
                await server.stdin.drain()
            server.stdin.close()

    async def _answers(self) -> None:
        """Wait until the server says PONG to the hub's user."""
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not await self._pong():
                    if self.pid is None:
                        raise EmbeddedRedisError(f"the private Redis ended at once: {self._last_words()}")
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise EmbeddedRedisError(
                f"the private Redis did not answer within {START_TIMEOUT_S:.0f} s: {self._last_words()}"
            ) from None

    async def _pong(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        try:
            writer.write(f"AUTH hub {self._password}\r\nPING\r\n".encode())
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        except OSError:
            return False
        finally:
            writer.close()

    async def _outlive_predecessor(self) -> None:
        """Wait for the server of a hub that was just killed; refuse to push aside one that stays."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PREDECESSOR_TIMEOUT_S
        while await self._taken():
            if loop.time() > deadline:
                raise EmbeddedRedisError(
                    f"another Redis answers on {self.socket}: is a hub running on {self.data_dir} already?"
                )
            await asyncio.sleep(POLL_S)

    async def _taken(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        writer.close()
        return True

    async def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        if server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                server.terminate()
            try:
                await asyncio.wait_for(server.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    server.kill()
                await server.wait()
        self.socket.unlink(missing_ok=True)

    @property
    def _log_path(self) -> Path:
        return self.data_dir / "redis.log"

    def _open_log(self, flags: int) -> int:
        return os.open(self._log_path, os.O_WRONLY | os.O_CREAT | flags, 0o600)

    def _last_words(self) -> str:
        lines = self._log_path.read_text("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")
