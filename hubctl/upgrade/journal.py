"""What is being tried and what was done: one file of root's, written before each step that could be cut short."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

import msgspec

from hubctl.host import Host, HostError
from hubctl.installed import SOFTWARE, UPGRADE_LOCK, UPGRADES

FOR_EVER_S = float("inf")
POLL_S = 0.2


class Trying(msgspec.Struct, frozen=True):
    """A version on trial: the venvs of the one before and of the new one, and the name of the snapshot taken between.

    From `proved` on there is no way but forward, since people may have got in; from `reverted` on the database is the
    old one again. `back` says that it is a rollback.
    """

    old: str
    new: str
    snapshot: str
    at_s: float
    back: bool = False
    proved: bool = False
    reverted: bool = False
    units: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = "return" if self.back else "upgrade"
        return f"{kind} from {version_of(self.old)} to {version_of(self.new)}"


class Done(msgspec.Struct, frozen=True):
    """An upgrade that was made, its snapshot and the units from before; it can be taken back."""

    old: str
    new: str
    snapshot: str
    at_s: float
    units: tuple[str, ...] = ()


class Journal(msgspec.Struct, frozen=True):
    """What is being tried, what was done (newest last), and how the last attempt ended, in words for a person."""

    trying: Trying | None = None
    done: tuple[Done, ...] = ()
    last: str = ""


def version_of(venv: str) -> str:
    """The version in a venv; they are named so."""
    return PurePosixPath(venv).name


def read(host: Host) -> Journal:
    """What was written last."""
    text = host.read(UPGRADES)
    return msgspec.json.decode(text, type=Journal) if text else Journal()


def write(host: Host, journal: Journal) -> None:
    """Write it, and wait until it is on the disk."""
    host.write(UPGRADES, msgspec.json.format(msgspec.json.encode(journal)) + b"\n", 0o600)
    host.run("sync", str(host.path(SOFTWARE)))


@contextmanager
def alone(host: Host, wait_s: float = 5.0) -> Iterator[None]:
    """Hold the lock of upgrades; the kernel gives it back when this process ends, however it does.

    Raises HostError when somebody else holds it for longer than `wait_s`.
    """
    host.path(SOFTWARE).mkdir(parents=True, exist_ok=True)
    lock = os.open(host.path(UPGRADE_LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    deadline_s = time.monotonic() + wait_s
    try:
        while not _locked(lock):
            if time.monotonic() > deadline_s:
                raise HostError("an upgrade, a rollback or a restore is under way; wait for its end")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(lock)


def is_free(host: Host) -> bool:
    """Whether nobody upgrades, rolls back or restores now. Leaves no trace."""
    if host.status(UPGRADE_LOCK) is None:
        return True
    lock = os.open(host.path(UPGRADE_LOCK), os.O_RDONLY | os.O_NOFOLLOW)
    try:
        return _locked(lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
