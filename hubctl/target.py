"""Which hub a command speaks to and as whom: HUB_URL and HUB_TOKEN, or the token file of a hub on this machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from hubctl.choices import certificate, in_force
from hubctl.errors import Failure
from hubctl.host import Host
from hubctl.installed import SETTINGS, own_url
from hubctl.receipt import Receipt
from hubctl.trust import Trust
from server.config import default_data_dir

DEFAULT_URL = "http://127.0.0.1:8080"
INSTALLED_DATA_DIR = Path("/var/lib/openclaw-hub")
TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True)
class Target:
    """A hub's address (no closing slash), the token for it, and where that came from, for messages to people.

    Without a token `token_source` says where one was looked for. `trust` is for a hub that the system's authorities
    do not vouch for.
    """

    url: str
    token: str | None
    token_source: str
    trust: Trust | None = None


def find_target(environ: Mapping[str, str], url: str | None, data_dir: Path | None, *, root: bool) -> Target:
    """The hub to speak to. `url` and `data_dir` are flags, over HUB_URL and HUB_DATA_DIR.

    Raises click.UsageError for an address that is none, Failure for a token file that cannot be read.
    """
    installed = data_dir is None and root and not environ.get("HUB_DATA_DIR")
    here, certificate = _installed_url() if installed else (DEFAULT_URL, None)
    address = _checked_url(url or environ.get("HUB_URL") or here)
    trust = Trust(certificate, pinned=True) if certificate is not None and address == here else None
    if environ.get("HUB_CA"):
        trust = Trust(Path(environ["HUB_CA"]), pinned=False)
    if environ.get("HUB_TOKEN"):
        return Target(address, _checked_token(environ["HUB_TOKEN"], "HUB_TOKEN"), "HUB_TOKEN", trust)
    files = _token_files(environ, data_dir, root=root)
    for file in files:
        token = _read_token(file)
        if token is not None:
            return Target(address, token, str(file), trust)
    return Target(address, None, " and ".join(["HUB_TOKEN", *map(str, files)]), trust)


def _installed_url() -> tuple[str, Path | None]:
    """Where the installed hub listens, and the certificate that it shows; the default when there is none."""
    host = Host()
    if host.status(SETTINGS) is None:
        return DEFAULT_URL, None
    answers = in_force(host, Receipt(host))
    file = certificate(answers)
    return own_url(answers.host, answers.port, tls=bool(file)), Path(file) if file else None


def _token_files(environ: Mapping[str, str], data_dir: Path | None, *, root: bool) -> list[Path]:
    if data_dir is not None:
        return [data_dir / TOKEN_FILE]
    if environ.get("HUB_DATA_DIR"):
        return [Path(environ["HUB_DATA_DIR"]).expanduser() / TOKEN_FILE]
    files = [default_data_dir(environ) / TOKEN_FILE]
    return [*files, INSTALLED_DATA_DIR / TOKEN_FILE] if root else files


def _read_token(file: Path) -> str | None:
    try:
        return _checked_token(file.read_text("utf-8"), str(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failure(f"cannot read the token in {file}: {error.strerror}. Set HUB_TOKEN instead.") from None
    except UnicodeDecodeError:
        raise Failure(f"what is in {file} is not a token") from None


def _checked_token(text: str, source: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Failure(f"what is in {source} is not a token")
    return token


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    else:
        usable = usable and parts.username is None and not parts.query and not parts.fragment
    if not usable:
        raise click.UsageError(f"HUB_URL or --url must look like {DEFAULT_URL}, not {url!r}")
    return url.rstrip("/")


def running_as_root() -> bool:
    """Whether this process may read an installed hub's token."""
    return os.geteuid() == 0
