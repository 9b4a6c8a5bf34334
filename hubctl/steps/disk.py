"""The disk that holds the data: what kind it is, how full, and whether it is wearing out. Looked at, never changed."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Verdict, mind, unfit
from hubctl.steps.machine import DISK_BYTES, Looked

FILLING_BYTES = 1_000_000_000
"""Below this a word is due: a year of a busy hub is about as much."""

WORN_TENTHS = 9
"""eMMC tells its age in tenths of its life."""


_VIRTUAL = re.compile(r"^x?vd|QEMU|VBOX|VMware|Virtual", re.IGNORECASE)


class Disk(NamedTuple):
    """The whole disk under a folder: its name for the kernel, and whether it turns."""

    name: str
    rotating: bool


@dataclass(frozen=True, kw_only=True)
class DiskStep(Looked):
    """The disk under `path` has room and can be written; of one that fills, wears or fails the owner hears."""

    path: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Name what stands in the way first, then what will."""
        free = host.free_bytes(self.path)
        if free < DISK_BYTES:
            return unfit(f"{free // 1_000_000} MB are free under {self.path}; {DISK_BYTES // 1_000_000} are needed")
        source = _source(host, self.path)
        if source.read_only:
            return unfit(f"{source.device} is mounted read-only, as it is after errors; dmesg says which")
        disk = _disk(host, source.device)
        words = [
            *([f"{free / 1e9:.1f} GB are left"] if free < FILLING_BYTES else []),
            *([_worn(host, disk)] if disk else []),
            _noted(host, source.device),
            *([_kind(host, disk)] if disk else []),
        ]
        said = "; ".join(word for word in words if word)
        return mind(said) if said else OK


@dataclass(frozen=True, kw_only=True)
class PlacesStep(Looked):
    """Setup may write into `folders`, and beside `command` as long as that does not lead to `to`."""

    folders: tuple[str, ...]
    command: str
    to: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask the kernel, which knows of read-only disks and of folders that are marked immutable."""
        wanted = [*self.folders]
        if host.target(self.command) != self.to:
            wanted.append(self.command.rpartition("/")[0])
        closed = [folder for folder in wanted if not host.is_writable(folder)]
        return unfit(f"nothing can be written in {', '.join(closed)}") if closed else OK


class _Source(NamedTuple):
    device: str
    read_only: bool


def _source(host: Host, path: str) -> _Source:
    while host.status(path) is None and path != "/":
        path = path.rpartition("/")[0] or "/"
    device, _, options = host.run("findmnt", "-nro", "SOURCE,OPTIONS", "--target", path).out.strip().partition(" ")
    return _Source(device, "ro" in options.split(","))


def _disk(host: Host, device: str) -> Disk | None:
    """What lies at the bottom, below partitions, encryption and volumes; None where no disk is to be seen."""
    for line in host.run("lsblk", "-snro", "NAME,TYPE,ROTA", device).out.splitlines():
        words = line.split()
        if words[1:2] == ["disk"]:
            return Disk(words[0], words[-1] == "1")
    return None


def _kind(host: Host, disk: Disk) -> str:
    if _line(host, f"/sys/block/{disk.name}/device/type") == "SD":
        return f"the data lies on an SD card ({disk.name}), which wears out: keep backups elsewhere, hubctl backup --to"
    made = _line(host, f"/sys/block/{disk.name}/device/model")
    # What a virtual machine is given says of itself that it turns, whatever lies below.
    if disk.rotating and not _VIRTUAL.match(disk.name) and not _VIRTUAL.search(made):
        return f"the data lies on a disk that turns ({disk.name}): each message waits for it, some 10 ms"
    return ""


def _worn(host: Host, disk: Disk) -> str:
    """What eMMC and cards say of themselves, and a disk where smartmontools are installed."""
    tenths = [int(word, 16) for word in _line(host, f"/sys/block/{disk.name}/device/life_time").split()]
    if tenths and max(tenths) >= WORN_TENTHS:
        return f"{disk.name} has used up {min(max(tenths) * 10, 100)}% of its life: replace it soon"
    if _line(host, f"/sys/block/{disk.name}/device/pre_eol_info") in ("0x02", "0x03"):
        return f"{disk.name} has hardly a spare block left: replace it soon"
    judged = host.run("smartctl", "-H", f"/dev/{disk.name}").out
    if re.search(r"(?:result|Status): (?:FAILED|BAD)", judged):
        return f"{disk.name} says that it fails: make a backup elsewhere and replace it"
    return ""


def _noted(host: Host, device: str) -> str:
    """Errors that the file system has met since it was last repaired."""
    name = (host.target(device) or device).rpartition("/")[2]
    count = _line(host, f"/sys/fs/ext4/{name}/errors_count")
    return f"the file system on {device} has met {count} errors: repair it" if count not in ("", "0") else ""


def _line(host: Host, path: str) -> str:
    return (host.content(path) or b"").decode("utf-8", "replace").strip()
