"""Units that are enabled, run, and were started after their configuration last changed."""

import hashlib
from dataclasses import dataclass

from hubctl.host import Host, HostError
from hubctl.installed import BACKUP_DROP_IN, DROP_IN
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, missing

UNREADABLE = ("bad-setting", "error")


def _beside(states: dict[str, str]) -> str:
    """Which further files of the owner's change the unit."""
    paths = [path for path in states.get("DropInPaths", "").split() if path not in (DROP_IN, BACKUP_DROP_IN)]
    return f" (changed by {', '.join(paths)})" if paths else ""


@dataclass(frozen=True, kw_only=True)
class UnitStep(Described):
    """The unit runs now and at every boot; what it was started from are the files and links in `sources`."""

    unit: str
    sources: tuple[str, ...] = ()

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask systemd, and compare what the unit was started from."""
        states = self._states(host)
        if states.get("LoadState") == "not-found":
            return missing(f"{self.unit} is not known")
        if "masked" in (states.get("LoadState"), states.get("UnitFileState")):
            return drifted(f"{self.unit} is masked")
        if states.get("LoadState") in UNREADABLE:
            return drifted(f"{self.unit} cannot be read{_beside(states)}; {self._naming}")
        if states.get("NeedDaemonReload") == "yes":
            return drifted(f"{self.unit} was changed, and systemd has not read it since{_beside(states)}")
        if states.get("UnitFileState") != "enabled":
            return missing(f"{self.unit} does not start at boot")
        if states.get("ActiveState") != "active":
            return drifted(f"{self.unit} is {states.get('ActiveState', 'in an unknown state')}{_beside(states)}")
        if receipt.word("started", self.unit) != self._digest(host):
            return drifted(f"{self.unit} was started before its configuration changed")
        return OK

    def _states(self, host: Host) -> dict[str, str]:
        asked = "LoadState,UnitFileState,ActiveState,NeedDaemonReload,DropInPaths"
        shown = host.run("systemctl", "show", "-p", asked, self.unit).out
        return dict(line.partition("=")[::2] for line in shown.splitlines())

    @property
    def _naming(self) -> str:
        return f"`systemd-analyze verify {self.unit}` names the line"

    def _digest(self, host: Host) -> str:
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update((host.target(source) or "").encode() + b"\0" + (host.read(source) or b"") + b"\0")
        return digest.hexdigest()

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Unmask, enable and start it again; it says itself when it is ready."""
        host.run("systemctl", "unmask", "--runtime", self.unit)
        host.must("systemctl", "unmask", self.unit)
        host.must("systemctl", "daemon-reload")
        states = self._states(host)
        if states.get("LoadState") in UNREADABLE:
            # What runs goes on: what it was started from is known to work.
            raise HostError(f"{self.unit} cannot be read{_beside(states)}; {self._naming}")
        # From what it was started is noted when it has; who is cut short in between does not know.
        receipt.add("started", self.unit)
        host.must("systemctl", "enable", self.unit)
        host.run("systemctl", "reset-failed", self.unit)
        host.must("systemctl", "restart", self.unit)
        receipt.add("started", self.unit, self._digest(host))

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Stop it, and forget it at boot."""
        if receipt.word("started", self.unit) is None:
            return
        host.run("systemctl", "disable", "--now", self.unit)
        if self.unit.endswith(".timer"):
            # What it has started would go on writing into folders that are to go.
            started = f"{self.unit.removesuffix('.timer')}.service"
            host.run("systemctl", "stop", started)
            host.run("systemctl", "reset-failed", started)
        host.run("systemctl", "reset-failed", self.unit)
        # Where a timer that makes up for lost time notes when it ran last.
        host.remove(f"/var/lib/systemd/timers/stamp-{self.unit}")
        receipt.drop("started", self.unit)
