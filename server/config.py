"""Settings: one frozen tree, from systemd's credentials, a TOML file, HUB_* variables, flags, each over the last.

`[limits] message = 10` in the file is `HUB_LIMITS_MESSAGE=10` in the environment. `HUB_URL` and `HUB_TOKEN`
belong to the client and are no settings.
"""

import hashlib
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

_PASSWORD = re.compile(r"((?:^|&)[a-z_]*pass(?:word|wd|file)?=)[^&]*", re.IGNORECASE)

SOCKET_PATH_BYTES = 107
"""What Linux takes as a unix socket's path (sun_path less its closing zero)."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A named group of settings."""


class Server(Section, frozen=True):
    """Where the hub listens and whom it believes.

    `allowed_hosts` are names by which it may be called, beside addresses, this machine's own and `.local`;
    `trusted_proxies` addresses or networks whose X-Forwarded-For, -Proto and -Host are believed; `login_header` the
    header in which these say whom they have signed in, empty for none; `waiting_per_address` how many connections of
    one address may keep the hub waiting for a request at the same time. `tls_cert` and `tls_key` are PEM files, with
    which the hub speaks HTTPS; `tls_ca` is the certificate of a private authority, which the hub hands to whoever asks.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    login_header: str = ""
    waiting_per_address: int = 512
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None


class Database(Section, frozen=True):
    """`url` is an SQLAlchemy URL; empty means SQLite in the data directory."""

    url: str = ""


class Redis(Section, frozen=True):
    """`url` empty means a private server that the hub starts and stops; `prefix` goes before every key and channel."""

    url: str = ""
    prefix: str = ""


class Limits(Section, frozen=True):
    """Actions a minute: of an agent or bridge, and of a person. 0 means no limit; an account's own limits go first."""

    message: int = 10
    reaction: int = 20
    invite: int = 5
    people_message: int = 60
    people_reaction: int = 120
    people_invite: int = 20


class Streams(Section, frozen=True):
    """How many streams may be open, and how many bytes a reader may leave unread before it is cut."""

    per_token: int = 8
    per_address: int = 256
    total: int = 2048
    unsent_bytes: int = 1 << 20


class Log(Section, frozen=True):
    """How long events can be replayed."""

    retention_days: int = 30


class Messages(Section, frozen=True):
    """`max_bytes` bounds the content of one message, in UTF-8."""

    max_bytes: int = 65_536


class Probe(Section, frozen=True):
    """`every_s` is how often the hub posts to itself and waits for its own stream; 0 is never."""

    every_s: float = 10.0


class Settings(Section, frozen=True):
    """Everything that can be set. Passwords in URLs are masked by `described()`."""

    data_dir: Path
    server: Server = Server()
    database: Database = Database()
    redis: Redis = Redis()
    limits: Limits = Limits()
    streams: Streams = Streams()
    log: Log = Log()
    messages: Messages = Messages()
    probe: Probe = Probe()

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database.url or f"sqlite:///{self.data_dir / 'hub.db'}"

    @property
    def embedded_redis(self) -> bool:
        """Whether the hub starts a private Redis of its own."""
        return not self.redis.url

    @property
    def admin_token_file(self) -> Path:
        """Where the token of the command line lies, readable by its owner alone."""
        return self.data_dir / "admin.token"

    def described(self) -> dict[str, Any]:
        """The settings as plain data for logs and `status`, with passwords masked."""
        tree: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        for section in ("database", "redis"):
            tree[section]["url"] = masked(tree[section]["url"])
        return tree


class SettingsError(Exception):
    """A setting that cannot be used; the text names it and its source."""


def load(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Mapping[str, Any] | Any] | None = None,
) -> Settings:
    """Read the settings from `file`, `environ` and `flags`, in rising order.

    `flags` is a tree like the file's (`{"server": {"port": 80}}`); values of None do not count.
    Raises SettingsError naming what is wrong.
    """
    environ = os.environ if environ is None else environ
    tree: dict[str, Any] = {"data_dir": default_data_dir(environ)}
    _merge(tree, _from_credentials(environ))
    _merge(tree, _from_file(file))
    _merge(tree, _from_environ(environ))
    _merge(tree, flags or {})
    try:
        return msgspec.convert(tree, Settings, strict=False, dec_hook=_decode_path)
    except msgspec.ValidationError as error:
        raise SettingsError(f"setting refused: {error}") from None


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/openclaw-hub`, or `~/.local/share/openclaw-hub`."""
    home = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "openclaw-hub"


def redis_socket(data_dir: Path) -> Path:
    """Where the private Redis listens: `DATA_DIR/redis.sock`, or where that is too long for the kernel a short path."""
    return _socket(data_dir, "redis.sock")


def trial_socket(data_dir: Path) -> Path:
    """Where a hub on trial listens (`server.trial`): `DATA_DIR/trial.sock`, or a short path."""
    return _socket(data_dir, "trial.sock")


def _socket(data_dir: Path, name: str) -> Path:
    path = data_dir.absolute() / name
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    short = hashlib.sha256(os.fsencode(path.parent)).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(os.fsencode(runtime)) <= SOCKET_PATH_BYTES - 48:
        return Path(runtime) / f"openclaw-hub-{short}" / name
    return Path(tempfile.gettempdir()) / f"openclaw-hub-{os.getuid()}-{short}" / name


def masked(url: str) -> str:
    """The URL with its password replaced by `***`, also where that stands in the query."""
    parts = urlsplit(url)
    netloc = parts.netloc.replace(f":{parts.password}@", ":***@") if parts.password else parts.netloc
    return urlunsplit(parts._replace(netloc=netloc, query=_PASSWORD.sub(r"\1***", parts.query)))


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None


def _from_credentials(environ: Mapping[str, str]) -> dict[str, Any]:
    """What systemd hands over as files (LoadCredential), so that no process list or unit shows a password."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    tree: dict[str, Any] = {}
    if not folder:
        return tree
    for section in ("redis", "database"):
        file = Path(folder) / f"{section}.url"
        if file.is_file():
            tree[section] = {"url": file.read_text("utf-8").strip()}
    pieces = {f"tls_{name}": Path(folder) / f"tls.{name}" for name in ("cert", "key", "ca")}
    tree["server"] = {name: str(file) for name, file in pieces.items() if file.is_file()}
    return tree


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    if "HUB_DATA_DIR" in environ:
        tree["data_dir"] = environ["HUB_DATA_DIR"]
    for field in msgspec.structs.fields(Settings):
        if not (isinstance(field.type, type) and issubclass(field.type, Section)):
            continue
        for key in msgspec.structs.fields(field.type):
            value = environ.get(f"HUB_{field.name}_{key.name}".upper())
            if value is not None:
                is_list = key.type == tuple[str, ...]
                tree.setdefault(field.name, {})[key.name] = _words(value) if is_list else value
    return tree


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def _merge(tree: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping):
            branch = tree.setdefault(key, {})
            if not isinstance(branch, dict):
                raise SettingsError(f"setting refused: {key} is not a section")
            _merge(branch, value)
        elif value is not None:
            tree[key] = value


def _decode_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser().absolute()
    raise NotImplementedError(f"no decoder for {kind.__name__}")
