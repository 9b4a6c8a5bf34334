"""Faults that tests inject from outside: failing and slow syscalls, small disks, dead links, jumping clocks, no memory.

What a machine lacks or does not allow fails with what to install or to allow; nothing is skipped.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

ATTACH_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0

MEMORY_V1 = Path("/sys/fs/cgroup/memory")
MEMORY_V2 = Path("/sys/fs/cgroup")


class CannotInjectError(Exception):
    """This machine lacks or forbids what a fault takes; the text says what to install or to allow."""


def _tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CannotInjectError(f"{name} is missing: install {package}")
    return found


def _root(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()
        raise CannotInjectError(f"`{' '.join(command)}` is not allowed here, run the tests as root: {said}")


# ---- syscalls


def traced(calls: str, out: Path) -> tuple[str, ...]:
    """The command that writes these syscalls of a process and its threads to `out`.

    The process is a child of whoever starts it, as without the command.
    """
    options = ("-D", "-f", "-qq", "-yy", "-s", "20000", "-o", str(out), "-e", f"trace={calls}")
    return (_tool("strace", "strace"), *options)


@asynccontextmanager
async def tampered(pid: int, inject: str) -> AsyncIterator[None]:
    """Some syscalls of a process and its threads go wrong, or take long, until the block ends; see strace(1)."""
    call = inject.partition(":")[0]
    options = ("-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}", "-p", str(pid))
    quiet = asyncio.subprocess.DEVNULL
    tracer = await asyncio.create_subprocess_exec(_tool("strace", "strace"), *options, stderr=quiet)
    try:
        async with asyncio.timeout(ATTACH_TIMEOUT_S):
            while not await asyncio.to_thread(_all_traced, pid):
                if tracer.returncode is not None:
                    raise CannotInjectError(f"strace may not attach to process {pid}: run the tests as root")
                await asyncio.sleep(0.02)
        yield
    finally:
        # its end, however it comes, sets the process free
        with suppress(ProcessLookupError):
            tracer.kill()
        await tracer.wait()


def _all_traced(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)


@dataclass(frozen=True, slots=True)
class Call:
    """A syscall: when it began and ended, as places in the trace, and its words."""

    name: str
    words: str
    result: str
    began: int
    ended: int


_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (.*)", re.DOTALL)
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>", re.DOTALL)
_ENDED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)", re.DOTALL)


def calls_in(out: Path) -> list[Call]:
    """The finished syscalls of a trace, in the order in which they began."""
    found: list[Call] = []
    begun: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(out.read_text("utf-8", "replace").splitlines()):
        if whole := _WHOLE.fullmatch(line):
            found.append(Call(whole[2], whole[3], whole[4], number, number))
        elif start := _BEGUN.fullmatch(line):
            begun[start[1]] = (number, start[2], start[3])
        elif (end := _ENDED.fullmatch(line)) and end[1] in begun:
            began, name, words = begun.pop(end[1])
            found.append(Call(name, words + end[3], end[4], began, number))
    return sorted(found, key=lambda call: call.began)


# ---- disks


class Disk:
    """A file system in memory, of a size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def free(self) -> int:
        """Bytes that are left."""
        return shutil.disk_usage(self.folder).free


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of that size, mounted on `folder` until the block ends."""
    folder.mkdir()
    _root("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        _root("umount", str(folder))


# ---- links


class Link:
    """Another host, in a network namespace, with one cable to this one."""

    def __init__(self, number: int) -> None:
        self._net = (os.getpid() + number) % 256  # runs side by side do not share one
        self.name = f"hub-{os.getpid()}-{number}"
        self.address = f"10.251.{self._net}.1"
        self._far = f"10.251.{self._net}.2"
        self._near_end, self._far_end = f"hubn{os.getpid() % 100_000}x{number}", f"hubf{os.getpid() % 100_000}x{number}"

    def up(self) -> None:
        """Lay the cable, once those of runs that were killed are out of the way."""
        ip = _tool("ip", "iproute2")
        for left in Path("/run/netns").glob("hub-*-*"):
            _, pid, number = left.name.split("-")
            if not Path("/proc", pid).exists():
                _remove(left.name, f"hubn{int(pid) % 100_000}x{number}")
        _root(ip, "netns", "add", self.name)
        _root(ip, "link", "add", self._near_end, "type", "veth", "peer", "name", self._far_end, "netns", self.name)
        _root(ip, "addr", "add", f"{self.address}/24", "dev", self._near_end)
        _root(ip, "link", "set", self._near_end, "up")
        _root(ip, "-n", self.name, "addr", "add", f"{self._far}/24", "dev", self._far_end)
        _root(ip, "-n", self.name, "link", "set", self._far_end, "up")

    def on_the_other_host(self, *command: str) -> tuple[str, ...]:
        """The command that runs a command there."""
        return (_tool("ip", "iproute2"), "netns", "exec", self.name, *command)

    def cut(self) -> None:
        """Pull the cable: nobody is told."""
        _root("ip", "-n", self.name, "link", "set", self._far_end, "down")

    def mend(self) -> None:
        """Put it back."""
        _root("ip", "-n", self.name, "link", "set", self._far_end, "up")

    def also(self) -> str:
        """Lay a second cable to the same host, which stays when the first is cut; the host's address on it."""
        near, far = f"{self._near_end}b", f"{self._far_end}b"
        _root("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
        _root("ip", "addr", "add", f"10.252.{self._net}.1/24", "dev", near)
        _root("ip", "link", "set", near, "up")
        _root("ip", "-n", self.name, "addr", "add", f"10.252.{self._net}.2/24", "dev", far)
        _root("ip", "-n", self.name, "link", "set", far, "up")
        return f"10.252.{self._net}.2"

    def remove(self) -> None:
        """As if it had never been."""
        _remove(self.name, self._near_end)


def _remove(name: str, near_end: str) -> None:
    for command in (("link", "del", f"{near_end}b"), ("link", "del", near_end), ("netns", "del", name)):
        subprocess.run(("ip", *command), capture_output=True, check=False)


@contextmanager
def link(number: int = 1) -> Iterator[Link]:
    """Another host until the block ends."""
    cable = Link(number)
    try:
        cable.up()
        yield cable
    finally:
        cable.remove()


# ---- clocks


class WallClock:
    """The wall clock of a process and its children, which can jump; monotonic time goes on as ever."""

    def __init__(self, file: Path) -> None:
        library = next(iter(sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))), None)
        if library is None:
            raise CannotInjectError("libfaketime is missing: install libfaketime")
        self._file = file
        self.set("+0")
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, how: str) -> None:
        """A distance from the true time as in `+1d`, or a moment as in `@1970-01-01 00:00:10`; heeded within 1 s."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(how)
        fresh.replace(self._file)


# ---- memory


class LittleMemory:
    """A control group whose processes have this much memory and no more; `wrap` starts one in it."""

    def __init__(self, megabytes: int) -> None:
        name = f"hub-test-{uuid4().hex[:8]}"
        second = (MEMORY_V2 / "cgroup.controllers").exists()
        self._folder = (MEMORY_V2 if second else MEMORY_V1) / name
        self._limit = "memory.max" if second else "memory.limit_in_bytes"
        try:
            self._folder.mkdir()
            if second:
                (MEMORY_V2 / "cgroup.subtree_control").write_text("+memory")
            (self._folder / self._limit).write_text(str(megabytes << 20))
        except OSError as error:
            with suppress(OSError):
                self._folder.rmdir()
            raise CannotInjectError(
                f"no memory control group can be made here, run the tests as root: {error}"
            ) from None
        self._killed = ("memory.events", "oom_kill") if second else ("memory.oom_control", "oom_kill")
        self.wrap = ("sh", "-c", f'echo $$ >"{self._folder}/cgroup.procs" && exec "$@"', "sh")

    def kills(self) -> int:
        """How often the kernel ended a process in it for want of memory."""
        file, word = self._killed
        lines = (self._folder / file).read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.split()[0] == word), 0)

    def remove(self) -> None:
        """End what still runs in it."""
        deadline_s = monotonic() + END_TIMEOUT_S
        while (self._folder / "cgroup.procs").read_text() and monotonic() < deadline_s:
            for pid in (self._folder / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            sleep(0.05)
        self._folder.rmdir()


@contextmanager
def little_memory(megabytes: int) -> Iterator[LittleMemory]:
    """A group with so much memory until the block ends."""
    group = LittleMemory(megabytes)
    try:
        yield group
    finally:
        group.remove()
