"""`hubctl setup`, `plan`, `doctor` and `uninstall`: a machine becomes a hub, stays one, and stops being one."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from hubctl import safe
from hubctl.arrival import tell
from hubctl.commands.answering import Told, answer_options, asked, wanted, wanted_now
from hubctl.engine import Finding, Stopped, amiss, look, to_mind, uninstall
from hubctl.engine import setup as set_up
from hubctl.errors import Failure
from hubctl.host import Host, HostError
from hubctl.installed import BACKUPS, HUB_UNIT, SETTINGS, STATE, UNITS
from hubctl.locks import changing
from hubctl.receipt import RECEIPT, Receipt
from hubctl.recipe import recipe
from hubctl.step import State, Step
from hubctl.target import running_as_root
from hubctl.upgrade import journal

PLAN_HAS_CHANGES = 3
DOCTOR_FOUND_SOMETHING = 4

MARKS = {State.OK: "ok", State.MISSING: "to do", State.DRIFTED: "mend", State.FOREIGN: "taken", State.UNFIT: "unfit"}

CERTIFYING = ("tls", "tls-authority", "tls-certificate", "tls-given")
"""The steps that renewing a certificate takes, beside starting the hub again."""

RENEWING_WAITS_S = 240.0
"""An upgrade that is under way when the timer comes ends sooner."""


@click.command()
@answer_options
def plan(told: Told) -> None:
    """Show what setup would do, and change nothing. Exit code 3 when there is something to do."""
    host = _machine("plan")
    findings = look(recipe(wanted(host, told)), host, Receipt(host))
    _mention(findings)
    _show(amiss(findings))
    if not amiss(findings):
        click.echo("Nothing to do.")
        return
    click.echo(f"{len(amiss(findings))} steps to take; `hubctl setup` takes them.")
    sys.exit(PLAN_HAS_CHANGES)


@click.command()
@answer_options
@click.option("--yes", is_flag=True, help="Ask nothing; what is left open stays as it is, or has its default.")
@click.option("--adopt", metavar="STEP", multiple=True, help="Replace what is there and not ours; `plan` names it.")
def setup(told: Told, *, yes: bool, adopt: tuple[str, ...]) -> None:
    """Make this machine a hub, or mend what is amiss. Run it as often as you like."""
    host = _machine("setup")
    with _alone(host):
        _setup(host, told, yes=yes, adopt=adopt)


def _setup(host: Host, told: Told, *, yes: bool, adopt: tuple[str, ...]) -> None:
    receipt = Receipt(host)
    installation = wanted(host, told)
    if not yes:
        installation = asked(host, installation)
    steps = recipe(installation)
    findings = look(steps, host, receipt)
    _mention(findings)
    if amiss(findings) and not yes:
        _show(amiss(findings))
        # Where something stands in the way there is nothing to decide; setup says what, and touches nothing.
        if not any(finding.verdict.state is State.UNFIT for finding in findings):
            click.confirm("Go ahead?", default=True, abort=True)
    changes = _taken(steps, host, receipt, adopt)
    click.echo(f"Done, {changes} steps taken." if changes else "Everything is in place; nothing was changed.")
    tell(installation, host)


def _taken(steps: list[Step], host: Host, receipt: Receipt, adopt: tuple[str, ...] = ()) -> int:
    try:
        return set_up(steps, host, receipt, adopt=adopt, say=_progress)
    except Stopped as stopped:
        taken = f"{stopped.taken} step{'s' if stopped.taken > 1 else ''}"
        kept = (
            f"What was done before stays ({taken}), and setup goes on there when you run it again"
            if stopped.taken
            else "Nothing was changed"
        )
        raise Failure(f"stopped. {safe.block(str(stopped))} {kept}.") from None


@click.command()
def renew() -> None:
    """Renew the hub's certificate if it is time, and start the hub again with it. A timer does this every day."""
    host = _machine("renew")
    with _alone(host, RENEWING_WAITS_S):
        receipt = Receipt(host)
        if not _taken(renewal(recipe(wanted_now(host)), host), host, receipt):
            click.echo("Nothing to renew.")


