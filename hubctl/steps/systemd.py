"""Units that are enabled, run, and were started after their configuration last changed."""

import hashlib
from dataclasses import dataclass

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, missing


@dataclass(frozen=True, kw_only=True)
class UnitStep(Described):
    """The unit runs now and at every boot; what it was started from are the files and links in `sources`."""

    unit: str
    sources: tuple[str, ...] = ()

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask systemd, and compare what the unit was started from."""
        shown = host.run("systemctl", "show", "-p", "LoadState,UnitFileState,ActiveState", self.unit).out
        states = dict(line.partition("=")[::2] for line in shown.splitlines())
        if states.get("LoadState") == "not-found":
            return missing(f"{self.unit} is not known")
        if "masked" in (states.get("LoadState"), states.get("UnitFileState")):
            return drifted(f"{self.unit} is masked")
        if states.get("UnitFileState") != "enabled":
            return missing(f"{self.unit} does not start at boot")
        if states.get("ActiveState") != "active":
            return drifted(f"{self.unit} is {states.get('ActiveState', 'in an unknown state')}")
        if receipt.word("started", self.unit) != self._digest(host):
            return drifted(f"{self.unit} was started before its configuration changed")
        return OK

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
        if receipt.word("started", self.unit) is None:
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
        host.run("systemctl", "reset-failed", self.unit)
        # Where a timer that makes up for lost time notes when it ran last.
        host.remove(f"/var/lib/systemd/timers/stamp-{self.unit}")
        receipt.drop("started", self.unit)
