"""From one version to another as one step that either was taken or was not, whatever happens in the middle.

The hub stops, the database is copied, the other version starts behind a gate, where nobody but a tester reaches it,
and proves itself; only then the gate goes. Until then everything leads back: to the version before, and to its database
byte for byte. A guard does that when this process is killed, a unit at boot when the machine was.
"""

import shlex
import time
from collections.abc import Callable

import msgspec

from hubctl.host import Host, HostError
from hubctl.housework import end_housework, housework, in_a_unit, last_words
from hubctl.installed import BACKUP_UNIT, DATABASE_URL, GATE, HUB_UNIT, SNAPSHOTS, STATE, WAY_BACK
from hubctl.refusal import words
from hubctl.upgrade import journal
from hubctl.upgrade.journal import Done, Journal, Trying, version_of
from hubctl.upgrade.units import leave_only, ours
from hubctl.upgrade.versions import prune_snapshots, prune_versions

RETURN_S = 600.0
"""How long the version before may take to come back: there is nothing else to fall back to, and a box may be slow."""

OPENING_S = 60.0
LOOK_S = 0.25

Say = Callable[[str], None]
Prepare = Callable[[], None]


class Returned(Exception):
    """The other version was not taken; the text says why, and what was kept."""


class Stuck(Exception):
    """Neither version serves; the text says what was kept and what to do."""


def move(host: Host, trying: Trying, prepare: Prepare, *, within_s: float, say: Say) -> None:
    """Take the step, or none. `prepare` is what the database needs first. Raises Returned, Stuck.

    The caller holds the lock.
    """
    began_s = time.monotonic()
    before = journal.read(host)
    trying = msgspec.structs.replace(trying, units=ours(host))
    host.link(WAY_BACK, trying.old)
    journal.write(host, msgspec.structs.replace(before, trying=trying))
    host.write(GATE, b"", 0o644)
    guard = f"{trying.old}/bin/hubctl"
    host.run("systemd-run", "--quiet", "--collect", "--no-block", guard, "mend")
    try:
        _try(host, trying, prepare, within_s, say)
    except (HostError, OSError, KeyboardInterrupt) as error:
        why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else words(error)
        go_back(host, why, say)
        closed_s = time.monotonic() - began_s
        # a PostgreSQL takes rows; which of its bytes they are is its own affair
        exactly = "byte for byte" if host.status(DATABASE_URL) is None else "row for row"
        raise Returned(
            f"{version_of(trying.new)} was not taken: {why}. {version_of(trying.old)} serves again, with the database "
            f"{exactly} as it was; the hub was closed for {closed_s:.0f} s"
        ) from None
    finish(host, say)


def _try(host: Host, trying: Trying, prepare: Prepare, within_s: float, say: Say) -> None:
    new = version_of(trying.new)
    say("the hub stops, and the database is copied")
    host.run("systemctl", "stop", BACKUP_UNIT)
    host.must("systemctl", "stop", HUB_UNIT)
    housework(host, trying.old, "snapshot", f"{SNAPSHOTS}/{trying.snapshot}")
    prepare()
    say(f"{new} starts behind a closed door, and has {within_s:.0f} s to prove itself")
    began_s, since_s = time.monotonic(), time.time()
    try:
        settle(host, trying.new, within_s)
        left_s = max(1.0, within_s - (time.monotonic() - began_s))
        proved = housework(host, trying.old, "prove", "--within", f"{left_s:.0f}").out.strip()
    except HostError as error:
        said = last_words(host, HUB_UNIT, since_s)
        raise HostError(f"{error}{f'. Its last word: {said}' if said else ''}") from None
    if proved != new:
        raise HostError(f"what answers calls itself {proved}, not {new}")
    say(f"{new} took a message and gave it back; the door opens")
    _open(host, trying)


def _open(host: Host, trying: Trying) -> None:
    state = journal.read(host)
    journal.write(host, msgspec.structs.replace(state, trying=msgspec.structs.replace(trying, proved=True)))
    host.remove(GATE)
    deadline_s = time.monotonic() + OPENING_S
    while not _listens(host):
        if time.monotonic() > deadline_s:
            # Nobody listens on the port, so nobody got in, and the way back is still open.
            host.write(GATE, b"", 0o644)
            journal.write(host, state)
            raise HostError("it proved itself and then did not open its port")
        host.pause(LOOK_S)