def renewal(steps: list[Step], host: Host) -> list[Step]:
    """What of the recipe a renewal takes; a hub that somebody has stopped stays so."""
    certifying = [step for step in steps if step.key in CERTIFYING]
    stopped = host.run("systemctl", "is-active", HUB_UNIT).out.strip() != "active"
    return certifying if stopped else [*certifying, *(step for step in steps if step.key == "hub")]


@click.command()
def doctor() -> None:
    """Look at every part, and say of what is amiss what to do about it. Exit code 4 when something is."""
    host = _machine("doctor")
    findings = look(recipe(wanted_now(host)), host, Receipt(host))
    wrong = amiss(findings)
    _mention(findings)
    for step, verdict in wrong:
        click.echo(f"wrong  {step.name}: {safe.block(verdict.words)}")
        click.echo(f"       {step.hint}")
    click.echo(f"{len(findings) - len(wrong)} of {len(findings)} parts are well.")
    if last := _last_upgrade(host):
        click.echo(f"Versions: {safe.line(last)}.")
    if wrong:
        # Where all is in place and the hub is still not ready, it is not setup that can help.
        if all(finding.verdict.state is not State.UNFIT for finding in wrong) and wrong != findings[-1:]:
            click.echo("`hubctl setup` mends what is wrong.")
        sys.exit(DOCTOR_FOUND_SOMETHING)


def _last_upgrade(host: Host) -> str:
    try:
        return journal.read(host).last
    except journal.Damaged:
        # The step that looks at upgrades says so.
        return ""


@click.command("uninstall")
@click.option("--purge", is_flag=True, help="Remove data, backups, settings and the user too. They are lost then.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall_command(*, purge: bool, yes: bool) -> None:
    """Stop the hub and remove what setup made; data, backups and settings only with --purge."""
    host = _machine("uninstall")
    if not yes:
        lost = f"with everything in {STATE} and {BACKUPS}" if purge else f"and keep {STATE}, {BACKUPS} and {SETTINGS}"
        click.confirm(f"Remove the hub from this machine, {lost}?", abort=True)
    with _alone(host):
        _uninstall(host, purge=purge)
    click.echo("The hub is gone." if purge else f"The hub is gone; {STATE}, {BACKUPS} and {SETTINGS} stay.")


def _uninstall(host: Host, *, purge: bool) -> None:
    receipt = Receipt(host)
    if receipt.lost or (not receipt and host.status(f"{UNITS}/{HUB_UNIT}") is not None):
        raise Failure(
            f"{RECEIPT} is damaged or gone, so what setup made is not known and nothing was removed. Put it back from "
            "a backup of this machine, or remove it and run `hubctl setup` with --adopt first"
        )
    try:
        uninstall(recipe(wanted_now(host)), host, receipt, purge=purge, say=lambda _step, _words: None)
    except Stopped as stopped:
        raise Failure(f"not all of it could be removed. {safe.block(str(stopped))}") from None


@contextmanager
def _alone(host: Host, wait_s: float = 5.0) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(changing(host, wait_s))
        except HostError as error:
            raise Failure(f"{safe.line(str(error))}. Nothing was changed") from None
        yield


def _machine(command: str) -> Host:
    if not running_as_root():
        raise Failure(f"only root may look into every part of a machine: sudo hubctl {command}")
    return Host()


def _mention(findings: list[Finding]) -> None:
    for step, verdict in to_mind(findings):
        click.echo(f"mind   {step.name}: {safe.block(verdict.words)}")


def _show(findings: list[Finding]) -> None:
    for step, verdict in findings:
        note = f" (--adopt {step.key} replaces it)" if verdict.state is State.FOREIGN else ""
        click.echo(f"{MARKS[verdict.state]:6} {step.name}: {safe.block(verdict.words)}{note}")


def _progress(step: Step, words: str) -> None:
    click.echo(f"  … {step.name}{f' ({safe.line(words.splitlines()[0])})' if words else ''}")
