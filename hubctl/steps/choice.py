"""Steps that a person may choose: the note of what was chosen, and steps that are taken back when it no longer is."""

from dataclasses import dataclass

from hubctl.choices import CHOICE
from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Step, Verdict, drifted, missing


@dataclass(frozen=True, kw_only=True)
class ChoicesStep(Described):
    """The receipt has these choices and no others, so that doctor and a later setup know them."""

    choices: dict[str, str]

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare."""
        noted = {name: receipt.word(CHOICE, name) for name in receipt.names(CHOICE)}
        if noted == self.choices:
            return OK
        different = sorted(name for name in {*noted, *self.choices} if noted.get(name) != self.choices.get(name))
        return missing(f"to be noted: {', '.join(different)}")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Note them."""
        for name in list(receipt.names(CHOICE)):
            if name not in self.choices:
                receipt.drop(CHOICE, name)
        for name, word in self.choices.items():
            receipt.add(CHOICE, name, word)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Forget them."""
        for name in list(receipt.names(CHOICE)):
            receipt.drop(CHOICE, name)


@dataclass(frozen=True)
class UnwantedStep:
    """A step that nobody chose: its end state is that nothing of ours is left of it. `mark` is its receipt's entry."""

    step: Step
    mark: tuple[str, str]

    @property
    def key(self) -> str:
        """The step's own."""
        return self.step.key

    @property
    def name(self) -> str:
        """The end state."""
        return f"no longer: {self.step.name}"

    @property
    def hint(self) -> str:
        """The step's own."""
        return self.step.hint

    @property
    def keeps_data(self) -> bool:
        """The step's own."""
        return self.step.keeps_data

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look whether we made it once."""
        return OK if receipt.word(*self.mark) is None else drifted("it was chosen once, and is no longer")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Take it back."""
        self.step.undo(host, receipt)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Take it back."""
        self.step.undo(host, receipt)
