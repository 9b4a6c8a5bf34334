"""The hub's process, when it runs on this machine: found by the port that it listens on, read from /proc."""

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PROC = Path("/proc")
LISTENING = "0A"
LOCK_FILE = "hub.lock"


@dataclass(frozen=True, slots=True)
class Process:
    """A running hub, its user and its data directory."""

    pid: int
    user_id: int
    data_dir: Path

    def resident_bytes(self) -> int | None:
        """What it keeps in memory; None when it is gone."""
        try:
            pages = (PROC / str(self.pid) / "statm").read_text().split()[1]
        except (OSError, IndexError):
            return None
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def find(url: str) -> Process | None:
    """The hub that listens where `url` points to; None when it is elsewhere, behind a proxy, or another user's.

    What makes a process a hub is the lock of a data directory: a proxy on the same port has none.
    """
    parts = urlsplit(url)
    if not is_local(parts.hostname or ""):
        return None
    inodes = _listening(parts.port or (443 if parts.scheme == "https" else 80))
    for folder in PROC.glob("[0-9]*"):
        files = _open_files(folder)
        if any(f"socket:[{inode}]" in files for inode in inodes):
            return _described(folder, files)
    return None


def is_local(host: str) -> bool:
    """Whether `host` is a loopback address."""
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
        return all(ipaddress.ip_address(address).is_loopback for address in addresses)
    except (OSError, ValueError):
        return False


def children(pid: int) -> dict[int, str]:
    """The processes that `pid` has started and that still run, with their names."""
    found: dict[int, str] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found[int(folder.name)] = name
    return found


def _described(folder: Path, files: list[str]) -> Process | None:
    locks = [Path(file) for file in files if Path(file).name == LOCK_FILE]
    try:
        return Process(int(folder.name), folder.stat().st_uid, locks[0].parent) if locks else None
    except OSError:
        return None


def _open_files(folder: Path) -> list[str]:
    try:
        return [_target(file) for file in (folder / "fd").iterdir()]
    except OSError:
        return []  # another user's, or gone


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""


def _listening(port: int) -> set[str]:
    inodes: set[str] = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if words[3] == LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                inodes.add(words[9])
    return inodes
