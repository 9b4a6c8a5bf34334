"""A Redis with a replica, and three Sentinels that watch over both: real processes on ports of this machine."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import redis

from server.bus.embedded_conf import find_server
from tests.servers import free_port, started

NAME = "chat"
DOWN_AFTER_MS = 1000
TIMEOUT_S = 60.0


class Sentinels:
    """`url` is for the hub; `kill_master` ends the present master for good."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._servers: dict[int, psutil.Process] = {}
        self._ports = [free_port() for _ in range(3)]
        self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in self._ports)}/{NAME}"

    def start(self) -> None:
        """Start all five, and wait until the Sentinels know each other and the replica."""
        master, replica = free_port(), free_port()
        self._run(master, "--save", "")
        self._run(replica, "--save", "", "--replicaof", f"127.0.0.1 {master}")
        for port in self._ports:
            conf = self._folder / f"sentinel-{port}.conf"
            conf.write_text(
                f"sentinel monitor {NAME} 127.0.0.1 {master} 2\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {NAME} 10000\n"
            )
            self._run(port, "--sentinel", conf=conf)
        deadline_s = time.monotonic() + TIMEOUT_S
        while not all(self._is_whole(port) for port in self._ports):
            assert time.monotonic() < deadline_s, "the Sentinels do not find each other"
            time.sleep(0.1)

    def _run(self, port: int, *options: str, conf: Path | None = None) -> None:
        binary, _ = find_server()
        command = ["setpriv", "--pdeathsig", "KILL", str(binary), *([str(conf)] if conf else [])]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder), *options]
        log = self._folder / f"{port}.log"
        server = self._stack.enter_context(started(command, log, self._folder, ready=lambda: self._answers(port)))
        self._servers[port] = psutil.Process(server.pid)

    def _answers(self, port: int) -> bool:
        with suppress(redis.RedisError), redis.Redis(port=port) as client:
            return bool(client.ping())
        return False

    def _is_whole(self, port: int) -> bool:
        with redis.Redis(port=port) as client:
            state = client.sentinel_masters()[NAME]
        return bool(state["num-other-sentinels"] == 2 and state["num-slaves"] == 1)

    def master(self) -> int:
        """The port of the present master, as the first Sentinel has it."""
        with redis.Redis(port=self._ports[0]) as client:
            return int(client.sentinel_get_master_addr_by_name(NAME)[1])

    def kill_master(self) -> None:
        """kill -9."""
        self._servers[self.master()].kill()

    def kill_a_sentinel(self) -> None:
        """The one that stands first in the URL."""
        self._servers[self._ports.pop(0)].kill()


@contextmanager
def sentinels() -> Iterator[Sentinels]:
    """All five processes, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="hub-sentinel-", dir="/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        group = Sentinels(folder, stack)
        group.start()
        yield group
