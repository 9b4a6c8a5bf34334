"""What a step of the recipe is: an end state that can be looked at, brought about and taken back."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from hubctl.host import Host
from hubctl.receipt import Receipt


class State(Enum):
    """How the machine stands to a step. UNFIT is what setup cannot mend: the machine or its owner must; MIND is well
    enough to go on, and a word to the owner.
    """

    OK = "ok"
    MISSING = "missing"
    DRIFTED = "drifted"
    FOREIGN = "foreign"
    UNFIT = "unfit"
    MIND = "mind"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, with words for a person: the difference, or whose it is."""

    state: State
    words: str = ""


OK = Verdict(State.OK)


def missing(words: str) -> Verdict:
    """It is not there yet."""
    return Verdict(State.MISSING, words)


def drifted(words: str) -> Verdict:
    """It is there, and not as it should be."""
    return Verdict(State.DRIFTED, words)


def foreign(words: str) -> Verdict:
    """Somebody else made it."""
    return Verdict(State.FOREIGN, words)


def unfit(words: str) -> Verdict:
    """No step can mend it."""
    return Verdict(State.UNFIT, words)


def mind(words: str) -> Verdict:
    """It will do, and the owner should know."""
    return Verdict(State.MIND, words)


class Step(Protocol):
    """One end state. After `apply` its `check` says OK; `undo` removes only what the receipt says we made."""

    @property
    def key(self) -> str:
        """The word for `--adopt`."""
        ...

    @property
    def name(self) -> str:
        """The end state, as a clause."""
        ...

    @property
    def hint(self) -> str:
        """What a person can do when it is amiss."""
        ...

    @property
    def keeps_data(self) -> bool:
        """Whether it stays at an uninstall without `--purge`."""
        ...

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """How the machine stands to it. Only reads."""
        ...

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Bring it about."""

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Take it back."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """The words that each step has."""

    key: str
    name: str
    hint: str
    keeps_data: bool = False
