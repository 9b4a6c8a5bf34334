"""What setup keeps in mind: the receipt itself, what was chosen, and steps taken back when they no longer are."""

from dataclasses import dataclass

from hubctl.choices import CHOICE
from hubctl.host import Host
from hubctl.receipt import RECEIPT, Receipt
from hubctl.step import OK, Described, Step, Verdict, drifted, missing, unfit


@dataclass(frozen=True, kw_only=True)
class ReceiptStep(Described):
    """The receipt can be read, and so can its copy."""

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare both with what is known."""
        if receipt.lost:
            return unfit(
                f"neither {RECEIPT} nor its copy can be read, so what setup made here is not known. Put it back from a "
                "backup of this machine, or remove both; setup then names what it finds, to be taken over with --adopt"
            )
        wrong = receipt.unsaved()
        return drifted(f"{wrong[0]} is damaged or gone; the other copy is whole") if wrong else OK

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Write both."""
        receipt.save()

    def undo(self, host: Host, receipt: Receipt) -> None:
        """It goes with the last thing that it notes."""


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
