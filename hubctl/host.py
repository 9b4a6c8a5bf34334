"""The only gateway to a machine's files and commands; tests give it another root and other commands."""

import contextlib
import os
import shutil
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hubctl.trust import pinned

COMMAND_TIMEOUT_S = 600.0
BOUNDED = frozenset({"systemctl", "systemd-run", "timeout"})
"""What sees to an end itself: a start that changes a large database's schema may take as long as its unit allows."""

FETCH_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str = ""
    err: str = ""


class HostError(Exception):
    """The machine refused what a step asked of it; the text is the machine's own word."""


Run = Callable[[tuple[str, ...], str], Outcome]
Fetch = Callable[[str, Path | None], int]


def run_command(argv: tuple[str, ...], text: str) -> Outcome:
    """Run a command to its end with `text` on its standard input; one that does not exist ends with 127."""
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_PAGER": ""}
    limit_s = None if argv[0] in BOUNDED else COMMAND_TIMEOUT_S
    try:
        ended = subprocess.run(
            argv, input=text, capture_output=True, text=True, timeout=limit_s, check=False, env=environ
        )
    except FileNotFoundError:
        return Outcome(127, err=f"{argv[0]} is not installed")
    except subprocess.TimeoutExpired:
        return Outcome(124, err=f"{argv[0]} did not end within {COMMAND_TIMEOUT_S:.0f} s")
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def fetch_status(url: str, trusted: Path | None) -> int:
    """The status of a GET, 0 when nothing answers; `trusted` is the certificate that has to be shown."""
    try:
        context = pinned(trusted) if trusted is not None else None
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S, context=context) as answer:  # noqa: S310 - our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Host:
    """A machine under `root`. Names of files are absolute, as the machine sees them."""

    def __init__(
        self,
        root: Path = Path("/"),
        run: Run = run_command,
        fetch: Fetch = fetch_status,
        *,
        free_bytes: int | None = None,
    ) -> None:
        self.root = root
        self._fetch = fetch
        self._run = run
        self._free_bytes = free_bytes

    def path(self, name: str) -> Path:
        """Where the file is for this process."""
        return self.root / name.lstrip("/")

    def run(self, *argv: str, text: str = "") -> Outcome:
        """Run a command; its exit code is the caller's to judge."""
        return self._run(argv, text)

    def must(self, *argv: str, text: str = "") -> str:
        """Run a command and return what it printed. Raises HostError with its last words when it fails."""
        outcome = self.run(*argv, text=text)
        if outcome.code != 0:
            words = (outcome.err or outcome.out).strip().splitlines()
            raise HostError(f"{' '.join(argv[:3])} failed: {words[-1] if words else f'exit code {outcome.code}'}")
        return outcome.out

    def fetch(self, url: str, certificate: str = "") -> int:
        """The status that the hub answers with, 0 for none; a `certificate` is the file with the one it must show."""
        return self._fetch(url, self.path(certificate) if certificate else None)

    def status(self, name: str) -> os.stat_result | None:
        """The file's own status, a link's not followed; None when there is none."""
        try:
            return self.path(name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, name: str) -> bytes | None:
        """The content of a regular file; None when there is none, or something else has its name."""
        status = self.status(name)
        return self.path(name).read_bytes() if status and stat.S_ISREG(status.st_mode) else None

    def content(self, name: str) -> bytes | None:
        """What is in the file that this name leads to, through links too; None when that is no file."""
        try:
            return self.path(name).read_bytes()
        except OSError:
            return None

    def target(self, name: str) -> str | None:
        """Where a symbolic link points; None when it is none."""
        status = self.status(name)
        return str(self.path(name).readlink()) if status and stat.S_ISLNK(status.st_mode) else None

    def names(self, name: str) -> list[str]:
        """What is in a folder, in order; nothing when there is none."""
        status = self.status(name)
        is_folder = status is not None and stat.S_ISDIR(status.st_mode)
        return sorted(path.name for path in self.path(name).iterdir()) if is_folder else []

    def write(self, name: str, content: bytes, mode: int) -> None:
        """Put a file in place, whole or not at all; a link by that name is replaced, never followed."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                if self.root == Path("/"):
                    os.fsync(file.fileno())
        except OSError as error:
            fresh.unlink(missing_ok=True)
            # a disk that is full does not say of which file that is
            raise OSError(error.errno, error.strerror, str(path)) from None
        fresh.chmod(mode)
        fresh.replace(path)

    def link(self, name: str, target: str) -> None:
        """Point a symbolic link, in one step."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(path)

    def make_folder(self, name: str, mode: int) -> None:
        """Make a folder with this mode, or give it to one that is there."""
        self.path(name).mkdir(parents=True, exist_ok=True)
        self.path(name).chmod(mode)

    def own(self, name: str) -> None:
        """Give it to root."""
        os.chown(self.path(name), self.root_id(), -1, follow_symlinks=False)

    def move(self, name: str, to: str) -> None:
        """Rename a file."""
        self.path(name).replace(self.path(to))

    def remove(self, name: str) -> None:
        """Remove a file or a link, if there is one."""
        self.path(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove a folder if it is empty."""
        with contextlib.suppress(OSError):
            self.path(name).rmdir()

    def remove_tree(self, name: str) -> None:
        """Remove a folder with all that is in it."""
        shutil.rmtree(self.path(name), ignore_errors=True)

    def user_id(self, name: str) -> int | None:
        """The number of a user of this machine, None when there is no such user."""
        for line in (self.read("/etc/passwd") or b"").decode().splitlines():
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2])
        return None

    def root_id(self) -> int:
        """Who owns what setup writes."""
        return 0 if self.root == Path("/") else os.getuid()

    def free_bytes(self, name: str) -> int:
        """The room on the disk that holds this folder, or its nearest parent that exists."""
        return shutil.disk_usage(self._nearest(name)).free if self._free_bytes is None else self._free_bytes

    def is_writable(self, name: str) -> bool:
        """Whether something can be put into this folder, or its nearest parent that exists."""
        return os.access(self._nearest(name), os.W_OK)

    def _nearest(self, name: str) -> Path:
        path = self.path(name)
        while not path.exists():
            path = path.parent
        return path

    def pause(self, seconds: float) -> None:
        """Wait; not at all on a machine that is none."""
        if self.root == Path("/"):
            time.sleep(seconds)
