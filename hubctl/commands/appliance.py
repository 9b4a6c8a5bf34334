"""`hubctl setup`, `plan`, `doctor` and `uninstall`: a machine becomes a hub, stays one, and stops being one."""

import sys
from pathlib import Path

import click

from hubctl import safe
from hubctl.answers import Answers, read_answers
from hubctl.arrival import tell
from hubctl.engine import Finding, Stopped, amiss, look, uninstall
from hubctl.engine import setup as set_up
from hubctl.errors import Failure
from hubctl.host import Host
from hubctl.installed import BACKUPS, SETTINGS, STATE
from hubctl.receipt import Receipt
from hubctl.recipe import Installation, recipe
from hubctl.step import State, Step
from hubctl.steps.settings import answered
from hubctl.target import running_as_root
from server.config import SettingsError, load

PLAN_HAS_CHANGES = 3
DOCTOR_FOUND_SOMETHING = 4

MARKS = {State.OK: "ok", State.MISSING: "to do", State.DRIFTED: "mend", State.FOREIGN: "taken", State.UNFIT: "unfit"}

answers_option = click.option(
    "--answers", "file", metavar="FILE", type=click.Path(path_type=Path), help="TOML: host, port, allowed_hosts."
)


@click.command()
@answers_option
def plan(file: Path | None) -> None:
    """Show what setup would do, and change nothing. Exit code 3 when there is something to do."""
    host = _machine("plan")
    wanted = _wanted(host, file)
    findings = amiss(look(recipe(wanted), host, Receipt(host)))
    _show(findings)
    if not findings:
        click.echo("Nothing to do.")
        return
    click.echo(f"{len(findings)} steps to take; `hubctl setup` takes them.")
    sys.exit(PLAN_HAS_CHANGES)


@click.command()
@answers_option
@click.option("--yes", is_flag=True, help="Ask nothing; what --answers leaves open has its default.")
@click.option("--adopt", metavar="STEP", multiple=True, help="Replace what is there and not ours; `plan` names it.")
def setup(file: Path | None, *, yes: bool, adopt: tuple[str, ...]) -> None:
    """Make this machine a hub, or mend what is amiss. Run it as often as you like."""
    host = _machine("setup")
    receipt = Receipt(host)
    wanted = _wanted(host, file)
    if not yes:
        wanted = _asked(host, wanted)
    steps = recipe(wanted)
    findings = amiss(look(steps, host, receipt))
    if findings and not yes:
        _show(findings)
        click.confirm("Go ahead?", default=True, abort=True)
    try:
        changes = set_up(steps, host, receipt, adopt=adopt, say=_progress)
    except Stopped as stopped:
        raise Failure(f"stopped. {safe.block(str(stopped))}") from None
    click.echo(f"Done, {changes} steps taken." if changes else "Everything is in place; nothing was changed.")
    tell(wanted)


@click.command()
def doctor() -> None:
    """Look at every part, and say of what is amiss what to do about it. Exit code 4 when something is."""
    host = _machine("doctor")
    findings = look(recipe(wanted_now(host)), host, Receipt(host))
    wrong = amiss(findings)
    for step, verdict in wrong:
        click.echo(f"wrong  {step.name}: {safe.block(verdict.words)}")
        click.echo(f"       {step.hint}")
    click.echo(f"{len(findings) - len(wrong)} of {len(findings)} parts are well.")
    if wrong:
        if all(finding.verdict.state is not State.UNFIT for finding in wrong):
            click.echo("`hubctl setup` mends what is wrong.")
        sys.exit(DOCTOR_FOUND_SOMETHING)


@click.command("uninstall")
@click.option("--purge", is_flag=True, help="Remove data, backups, settings and the user too. They are lost then.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall_command(*, purge: bool, yes: bool) -> None:
    """Stop the hub and remove what setup made; data, backups and settings only with --purge."""
    host = _machine("uninstall")
    if not yes:
        lost = f"with everything in {STATE} and {BACKUPS}" if purge else f"and keep {STATE}, {BACKUPS} and {SETTINGS}"
        click.confirm(f"Remove the hub from this machine, {lost}?", abort=True)
    steps = recipe(wanted_now(host))
    try:
        uninstall(steps, host, Receipt(host), purge=purge, say=lambda _step, _words: None)
    except Stopped as stopped:
        raise Failure(f"not all of it could be removed. {safe.block(str(stopped))}") from None
    click.echo("The hub is gone." if purge else f"The hub is gone; {STATE}, {BACKUPS} and {SETTINGS} stay.")


def _machine(command: str) -> Host:
    if not running_as_root():
        raise Failure(f"only root may look into every part of a machine: sudo hubctl {command}")
    return Host()


def _wanted(host: Host, file: Path | None) -> Installation:
    """The answers of the file, else what is in force."""
    return wanted_now(host) if file is None else Installation(read_answers(file), asked=True, venv=sys.prefix)


def wanted_now(host: Host) -> Installation:
    """What the settings in force amount to, else the defaults."""
    answers = Answers()
    if host.read(SETTINGS) is not None:
        try:
            answers = answered(load(file=host.path(SETTINGS), environ={"HOME": "/"}))
        except SettingsError:
            # The step that looks at the settings says so.
            answers = Answers()
    return Installation(answers, asked=False, venv=sys.prefix)


def _asked(host: Host, wanted: Installation) -> Installation:
    """Ask a person, on the first run only; later the settings file is the place."""
    if not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask; say --yes, with --answers FILE if the defaults do not fit")
    if wanted.asked or host.read(SETTINGS) is not None:
        return wanted
    everyone = click.confirm("May other devices on your network reach the hub?", default=True)
    port = click.prompt("Port", default=8080, type=click.IntRange(1, 65535))
    answers = Answers(host=Answers().host if everyone else "127.0.0.1", port=port)
    return Installation(answers, asked=True, venv=wanted.venv)


def _show(findings: list[Finding]) -> None:
    for step, verdict in findings:
        note = f" (--adopt {step.key} replaces it)" if verdict.state is State.FOREIGN else ""
        click.echo(f"{MARKS[verdict.state]:6} {step.name}: {safe.block(verdict.words)}{note}")


def _progress(step: Step, words: str) -> None:
    click.echo(f"  … {step.name}{f' ({safe.line(words.splitlines()[0])})' if words else ''}")
