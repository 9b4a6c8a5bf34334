"""No version and no restore is on its way, and this version is in use: what was cut short is ended before all else."""

from dataclasses import dataclass

from hubctl.host import Host, HostError
from hubctl.housework import end_housework
from hubctl.installed import CURRENT, GATE, RESTORING, UPGRADES
from hubctl.locks import is_free, upgrading
from hubctl.receipt import Receipt
from hubctl.step import OK, Verdict, drifted, unfit
from hubctl.steps.machine import Looked
from hubctl.upgrade import journal
from hubctl.upgrade.journal import Damaged, version_of
from hubctl.upgrade.moving import Stuck, mend
from hubctl.upgrade.versions import runs

DAMAGED = ".damaged"


@dataclass(frozen=True, kw_only=True)
class UpgradeStep(Looked):
    """No upgrade and no rollback is half done."""

    venv: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Read what was noted, and whether somebody is at it now."""
        try:
            trying = journal.read(host).trying
        except Damaged as damaged:
            return drifted(str(damaged))
        if trying is None and host.status(GATE) is None:
            return OK
        if not is_free(host):
            return unfit(f"the {trying or 'upgrade'} is under way; wait for its end")
        return drifted(f"the {trying} was cut short" if trying else f"{GATE} keeps the hub closed, and nobody tries it")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Bring it to one of its two ends. Another version than this one may come out of it, and has to go on."""
        try:
            with upgrading(host):
                _set_damaged_aside(host)
                words = mend(host, lambda _words: None)
        except Stuck as stuck:
            raise HostError(str(stuck)) from None
        current = host.target(CURRENT)
        if current is not None and current != self.venv:
            raise HostError(f"{words}. Run setup again, which is that of {version_of(current)} now")


def _set_damaged_aside(host: Host) -> None:
    try:
        journal.read(host)
    except Damaged:
        host.move(UPGRADES, UPGRADES + DAMAGED)


RESTORE_CUT_SHORT = (
    "it was cut short, and the hub may stand still: `hubctl restore FILE` again, or `hubctl setup`, which starts it "
    "with the database that is there"
)


def left_of_a_restore(host: Host) -> list[str]:
    """The copy that a restore makes of the backup, gone again when it ends."""
    folder, _, begin = RESTORING.rpartition("/")
    return [f"{folder}/{name}" for name in host.names(folder) if name.startswith(begin)]


@dataclass(frozen=True, kw_only=True)
class RestoreStep(Looked):
    """No restore is half done; one that was killed has left the hub stopped."""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look for its copy of the backup, and whether somebody is at it now."""
        if not left_of_a_restore(host):
            return OK
        return drifted(RESTORE_CUT_SHORT) if is_free(host) else unfit("a restore is under way; wait for its end")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Clear it away; the step of the hub's unit starts what stands still."""
        with upgrading(host):
            end_housework(host)
            for path in left_of_a_restore(host):
                host.remove(path)


@dataclass(frozen=True, kw_only=True)
class InUseStep(Looked):
    """The version in use is this one, or cannot be used any more: to another that works, only an upgrade leads."""

    venv: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look where the link leads, and whether what lies there still runs."""
        current = host.target(CURRENT)
        if current in (None, self.venv) or not runs(host, current):
            return OK
        return unfit(f"the hub is {version_of(current)}, and this hubctl is that of {version_of(self.venv)}")
