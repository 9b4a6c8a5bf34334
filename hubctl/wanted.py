"""What a machine is to become: the answers and the version, and what steps are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from hubctl.answers import Answers
from hubctl.assets import deploy_dir
from hubctl.choices import certificate
from hubctl.host import Host
from hubctl.installed import UNITS, own_url
from hubctl.receipt import Receipt
from hubctl.step import Step
from hubctl.steps.files import FileStep
from hubctl.steps.systemd import UnitStep

RELOAD = ("systemctl", "daemon-reload")


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be there: the answers, whether they were given this time, and the venv of this version. `observers`
    are what is there already to watch it.
    """

    answers: Answers
    asked: bool
    venv: str
    observers: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        """The hub's address on the machine itself."""
        return own_url(self.answers.host, self.answers.port, tls=bool(self.certificate))

    @property
    def certificate(self) -> str:
        """Where the certificate lies that the hub shows there; empty when it speaks plain HTTP."""
        return certificate(self.answers)


class Chosen(NamedTuple):
    """A step that is taken if it is `wanted`, and else taken back where the receipt has its `mark`."""

    wanted: bool
    mark: tuple[str, str]
    step: Step


def deployed(
    key: str, name: str, path: str, source: str, *, then: tuple[str, ...] = (), keeps_data: bool = False
) -> FileStep:
    """A file that is as it lies in the wheel."""
    hint = f"Run setup again. What is to differ belongs into `systemctl edit {source}`." if then else "Run setup again."
    return FileStep(key=key, name=name, hint=hint, keeps_data=keeps_data, path=path, text=_text_of(source), then=then)


def kept(key: str, name: str, unit: str) -> UnitStep:
    """A small unit of the hub's that systemd keeps, from its file alone."""
    hint = f"systemctl status {unit} says what it lacks."
    return UnitStep(key=key, name=name, hint=hint, unit=unit, sources=(f"{UNITS}/{unit}",))


def _text_of(source: str) -> Callable[[Host, Receipt], str]:
    return lambda _host, _receipt: (deploy_dir() / "systemd" / source).read_text("utf-8")
