"""What is being tried and what was done: one file of root's, written before each step that could be cut short."""

from pathlib import PurePosixPath

import msgspec

from hubctl.host import Host, HostError
from hubctl.installed import SOFTWARE, UPGRADES


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


class Damaged(HostError):
    """What was noted of upgrades cannot be read."""


def version_of(venv: str) -> str:
    """The version in a venv; they are named so."""
    return PurePosixPath(venv).name


def read(host: Host) -> Journal:
    """What was written last. Raises Damaged."""
    text = host.read(UPGRADES)
    try:
        return msgspec.json.decode(text, type=Journal) if text else Journal()
    except msgspec.MsgspecError:
        raise Damaged(f"{UPGRADES} is damaged; `hubctl setup` keeps it aside and begins a new one") from None


def write(host: Host, journal: Journal) -> None:
    """Write it, and wait until it is on the disk."""
    host.write(UPGRADES, msgspec.json.format(msgspec.json.encode(journal)) + b"\n", 0o600)
    host.run("sync", str(host.path(SOFTWARE)))
