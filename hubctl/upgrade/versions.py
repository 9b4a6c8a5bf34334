"""The versions side by side under /opt/openclaw-hub/versions: put there, asked, and let go when too old."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hubctl.assets import deploy_dir
from hubctl.host import Host, HostError
from hubctl.housework import housework
from hubctl.installed import CURRENT, SNAPSHOTS, STATE, VERSIONS
from hubctl.upgrade.journal import Done, version_of

KEPT = 3
"""Versions that stay: the one in use, and the two before it."""

ROOM_BYTES = 300 * 1000 * 1000
"""A version takes some 100 MB, and the rest of the machine wants to live too."""

_WHEEL = re.compile(r"openclaw_hub-([0-9][^-]*)-.*\.whl")


class Schema(msgspec.Struct, frozen=True):
    """How a version stands to the database; see `server.store.migrating.Schema`."""

    head: str
    known: list[str]
    present: str | None
    back: list[str]


class Known(msgspec.Struct, frozen=True):
    """What a version says of itself."""

    version: str
    schema: Schema


def current(host: Host) -> str:
    """The venv of the version in use. Raises HostError."""
    venv = host.target(CURRENT)
    if venv is None or not is_whole(host, venv):
        raise HostError(f"{CURRENT} leads to no version; `hubctl doctor` says what is amiss, `hubctl setup` mends it")
    return venv


def is_whole(host: Host, venv: str) -> bool:
    """Whether a version was installed to the end."""
    return host.read(f"{venv}/.wheel") is not None


def runs(host: Host, venv: str) -> bool:
    """Whether it still does: an upgrade of the distribution may have taken its Python away."""
    return is_whole(host, venv) and host.run(f"{venv}/bin/python", "-P", "-c", "import hubctl, server").code == 0


def wheel_version(wheel: Path) -> str:
    """The version in a wheel's name. Raises HostError for what is no wheel of the hub."""
    match = _WHEEL.fullmatch(wheel.name)
    if match is None:
        raise HostError(f"{wheel.name} is no wheel of the hub; its name begins with openclaw_hub-VERSION-")
    return match[1]


def is_installed(host: Host, wheel: Path, venv: str) -> bool:
    """Whether this very wheel is in that venv."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return (host.read(f"{venv}/.wheel") or b"").decode().strip() == digest


def install(host: Host, wheel: Path) -> str:
    """Put a wheel's version beside the others, without using it; its venv. Raises HostError."""
    venv = f"{VERSIONS}/{wheel_version(wheel)}"
    ended = host.run("sh", str(deploy_dir() / "install.sh"), "--wheel", str(wheel), "--no-setup")
    if ended.code:
        host.remove_tree(venv)
        said = (ended.err or ended.out).strip().splitlines()
        raise HostError(f"{wheel.name} could not be installed: {said[-1] if said else f'exit code {ended.code}'}")
    return venv


def asked(host: Host, venv: str) -> Known:
    """What a version says of itself and the database. Raises HostError for one that cannot even say that."""
    try:
        return msgspec.json.decode(housework(host, venv, "schema").out, type=Known)
    except msgspec.MsgspecError as error:
        raise HostError(f"{version_of(venv)} does not say how it stands to the database: {error}") from None


def need_room(host: Host) -> None:
    """Raise HostError unless there is room for a version and for a snapshot of the database."""
    database = host.status(f"{STATE}/hub.db")
    for path, wanted in ((VERSIONS, ROOM_BYTES), (STATE, ROOM_BYTES + (database.st_size if database else 0))):
        free = host.free_bytes(path)
        if free < wanted:
            need = f"a version and a copy of the database take {wanted // 1_000_000}"
            raise HostError(f"{free // 1_000_000} MB are free under {path}; {need}")


def prune_versions(host: Host, in_use: str, done: Sequence[Done]) -> Iterator[str]:
    """Let go of versions that nobody returns to any more; what went, in words."""
    stays = {in_use, *[step.old for step in reversed(done)][: KEPT - 1]}
    for name in host.names(VERSIONS):
        if f"{VERSIONS}/{name}" not in stays:
            host.remove_tree(f"{VERSIONS}/{name}")
            yield f"version {name} is removed; the one in use and the {KEPT - 1} before it stay"


def prune_snapshots(host: Host, done: Sequence[Done]) -> None:
    """Let go of all snapshots but that of the last upgrade."""
    stays = {step.snapshot for step in done[-1:]}
    for name in host.names(SNAPSHOTS):
        if name not in stays:
            host.remove_tree(f"{SNAPSHOTS}/{name}")
