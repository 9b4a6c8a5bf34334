"""Real servers that the tests start for themselves: a private Redis and a private PostgreSQL, each on a unix socket.

Both die with the test run, even one that is killed. What cannot start says what is missing; nothing is skipped.
"""

import getpass
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import psutil
import psycopg

from server.bus.embedded_conf import find_server

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 60.0
POLL_S = 0.02


class MissingServerError(Exception):
    """Something of the system that the tests need is not there; the text says what to install."""


def free_port() -> int:
    """A TCP port of the loopback address that was free a moment ago.

    It lies below those that the kernel gives to clients: a hub that is restarted on its port must not find a client's
    old connection there.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def chromium() -> str | None:
    """The path of Chromium on this machine; None leaves Playwright to its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class RedisServer:
    """A Redis on a unix socket, without ACL, that can be stopped and started again on the same socket.

    With an `address` its URL is a port there instead, for a hub on another host.
    """

    def __init__(self, folder: Path, address: str = "") -> None:
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._stack = ExitStack()
        self.process: subprocess.Popen[bytes]
        port = free_port() if address else 0
        self._listens = ("--port", str(port), "--bind", address or "127.0.0.1", "--protected-mode", "no")
        self.url = f"redis://{address}:{port}" if address else f"unix://{self._socket}"

    def start(self) -> None:
        """Start it; returns when it answers."""
        binary, _ = find_server()
        options = (*self._listens, "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no")
        command = ["setpriv", "--pdeathsig", "KILL", str(binary), *options]
        running = started(command, self._folder / "log", self._folder, ready=lambda: _accepts(self._socket))
        self.process = self._stack.enter_context(running)

    def stop(self) -> None:
        """End it, what it held with it."""
        self._stack.close()
        self._socket.unlink(missing_ok=True)


@contextmanager
def own_redis(address: str = "") -> Iterator[RedisServer]:
    """A Redis of one test's own, running."""
    folder = Path(tempfile.mkdtemp(prefix="hub-redis-", dir="/tmp"))
    server = RedisServer(folder, address)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_on_port(port: int, password: str) -> Iterator[None]:
    """A Redis on TCP that asks for a password."""
    binary, _ = find_server()
    folder = Path(tempfile.mkdtemp(prefix="hub-redis-", dir="/tmp"))
    options = ("--port", str(port), "--requirepass", password, "--save", "", "--appendonly", "no")
    command = ["setpriv", "--pdeathsig", "KILL", str(binary), *options]
    try:
        with started(command, folder / "log", folder, ready=lambda: listens(port)):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis of the tests' own, without ACL; yields its `unix://` URL."""
    with own_redis() as server:
        yield server.url


class Postgres:
    """A PostgreSQL cluster that hands out databases, and may be frozen, stopped and started.

    With an `address` it listens there on a port too, for a hub on another host.
    """

    def __init__(self, folder: Path, address: str = "") -> None:
        self.folder = folder
        self._address = address
        self._port = free_port() if address else 5432
        self._numbers = count(1)
        self._stack = ExitStack()
        self._user = _postgres_user()

    def make(self) -> None:
        """Make the cluster."""
        if self._user != getpass.getuser():
            shutil.chown(self.folder, self._user, pwd.getpwnam(self._user).pw_gid)
        options = ["-U", "hub", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        initdb: list[Path | str] = [_postgres_binaries() / "initdb", "-D", self.folder / "cluster", *options]
        made = subprocess.run(
            _as_user(self._user, initdb), cwd=self.folder, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise MissingServerError(f"initdb failed: {made.stderr.strip()}")
        if self._address:
            with (self.folder / "cluster/pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")

    def start(self) -> None:
        """Start it; returns when it answers."""
        serve: list[Path | str] = [_postgres_binaries() / "postgres", "-D", self.folder / "cluster", "-k", self.folder]
        for setting in (f"listen_addresses={self._address}", f"port={self._port}", "max_connections=200"):
            serve += ["-c", setting]
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions that a test forgot.
        running = started(
            _as_user(self._user, serve),
            self.folder / "log",
            self.folder,
            ready=lambda: _connects(self),
            end=signal.SIGINT,
        )
        self._process = self._stack.enter_context(running)

    def stop(self) -> None:
        """End it, what is in its databases stays."""
        self._stack.close()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes: SIGSTOP freezes it, SIGCONT lets it go on."""
        server = psutil.Process(self._process.pid)
        for process in (server, *server.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        """A connection for the administrator, outside transactions."""
        return psycopg.connect(host=str(self.folder), port=self._port, user="hub", dbname=name, autocommit=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh, empty database; yields its SQLAlchemy URL and drops it afterwards, open connections or not."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as admin:
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            if self._address:
                yield f"postgresql+psycopg://hub@{self._address}:{self._port}/{name}"
            else:
                yield f"postgresql+psycopg://hub@/{name}?host={self.folder}"
        finally:
            with self.connect() as admin:
                # the server waits for any session whose client does not read, in another database too
                admin.execute(f"SET statement_timeout = '{END_TIMEOUT_S:.0f}s'".encode())
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def postgres_server(address: str = "") -> Iterator[Postgres]:
    """Run a PostgreSQL cluster of the tests' own, synced to disk like a real one."""
    # Directly under /tmp: a unix socket's path is short, and the user postgres can get there.
    folder = Path(tempfile.mkdtemp(prefix="hub-postgres-", dir="/tmp"))
    postgres = Postgres(folder, address)
    try:
        postgres.make()
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def prometheus_server(config: Path, folder: Path) -> Iterator[str]:
    """Run a Prometheus of the tests' own on a free port; yields its URL."""
    found = shutil.which("prometheus")
    if found is None:
        raise MissingServerError("prometheus is missing: install prometheus")
    port = free_port()
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=warn"]
    command = ["setpriv", "--pdeathsig", "KILL", found, *options, f"--web.listen-address=127.0.0.1:{port}"]
    with started(command, folder / "prometheus.log", folder, ready=lambda: _is_ready(port)):
        yield f"http://127.0.0.1:{port}"


def _is_ready(port: int) -> bool:
    """Prometheus listens before it has read what it kept, and refuses questions until then."""
    address = f"http://127.0.0.1:{port}/-/ready"
    with suppress(OSError), urllib.request.urlopen(address, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def _postgres_binaries() -> Path:
    # Debian keeps the server's programs off the PATH, one folder a version.
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name.split(".")[0])
    )
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise MissingServerError("the tests need PostgreSQL's server: install the package postgresql")


def _postgres_user() -> str:
    """Who runs PostgreSQL: ourselves, except that it refuses to run as root."""
    if os.getuid() != 0:
        return getpass.getuser()
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise MissingServerError("root cannot run PostgreSQL, and there is no user postgres: add one") from None


def _as_user(user: str, command: Sequence[Path | str]) -> list[str]:
    """The command under another user, ended by the kernel when the test run dies."""
    words = ["setpriv", "--pdeathsig", "INT"]
    if user != getpass.getuser():
        entry = pwd.getpwnam(user)
        words += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    return [*words, "--", *map(str, command)]


@contextmanager
def started(
    command: list[str], log: Path, folder: Path, *, ready: Callable[[], bool], end: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; raises with its log when it does not get ready."""
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise MissingServerError(f"{command} did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(POLL_S)
        yield server
    finally:
        server.send_signal(end)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of 127.0.0.1."""
    with socket.socket() as probe, suppress(OSError):
        probe.connect(("127.0.0.1", port))
        return True
    return False


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def _connects(postgres: Postgres) -> bool:
    with suppress(psycopg.OperationalError), postgres.connect():
        return True
    return False
