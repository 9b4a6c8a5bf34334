"""`hubctl upgrade` and `rollback`: another version of an installed hub, that proves itself or is not taken."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from hubctl import safe
from hubctl.backup import installed
from hubctl.commands.answering import wanted_now
from hubctl.engine import Stopped
from hubctl.engine import setup as set_up
from hubctl.errors import Failure
from hubctl.host import Host, HostError
from hubctl.installed import HUB_UNIT, VERSIONS
from hubctl.locks import FOR_EVER_S, alone
from hubctl.receipt import Receipt
from hubctl.recipe import recipe
from hubctl.refusal import words
from hubctl.step import Step
from hubctl.steps.machine import Looked
from hubctl.upgrade import journal, versions
from hubctl.upgrade.budget import LEAST_S, MOST_S, STARTS, budget_s, took_s
from hubctl.upgrade.journal import Trying, version_of
from hubctl.upgrade.moving import Prepare, Returned, Stuck, mend, move
from hubctl.upgrade.returning import copies, way_back
from hubctl.upgrade.units import leave_only

within_option = click.option(
    "--within",
    "within_s",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    show_default=f"{STARTS:.0f} times what the present one took to start, {LEAST_S:.0f} at least, {MOST_S:.0f} at most",
    help="How long the other version may take to prove itself, a change of the schema included.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("wheel", metavar="WHEEL", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@yes_option
@within_option
def upgrade(wheel: Path, *, yes: bool, within_s: float | None) -> None:
    """Go to the version in WHEEL. If it does not prove itself, the present one is back, the database as it was."""
    host = _installed("upgrade")
    try:
        with alone(host):
            _mended(host)
            _upgrade(host, wheel.absolute(), yes=yes, within_s=within_s)
    except (HostError, OSError) as error:
        raise Failure(f"{safe.line(words(error))}. Nothing was changed; the hub goes on as it was") from None


def _upgrade(host: Host, wheel: Path, *, yes: bool, within_s: float | None) -> None:
    old = versions.current(host)
    new = f"{VERSIONS}/{versions.wheel_version(wheel)}"
    if new == old:
        if versions.is_installed(host, wheel, old):
            click.echo(f"{version_of(old)} is the version in use; nothing was changed.")
            return
        raise HostError(f"{version_of(old)} is in use, and this is another wheel of that name: give it its own number")
    versions.need_room(host)
    _say(f"{version_of(new)} is put beside {version_of(old)}, which goes on meanwhile")
    versions.install(host, wheel)
    known = versions.asked(host, new)
    if known.version != version_of(new):
        raise HostError(f"{wheel.name} holds version {known.version}")
    if known.schema.present is not None and known.schema.present not in known.schema.known:
        raise HostError(
            f"the database has schema {known.schema.present}, which {version_of(new)} does not know: it is older than "
            f"{version_of(old)}. `hubctl rollback` goes back"
        )
    within_s = _within(host, within_s)
    if not yes:
        click.confirm(
            f"The hub stops. If {version_of(new)} does not prove itself within {within_s:.0f} s, {version_of(old)} is "
            "back with the database as it was. Go ahead?",
            default=True,
            abort=True,
        )
    _move(host, old, new, lambda: None, within_s=within_s, back=False)
    click.echo(f"Done: the hub is {version_of(new)}. `hubctl rollback` returns to {version_of(old)}.")


@click.command()
@yes_option
@click.option("--discard-since", "discard", is_flag=True, help="Go back to the snapshot; what came since goes.")
@within_option
def rollback(*, yes: bool, discard: bool, within_s: float | None) -> None:
    """Return to the version before the last upgrade, with what was written since where its schema allows that."""
    host = _installed("rollback")
    try:
        with alone(host):
            if not _mended(host):
                _rollback(host, yes=yes, discard=discard, within_s=within_s)
    except (HostError, OSError) as error:
        raise Failure(f"{safe.line(words(error))}. Nothing was changed; the hub goes on as it was") from None


def _rollback(host: Host, *, yes: bool, discard: bool, within_s: float | None) -> None:
    new = versions.current(host)
    done = journal.read(host).done
    if not done or done[-1].new != new:
        raise HostError(f"{version_of(new)} did not come by an upgrade that could be taken back")
    old = done[-1].old
    way = way_back(host, done[-1], discard=discard)
    if not yes:
        click.confirm(f"Going back to {version_of(old)} {way.words}. Go ahead?", abort=True)
    within_s = _within(host, within_s)
    before, units = copies(host), done[-1].units

    def prepare() -> None:
        way.prepare()
        leave_only(host, units)

    try:
        _move(host, new, old, prepare, within_s=within_s, back=True)
    except Failure:
        for copy in copies(host) - before:
            host.remove(copy)
        raise
    click.echo(f"Done: the hub is {version_of(old)} again, which {way.words}.")
    for copy in sorted(copies(host) - before):
        click.echo(f"What was discarded lies in {copy}; remove it when nobody needs it.")


def _within(host: Host, asked_s: float | None) -> float:
    """How long the other version has: what was asked for, or what fits this machine, which is said where it is slow."""
    if asked_s is not None:
        return asked_s
    within_s = budget_s(host)
    if within_s > LEAST_S:
        _say(f"the present version took {took_s(host):.0f} s to start here, so the other one has {within_s:.0f} s")
    return within_s


def _move(host: Host, old: str, new: str, prepare: Prepare, *, within_s: float, back: bool) -> None:
    name = f"{version_of(old)}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        move(host, Trying(old, new, name, time.time(), back), prepare, within_s=within_s, say=_say)
    except Returned as returned:
        raise Failure(
            f"{safe.line(str(returned))}. journalctl -u {HUB_UNIT} has its whole log; if it only needs longer, say "
            "--within SECONDS"
        ) from None
    except Stuck as stuck:
        raise Failure(safe.line(str(stuck))) from None


def _mended(host: Host) -> str:
    """Bring to its end what was cut short, and say so; what was done."""
    try:
        done = mend(host, _say)
    except Stuck as stuck:
        raise Failure(safe.line(str(stuck))) from None
    if done:
        click.echo(f"First: {safe.line(done)}.")
    return done


@click.command("mend", hidden=True)
def mend_command() -> None:
    """Wait until nobody upgrades, and bring what was cut short to its end. For the guard and for the boot."""
    host = _installed("mend")
    try:
        with alone(host, FOR_EVER_S):
            _mended(host)
    except (HostError, OSError) as error:
        raise Failure(safe.line(words(error))) from None


@click.command(hidden=True)
def settle() -> None:
    """Bring this version's files and units into place and start it: what an upgrade asks of a version."""
    host = _installed("settle")
    steps: list[Step] = [step for step in recipe(wanted_now(host)) if not isinstance(step, Looked)]
    try:
        set_up(steps, host, Receipt(host), adopt=(), say=lambda _step, _words: None)
    except Stopped as stopped:
        raise Failure(safe.line(str(stopped))) from None


def _installed(command: str) -> Host:
    host = Host()
    if not installed(host):
        raise Failure(
            f"`hubctl {command}` is for root on a machine that `hubctl setup` made a hub; a hub that you started by "
            "hand is stopped, and started with the other code"
        )
    return host


def _say(words: str) -> None:
    click.echo(f"  … {safe.line(words)}", file=sys.stderr)
