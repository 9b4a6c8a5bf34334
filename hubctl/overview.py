"""The parts of an installed hub at a glance: its units, the room on its disk, its last backup, its certificate."""

from datetime import UTC, datetime
from typing import NamedTuple

from hubctl import certificates
from hubctl.certificates import Unusable
from hubctl.choices import certificate, in_force
from hubctl.host import Host
from hubctl.installed import (
    BACKUP_TIMER,
    BACKUP_UNIT,
    BACKUPS,
    CURRENT,
    HUB_UNIT,
    REDIS_UNIT,
    SETTINGS,
    STATE,
    TLS_TIMER,
    TLS_UNIT,
)
from hubctl.locks import is_free
from hubctl.receipt import Receipt
from hubctl.steps.machine import DISK_BYTES
from hubctl.steps.upgrading import RESTORE_CUT_SHORT, left_of_a_restore

OLD_BACKUP_S = 2 * 86_400
"""A daily backup that is older than this was missed."""


class Part(NamedTuple):
    """A part, a word on it, and whether that is as it should be."""

    name: str
    state: str
    well: bool


def installed_here(host: Host) -> bool:
    """Whether setup made this machine a hub."""
    return host.status(SETTINGS) is not None and host.status(CURRENT) is not None


def parts(host: Host, now: datetime) -> list[Part]:
    """Every part, as root sees them."""
    receipt = Receipt(host)
    answers = in_force(host, receipt)
    units = [HUB_UNIT, *(() if answers.redis_url else (REDIS_UNIT,)), BACKUP_TIMER]
    cert = certificate(answers)
    found = [_unit(host, unit) for unit in (*units, *((TLS_TIMER,) if cert else ()))]
    found += [part for unit in (BACKUP_UNIT, TLS_UNIT) if not (part := _last_run(host, unit)).well]
    found += [Part("restore", RESTORE_CUT_SHORT, well=False)] if left_of_a_restore(host) and is_free(host) else []
    found += [_disk(host), _backup(host, now)]
    return [*found, _ends(host, cert, now)] if cert else found


def _unit(host: Host, unit: str) -> Part:
    state = host.run("systemctl", "is-active", unit).out.strip() or "unknown"
    return Part(unit, state, state == "active")


def _last_run(host: Host, unit: str) -> Part:
    state = host.run("systemctl", "is-failed", unit).out.strip() or "unknown"
    return Part(unit, state, state != "failed")


def _disk(host: Host) -> Part:
    free = host.free_bytes(STATE)
    return Part("disk", f"{free / 1e9:.1f} GB free", free >= DISK_BYTES)


def _backup(host: Host, now: datetime) -> Part:
    folder = host.path(BACKUPS)
    made = [file.stat().st_mtime for file in folder.iterdir() if file.name[0] != "."] if folder.is_dir() else []
    if not made:
        return Part("last backup", "none yet", well=True)
    at = datetime.fromtimestamp(max(made), UTC)
    return Part("last backup", f"{at.astimezone():%Y-%m-%d %H:%M}", (now - at).total_seconds() < OLD_BACKUP_S)


def _ends(host: Host, cert: str, now: datetime) -> Part:
    try:
        at = certificates.ends(host.content(cert) or b"")
    except Unusable as unusable:
        return Part("certificate", str(unusable), well=False)
    return Part("certificate", f"until {at:%Y-%m-%d}", at > now)
