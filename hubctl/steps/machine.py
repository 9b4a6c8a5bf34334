"""What the machine must bring along: looked at before anything is touched, and never changed by us."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, mind, missing, unfit

ARCHITECTURES = ("amd64", "arm64")
NARROW = ("armhf", "armel")
OLDEST_SYSTEMD = 252
"""The first whose credentials a unit can name in its command, and which knows every line of our units."""

LEAST_MEMORY_KIB = 400 * 1024
DISK_BYTES = 300 * 1000 * 1000
"""Below this the log of a busy week, a backup or an upgrade would not fit."""

NOT_BEFORE_S = 1767225600
"""2026-01-01: a clock that shows less has not been set since the machine lost power."""

FIRST_OPEN_PORT = 1024
"""Below this only root may listen."""

DISTRIBUTIONS = {"debian": 12, "raspbian": 12, "ubuntu": 24}


@dataclass(frozen=True, kw_only=True)
class Looked(Described):
    """A step that only looks: there is nothing to apply and nothing to undo."""

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Nothing can be done here."""

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Nothing was done."""


@dataclass(frozen=True, kw_only=True)
class MachineStep(Looked):
    """The distribution, the processor, systemd and the memory are ones that a hub runs on."""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Name the first thing that does not fit, else what a unit's limits lack here."""
        wrong = _distribution(host) or _processor(host) or _systemd(host) or _memory(host)
        if wrong:
            return unfit(wrong)
        unheld = _unheld(host)
        return mind(unheld) if unheld else OK


def _distribution(host: Host) -> str:
    text = (host.read("/etc/os-release") or host.read("/usr/lib/os-release") or b"").decode()
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    name, version = fields.get("ID", "unknown"), fields.get("VERSION_ID", "0").split(".")[0]
    if name not in DISTRIBUTIONS:
        return f"this is {fields.get('PRETTY_NAME', name)}; setup knows Debian, Raspberry Pi OS and Ubuntu"
    # Debian's testing has no number: it is newer than all that have one.
    if version != "0" and int(version) < DISTRIBUTIONS[name]:
        return f"this is {name} {version}; setup needs {DISTRIBUTIONS[name]} or newer"
    return ""


def _processor(host: Host) -> str:
    """By what the programs are built for: Raspberry Pi OS has an edition of 32 bits under a kernel of 64."""
    name = host.run("dpkg", "--print-architecture").out.strip()
    if name in ARCHITECTURES:
        return ""
    way_out = "; Raspberry Pi OS has an edition of 64 bits" if name in NARROW else ""
    return f"its programs are built for {name or 'an unknown processor'}, not {' or '.join(ARCHITECTURES)}{way_out}"


def _systemd(host: Host) -> str:
    if host.status("/run/systemd/system") is None:
        return "systemd does not run this machine"
    match = re.match(r"systemd (\d+)", host.run("systemctl", "--version").out)
    version = int(match[1]) if match else 0
    return "" if version >= OLDEST_SYSTEMD else f"systemd is version {version}, older than {OLDEST_SYSTEMD}"


def _memory(host: Host) -> str:
    match = re.search(r"^MemTotal: +(\d+) kB", (host.read("/proc/meminfo") or b"").decode(), re.MULTILINE)
    kib = int(match[1]) if match else LEAST_MEMORY_KIB
    return (
        ""
        if kib >= LEAST_MEMORY_KIB
        else f"there are {kib // 1024} MiB of memory; {LEAST_MEMORY_KIB // 1024} are needed"
    )


def _unheld(host: Host) -> str:
    """The firmware of a Raspberry Pi starts its kernel without the controller that MemoryMax of a unit needs."""
    controllers = host.content("/sys/fs/cgroup/cgroup.controllers")
    if controllers is None or b"memory" in controllers.split():
        return ""
    line = "/boot/firmware/cmdline.txt"
    way_out = f"; add cgroup_enable=memory to the line in {line} and reboot" if host.status(line) is not None else ""
    return (
        "its kernel runs without control groups for memory, so the units' limits of memory do not hold, and where it "
        f"gets short any program may be ended{way_out}"
    )


@dataclass(frozen=True, kw_only=True)
class ClockStep(Looked):
    """The clock has been set."""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """A clock before this program was made is wrong; one that is ahead cannot be told."""
        shown_s = int(host.run("date", "+%s").out)
        if shown_s < NOT_BEFORE_S:
            return unfit("the clock shows a time long gone by")
        if host.run("timedatectl", "show", "-p", "NTPSynchronized", "--value").out.strip() == "no":
            shown = datetime.fromtimestamp(shown_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
            return mind(f"it shows {shown}, and nothing sets it from the network: it drifts, or starts anew each time")
        return OK


@dataclass(frozen=True, kw_only=True)
class PortStep(Looked):
    """Nobody but the hub listens on the port."""

    port: int
    unit: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask the kernel who listens, and systemd whether that is the hub."""
        if self.port < FIRST_OPEN_PORT:
            return unfit(f"port {self.port} takes powers that the hub does not have; a proxy in front may have it")
        listening = host.run("ss", "-Hltnp", f"sport = :{self.port}").out
        pids = re.findall(r'"([^"]*)",pid=(\d+)', listening)
        if not listening.strip():
            return OK
        ours = host.run("systemctl", "show", "-p", "MainPID", "--value", self.unit).out.strip()
        others = [f"{name} (process {pid})" for name, pid in pids if pid != ours]
        if pids and not others:
            return OK
        return unfit(f"port {self.port} is taken by {', '.join(others) or 'another program'}")


@dataclass(frozen=True, kw_only=True)
class VersionStep(Described):
    """This version lies in a venv of its own under `folder`, put there by install.sh."""

    folder: str
    venv: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Only a version that lies there can be started by a unit."""
        if not self.venv.startswith(f"{self.folder}/versions/"):
            return unfit(f"this hubctl runs from {self.venv}")
        if host.status(self.venv) is None:
            return unfit(f"{self.venv} is not there")
        known = receipt.word("tree", self.folder) is not None
        return OK if known else missing(f"{self.folder} is not noted as ours yet")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Take over what install.sh made, the packages that it installed included."""
        for name in (host.read(f"{self.folder}/packages") or b"").decode().split():
            receipt.add("package", name)
        receipt.add("tree", self.folder)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove all versions; this program goes on from memory."""
        if receipt.word("tree", self.folder) is not None:
            os.chdir("/")
            host.remove_tree(self.folder)
            receipt.drop("tree", self.folder)
