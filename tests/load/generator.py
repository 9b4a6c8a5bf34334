"""The generator in C (fan.c), built once a run and called once a measurement."""

import asyncio
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

SOURCES = Path(__file__).resolve().parent
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to be measured: how one subscribes to it and publishes on it, in the words of fan.c.

    `publish_port` is where one publishes, if that is another one.
    """

    name: str
    port: int
    subscribe: str
    publish: str
    body: str
    tokens: Path | None = None
    channels: Path | None = None
    publish_port: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a server. `rate` 0 is a closed loop with at most `window` messages under way."""

    readers: int
    publishers: int
    rate: int = 0
    window: int = 0


class Figures(msgspec.Struct, frozen=True):
    """What fan.c measured."""

    answered: int
    refused: int
    delivered: int
    lost: int
    twice: int
    unknown: int
    closed: int
    seconds: float
    messages_per_s: float
    deliveries_per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    longest_ms: float
    post_p50_ms: float
    post_p99_ms: float


class MeasureError(Exception):
    """A measurement that gave no figures; the text is what the generator said."""


def build(folder: Path) -> None:
    """Compile what is written in C into `folder`. Raises MeasureError."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MeasureError("a C compiler is needed: install gcc")
    for name in ("fan", "floor"):
        files = ["-o", str(folder / name), str(SOURCES / f"{name}.c")]
        command = [compiler, "-O2", "-Wall", "-Wextra", "-pthread", *files]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise MeasureError(made.stderr)


class Generator:
    """fan.c, held on the last processor of the machine so that it takes from every server alike.

    With `anywhere` it runs where the kernel puts it, beside the server or not, as it would with nobody asking.
    """

    def __init__(self, folder: Path, *, anywhere: bool = False) -> None:
        self._folder = folder
        self._anywhere = anywhere

    async def measure(self, peer: Peer, load: Load, seconds: float) -> Figures:
        """Put `load` on `peer` for so long. Raises MeasureError."""
        more = ["--publishers", str(load.publishers), "--rate", str(load.rate), "--window", str(load.window)]
        publish = ["--publish", peer.publish, "--body", peer.body, "--seconds", str(seconds)]
        fan = await self._start(peer, load.readers, *more, *publish)
        try:
            async with asyncio.timeout(seconds + PATIENCE_S):
                out, err = await fan.communicate()
        except BaseException:
            fan.kill()
            raise
        if fan.returncode or not out:
            raise MeasureError(f"{peer.name}: {err.decode(errors='replace')}")
        return msgspec.json.decode(out, type=Figures)

    async def hold(self, peer: Peer, readers: int) -> asyncio.subprocess.Process:
        """Open idle readers; they are open when this returns, until the process's stdin is closed."""
        fan = await self._start(peer, readers, "--hold")
        assert fan.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await fan.stdout.readline()
        if not line or msgspec.json.decode(line)["closed"]:
            fan.kill()
            raise MeasureError(f"{peer.name} did not keep {readers} readers open: {line.decode()}")
        return fan

    async def _start(self, peer: Peer, readers: int, *more: str) -> asyncio.subprocess.Process:
        words = ["--port", str(peer.port), "--readers", str(readers), "--subscribe", peer.subscribe, *more]
        if peer.publish_port:
            words += ["--publish-port", str(peer.publish_port)]
        if peer.tokens is not None:
            words += ["--tokens", str(peer.tokens)]
        if peer.channels is not None:
            words += ["--channels", str(peer.channels)]
        pipe = asyncio.subprocess.PIPE
        fan = await asyncio.create_subprocess_exec(self._folder / "fan", *words, stdin=pipe, stdout=pipe, stderr=pipe)
        if not self._anywhere:
            os.sched_setaffinity(fan.pid, {max(os.sched_getaffinity(0))})
        return fan
