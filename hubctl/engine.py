"""Plan, setup, doctor and uninstall: folds over one list of steps."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from hubctl.host import Host, HostError
from hubctl.receipt import Receipt
from hubctl.refusal import words
from hubctl.step import State, Step, Verdict, drifted


class Finding(NamedTuple):
    """A step and what its check said."""

    step: Step
    verdict: Verdict


class Stopped(Exception):
    """Setup cannot go on; the text says at which step and why. What has been done stays done: `taken` steps."""

    def __init__(self, words: str, taken: int = 0) -> None:
        super().__init__(words)
        self.taken = taken


Say = Callable[[Step, str], None]


def look(steps: Sequence[Step], host: Host, receipt: Receipt) -> list[Finding]:
    """Every step and how the machine stands to it. Reads only."""
    return [Finding(step, _judged(step, host, receipt)) for step in steps]


def _judged(step: Step, host: Host, receipt: Receipt) -> Verdict:
    """What its check says; one that the machine does not let look is amiss, and hides nothing of the others."""
    try:
        return step.check(host, receipt)
    except (HostError, OSError) as error:
        return drifted(f"it cannot be looked at: {words(error)}")


WELL = (State.OK, State.MIND)


def amiss(findings: Sequence[Finding]) -> list[Finding]:
    """What is not as it should be."""
    return [finding for finding in findings if finding.verdict.state not in WELL]


def to_mind(findings: Sequence[Finding]) -> list[Finding]:
    """What is well, with a word to the owner."""
    return [finding for finding in findings if finding.verdict.state is State.MIND]


def setup(steps: Sequence[Step], host: Host, receipt: Receipt, *, adopt: Collection[str], say: Say) -> int:
    """Bring about what is not so yet, in order; the number of steps that did something. Raises Stopped.

    What somebody else made is taken over only if `adopt` has the step's key. Where anything stands in the way, nothing
    is touched.
    """
    for step, verdict in look(steps, host, receipt):
        _refuse(step, verdict, adopt)
    changes = 0
    for step in steps:
        verdict = _judged(step, host, receipt)
        if verdict.state in WELL:
            continue
        _refuse(step, verdict, adopt, changes)
        say(step, verdict.words)
        try:
            step.apply(host, receipt)
        except (HostError, OSError) as error:
            raise Stopped(f"{step.name}: {words(error)}. {step.hint}", changes) from None
        after = _judged(step, host, receipt)
        if after.state not in WELL:
            tried = f"{step.name}: tried, and still {after.state.value} ({after.words})"
            raise Stopped(f"{tried}. {step.hint}", changes)
        changes += 1
    return changes


def _refuse(step: Step, verdict: Verdict, adopt: Collection[str], taken: int = 0) -> None:
    if verdict.state is State.UNFIT:
        raise Stopped(f"{step.name}: {verdict.words}. {step.hint}", taken)
    if verdict.state is State.FOREIGN and step.key not in adopt:
        raise Stopped(
            f"{step.name}: {verdict.words}, and setup did not make that. "
            f"Move it away, or let setup replace it with --adopt {step.key}; the original is kept beside it.",
            taken,
        )


def uninstall(steps: Sequence[Step], host: Host, receipt: Receipt, *, purge: bool, say: Say) -> None:
    """Take back what we made, last first; what holds data stays unless `purge`. Goes on past what fails, then raises
    Stopped naming it.
    """
    failures: list[str] = []
    for step in reversed(steps):
        if step.keeps_data and not purge:
            continue
        say(step, "")
        try:
            step.undo(host, receipt)
        except (HostError, OSError) as error:
            failures.append(f"{step.name}: {words(error)}")
    if failures:
        raise Stopped("; ".join(failures))
