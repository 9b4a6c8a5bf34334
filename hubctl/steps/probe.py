"""The last step: what a person would see."""

from dataclasses import dataclass

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Verdict, drifted
from hubctl.steps.machine import Looked

ATTEMPTS = 20
PAUSE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class AnswersStep(Looked):
    """The hub at `url` shows its page and takes messages, and the `certificate` where there is one."""

    url: str
    certificate: str = ""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Ask for the page and for readiness."""
        for page in ("/readyz", "/"):
            status = host.fetch(self.url + page, self.certificate)
            if status != 200:
                return drifted(f"{self.url}{page} answers {status}" if status else f"nothing answers at {self.url}")
        return OK

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Give it a moment: the units have just been started."""
        for _ in range(ATTEMPTS):
            if self.check(host, receipt) == OK:
                return
            host.pause(PAUSE_S)
