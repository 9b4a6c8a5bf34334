"""This machine under its own name in the local network: NAME.local, told by avahi."""

from dataclasses import dataclass

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, missing
from hubctl.steps.packages import APT, install, installed_packages, removed_along

UNIT = "avahi-daemon.service"
PACKAGE = "avahi-daemon"
BROUGHT = "announcer"
"""The receipt's kind for the packages that came with it."""

GROUP = "announcer-group"
"""The same for groups that the packages made: Debian's leave them behind when they are removed."""


@dataclass(frozen=True, kw_only=True)
class LocalNameStep(Described):
    """The distribution's avahi runs; it announces the machine's name. One that was there already stays as it is."""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask systemd."""
        state = host.run("systemctl", "is-active", UNIT).out.strip()
        if state == "active":
            return OK
        return drifted(f"{UNIT} is {state}") if PACKAGE in installed_packages(host) else missing("avahi is not there")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Install it, and note what came along; or start it."""
        groups = _groups(host).keys()
        if PACKAGE not in installed_packages(host):
            host.must(*APT, "update")
            try:
                install(host, receipt, BROUGHT, PACKAGE)
            finally:
                for group in sorted(_groups(host).keys() - groups):
                    receipt.add(GROUP, group)
        host.must("systemctl", "enable", "--now", UNIT)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove what came along, unless something that came later needs it."""
        ours = [name for name in receipt.names(BROUGHT) if name in installed_packages(host)]
        if ours and removed_along(host, ours) <= set(ours):
            host.must(*APT, "purge", "-y", *ours)
            for group in receipt.names(GROUP):
                if _groups(host).get(group) == "":
                    host.run("groupdel", group)
        for kind in (BROUGHT, GROUP):
            for name in list(receipt.names(kind)):
                receipt.drop(kind, name)


def _groups(host: Host) -> dict[str, str]:
    """The machine's groups and their members."""
    lines = [line.split(":") for line in (host.read("/etc/group") or b"").decode().splitlines()]
    return {fields[0]: fields[3] for fields in lines if len(fields) == 4}
