"""The distribution's Redis or Valkey: the program alone, never a server of its own on port 6379."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from hubctl.host import Host, HostError
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, missing, unfit

OLDEST = (7, 0)
"""Below 7.0 there is no EXPIRE NX, and ACLs know neither subcommands nor closed channels."""


class Server(NamedTuple):
    """A program that is a server when it is called `name`; `package` holds it and starts nothing."""

    path: str
    name: str
    package: str


# The checker of dumps is the same program as the server. It comes with the tools; the server's package would start a
# server on port 6379 when installed.
KNOWN = (
    Server("/usr/bin/redis-check-rdb", "redis-server", "redis-tools"),
    Server("/usr/bin/valkey-check-rdb", "valkey-server", "valkey-tools"),
)
AS_SERVER = "import os, sys; os.execv(sys.argv[1], sys.argv[2:])"
APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")


UNFINISHED = "installing"
"""What the receipt calls a package while apt is at it: its program may be there before it is whole."""


def found_server(host: Host) -> Server | None:
    """The program that is on this machine."""
    return next((server for server in KNOWN if host.status(server.path) is not None), None)


def version_of(host: Host, server: Server) -> tuple[int, int]:
    """Its version, from the package: the program does not tell it under this name."""
    match = re.search(r"(?:^|:)(\d+)\.(\d+)", host.run("dpkg-query", "-W", "-f", "${Version}", server.package).out)
    return (int(match[1]), int(match[2])) if match else (0, 0)


@dataclass(frozen=True, kw_only=True)
class RedisProgramStep(Described):
    """A Redis or Valkey of version 7 or newer is installed, if one is `wanted`; one that came with us stays."""

    wanted: bool
    python: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look for the program and its version."""
        if unfinished := ", ".join(receipt.names(UNFINISHED)):
            return drifted(f"the installation of {unfinished} was cut short")
        server = found_server(host)
        if not self.wanted:
            return OK
        if server is None:
            return missing("no Redis and no Valkey is installed")
        version = version_of(host, server)
        if version < OLDEST:
            return unfit(f"{server.package} has version {version[0]}.{version[1]}, older than 7.0")
        return self._starts(host, server)

    def _starts(self, host: Host, server: Server) -> Verdict:
        """A build for pages of another size than this kernel's ends at once: on a Raspberry Pi 5 they have 16 KiB."""
        tried = host.run(self.python, "-c", AS_SERVER, server.path, server.name, "--version")
        if tried.code == 0:
            return OK
        words = (tried.err or tried.out).strip().splitlines()
        reason = words[-1] if words else f"exit code {tried.code}"
        if "page size" in reason:
            size = host.run("getconf", "PAGESIZE").out.strip()
            reason += f"; this kernel's pages have {size} bytes (on a Raspberry Pi 5, kernel=kernel8.img in "
            reason += "/boot/firmware/config.txt starts one with 4096)"
        return unfit(f"the program of {server.package} does not run here: {reason}")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Install the tools' package, and note what came along with it."""
        for name in list(receipt.names(UNFINISHED)):
            _finish(host, receipt, name)
        if not self.wanted or found_server(host):
            return
        # Where no server of packages is reached, apt ends as if all were well, and says so on the side.
        said = host.run(*APT, "update").err.strip().splitlines()
        for server in KNOWN:
            if host.run("apt-cache", "show", server.package).code == 0:
                install(host, receipt, "package", server.package)
                return
        raise HostError(f"apt knows neither redis-tools nor valkey-tools{f' ({said[0]})' if said else ''}")

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove the packages that came with us, unless something that came later needs one of them."""
        ours = [name for name in receipt.names("package") if name in installed_packages(host)]
        if ours and removed_along(host, ours) <= set(ours):
            _apt(host, "purge", "-y", *ours)
        for kind in ("package", UNFINISHED):
            for name in list(receipt.names(kind)):
                receipt.drop(kind, name)


def installed_packages(host: Host) -> set[str]:
    """The distribution's packages that are there."""
    lines = host.must("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n").splitlines()
    return {line.split()[1] for line in lines if line.startswith("ii")}


def install(host: Host, receipt: Receipt, kind: str, package: str) -> None:
    """Install it and what it needs. All of that is noted before: apt may outlive this program, or be cut short."""
    words = ("install", "-y", "--no-install-recommends", package)
    coming = re.findall(r"^Inst (\S+)", host.must(*APT, "--simulate", *words), re.MULTILINE)
    for name in sorted(set(coming) - installed_packages(host)):
        receipt.add(kind, name)
    receipt.add(UNFINISHED, package)
    _finish(host, receipt, package)


def _finish(host: Host, receipt: Receipt, package: str) -> None:
    _apt(host, "install", "-y", "--no-install-recommends", package)
    receipt.drop(UNFINISHED, package)


def _apt(host: Host, *words: str) -> None:
    """Whoever installed packages last may have been cut short in the middle, this program too."""
    ended = host.run(*APT, *words)
    if "dpkg --configure -a" in ended.err:
        host.must("dpkg", "--configure", "-a")
    if ended.code:
        host.must(*APT, *words)


def removed_along(host: Host, packages: list[str]) -> set[str]:
    """What a removal would take along."""
    return set(re.findall(r"^(?:Remv|Purg) (\S+)", host.must(*APT, "--simulate", "purge", *packages), re.MULTILINE))
