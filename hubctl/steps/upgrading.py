"""No version is on its way: what was cut short is brought to its end before anything else is looked at."""

from dataclasses import dataclass

from hubctl.host import Host, HostError
from hubctl.installed import CURRENT, GATE
from hubctl.receipt import Receipt
from hubctl.step import OK, Verdict, drifted, unfit
from hubctl.steps.machine import Looked
from hubctl.upgrade import journal
from hubctl.upgrade.journal import version_of
from hubctl.upgrade.moving import Stuck, mend


@dataclass(frozen=True, kw_only=True)
class UpgradeStep(Looked):
    """No upgrade and no rollback is half done."""

    venv: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Read what was noted, and whether somebody is at it now."""
        trying = journal.read(host).trying
        if trying is None and host.status(GATE) is None:
            return OK
        if not journal.is_free(host):
            return unfit(f"the {trying or 'upgrade'} is under way; wait for its end")
        return drifted(f"the {trying} was cut short" if trying else f"{GATE} keeps the hub closed, and nobody tries it")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Bring it to one of its two ends. Another version than this one may come out of it, and has to go on."""
        try:
            with journal.alone(host):
                words = mend(host, lambda _words: None)
        except Stuck as stuck:
            raise HostError(str(stuck)) from None
        current = host.target(CURRENT)
        if current is not None and current != self.venv:
            raise HostError(f"{words}. Run setup again, which is that of {version_of(current)} now")
