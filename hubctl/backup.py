"""Backups on an installed machine: taken by the unit that the timer starts too, put back while the hub stands still."""

import os
import shutil
import time
from pathlib import Path

from hubctl.host import Host, HostError
from hubctl.housework import end_housework, housework, last_words
from hubctl.installed import BACKUP_UNIT, BACKUPS, CURRENT, HUB_UNIT, RESTORING, UNITS, USER
from hubctl.locks import alone
from hubctl.target import running_as_root
from hubctl.undisturbed import undisturbed
from hubctl.upgrade.journal import read


def installed(host: Host) -> bool:
    """Whether this is the installed hub's machine, and its owner asks."""
    return running_as_root() and host.status(f"{UNITS}/{HUB_UNIT}") is not None


def take(host: Host, folder: Path | None) -> Path:
    """Make a backup now, and copy it to `folder` if one is given; where it lies. Raises HostError, OSError."""
    since_s = time.time()
    if host.run("systemctl", "start", BACKUP_UNIT).code:
        said = last_words(host, BACKUP_UNIT, since_s)
        raise HostError(said or f"no backup came of it; journalctl -u {BACKUP_UNIT} says why")
    made = [name for name in host.names(BACKUPS) if name.startswith("hub-")]
    if not made:
        raise HostError(f"no backup came of it; journalctl -u {BACKUP_UNIT} says why")
    newest = host.path(f"{BACKUPS}/{made[-1]}")
    if folder is None:
        return newest
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / newest.name
    # The folder of the backups is the hub's: a link in there must not make root read another file.
    _copy(newest, copy)
    return copy


def put_back(host: Host, file: Path) -> tuple[str, str]:
    """Restore `file` with the hub stopped, and start it again whatever comes of it.

    What there is now and was before, in words; where the replaced database lies. Raises HostError, OSError; then the
    database is as it was.
    """
    staged = f"{RESTORING}{file.suffix}"
    user = host.user_id(USER)
    if user is None:
        raise HostError(f"there is no user {USER}; `hubctl setup` makes it")
    # A hub that was stopped has to be started again, whoever closes the terminal meanwhile.
    with alone(host), undisturbed():
        if (trying := read(host).trying) is not None:
            raise HostError(f"the {trying} was cut short; `hubctl rollback` brings it to its end first")
        end_housework(host)
        try:
            host.remove(staged)
            _copy(file, host.path(staged))
            os.chown(host.path(staged), user, -1, follow_symlinks=False)
            host.must("systemctl", "stop", HUB_UNIT)
            ended = housework(host, CURRENT, "restore", staged)
        finally:
            host.remove(staged)
            host.must("systemctl", "start", HUB_UNIT)
    return ended.err.strip().removeprefix("hub: "), ended.out.strip()


def _copy(source: Path, target: Path) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(reading, "rb") as old:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(writing, "wb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())
