"""Backups on an installed machine: taken by the unit that the timer starts too, put back while the hub stands still."""

import os
import shutil
from pathlib import Path

from hubctl.host import Host, HostError
from hubctl.installed import BACKUP_UNIT, BACKUPS, CURRENT, HUB_UNIT, STATE, UNITS, USER
from hubctl.target import running_as_root


def installed(host: Host) -> bool:
    """Whether this is the installed hub's machine, and its owner asks."""
    return running_as_root() and host.status(f"{UNITS}/{HUB_UNIT}") is not None


def take(host: Host, folder: Path | None) -> Path:
    """Make a backup now, and copy it to `folder` if one is given; where it lies. Raises HostError, OSError."""
    host.must("systemctl", "start", BACKUP_UNIT)
    made = sorted(host.path(BACKUPS).glob("hub-*.db"))
    if not made:
        raise HostError(f"no backup came of it; journalctl -u {BACKUP_UNIT} says why")
    if folder is None:
        return made[-1]
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / made[-1].name
    # The folder of the backups is the hub's: a link in there must not make root read another file.
    _copy(made[-1], copy)
    return copy


def put_back(host: Host, file: Path) -> str:
    """Restore `file` with the hub stopped, and start it again whatever comes of it; where the replaced database lies.

    Raises HostError, OSError; then the database is as it was.
    """
    staged = host.path(f"{BACKUPS}/.restoring.db")
    user = host.user_id(USER)
    if user is None:
        raise HostError(f"there is no user {USER}; `hubctl setup` makes it")
    staged.unlink(missing_ok=True)
    _copy(file, staged)
    os.chown(staged, user, -1, follow_symlinks=False)
    try:
        host.must("systemctl", "stop", HUB_UNIT)
        return host.must(*_as_hub(), "restore", str(staged), "--data-dir", STATE).strip()
    finally:
        staged.unlink(missing_ok=True)
        host.must("systemctl", "start", HUB_UNIT)


def _as_hub() -> tuple[str, ...]:
    run = ("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "-p", f"User={USER}", "-p", "UMask=0077")
    return (*run, f"{CURRENT}/bin/python", "-P", "-m", "server")


def _copy(source: Path, target: Path) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(reading, "rb") as old:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(writing, "wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())