def _listens(host: Host) -> bool:
    pid = host.run("systemctl", "show", "-p", "MainPID", "--value", HUB_UNIT).out.strip()
    return f"pid={pid}," in host.run("ss", "-Hltnp").out


def settle(host: Host, venv: str, within_s: float) -> None:
    """Let a version bring its own units and configuration into place, and start. Raises HostError."""
    bounded = ("timeout", "--kill-after=5", f"{within_s:.0f}")
    ended = in_a_unit(host, "--setenv=LC_ALL=C.UTF-8", *bounded, f"{venv}/bin/hubctl", "settle")
    if ended.code == 124:
        raise HostError(f"it did not start within {within_s:.0f} s")
    if ended.code:
        said = (ended.err or ended.out).strip().splitlines()
        if said and f"restart {HUB_UNIT}" in said[-1]:
            raise HostError("it did not start")
        raise HostError(said[-1].removeprefix("Error: ") if said else f"its hubctl failed with exit code {ended.code}")


def go_back(host: Host, why: str, say: Say) -> None:
    """To the version before, and its database byte for byte. Raises Stuck."""
    state = journal.read(host)
    trying = state.trying
    assert trying is not None
    old = version_of(trying.old)
    say(f"{why}; back to {old}")
    # What it is doing counts for nothing any more, so it gets no time to end; nor does who was about to start it.
    end_housework(host)
    host.run("systemctl", "kill", "--kill-who=all", "--signal=KILL", HUB_UNIT)
    host.run("systemctl", "stop", HUB_UNIT)
    kept = f"{SNAPSHOTS}/{trying.snapshot}"
    try:
        if not trying.reverted:
            if host.status(f"{kept}/manifest.json") is not None:
                housework(host, trying.old, "revert", kept)
            trying = msgspec.structs.replace(trying, reverted=True)
            journal.write(host, msgspec.structs.replace(state, trying=trying))
        for left in (GATE, f"{STATE}/trial.json", f"{STATE}/trial.sock"):
            host.remove(left)
        leave_only(host, trying.units)
        settle(host, trying.old, RETURN_S)
    except (HostError, OSError) as error:
        database = "is as it was" if trying.reverted else f"lies as it was in {kept}"
        raise Stuck(
            f"the {trying} failed ({why}), and {old} could not be started again: {words(error)}. The database "
            f"{database}. Mend what it names (journalctl -u {HUB_UNIT} says more), then run `hubctl rollback`, which "
            "goes on here"
        ) from None
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trying.at_s))
    journal.write(host, Journal(None, state.done, f"the {trying} of {when} was taken back: {why}"))
    host.remove(WAY_BACK)
    host.remove_tree(kept)


def finish(host: Host, say: Say) -> None:
    """Note what was done, and let go of what is too old to return to."""
    state = journal.read(host)
    trying = state.trying
    assert trying is not None
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trying.at_s))
    made = Done(trying.old, trying.new, trying.snapshot, trying.at_s, trying.units)
    done = state.done[:-1] if trying.back else (*state.done, made)
    journal.write(host, Journal(None, done, f"the {trying} of {when} was made"))
    host.remove(WAY_BACK)
    prune_snapshots(host, done)
    if not trying.back:
        for gone in prune_versions(host, trying.new, done):
            say(gone)


def mend(host: Host, say: Say) -> str:
    """Bring what was cut short to one of its two ends; what was done, empty when there was nothing to do. Raises Stuck.

    The caller holds the lock.
    """
    trying = journal.read(host).trying
    if trying is None:
        return _clear(host)
    if not trying.proved:
        go_back(host, "it was cut short", say)
        return f"the {trying} was cut short and is taken back: the hub is {version_of(trying.old)}"
    end_housework(host)
    host.remove(GATE)
    try:
        settle(host, trying.new, RETURN_S)
    except HostError as error:
        raise Stuck(
            f"the {trying} had been made, and {version_of(trying.new)} could not be started: {error}. "
            f"journalctl -u {HUB_UNIT} says more; `hubctl rollback` once it runs"
        ) from None
    finish(host, say)
    return f"the {trying} was cut short at its end and is finished: the hub is {version_of(trying.new)}"


def _clear(host: Host) -> str:
    host.remove(WAY_BACK)
    if host.status(GATE) is None:
        return ""
    # Behind a gate that nobody stands at, the hub would stay closed; it looks for itself, so it need not be restarted.
    host.remove(GATE)
    return f"{shlex.quote(GATE)} kept the hub closed, with nobody to open it; it is gone"
