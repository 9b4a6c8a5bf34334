"""The data directory: made private, held by one hub at a time, with the command line's token in it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class AlreadyRunning(Exception):
    """Another hub holds this data directory; nothing was touched."""


class DataDir:
    """The directory while this process holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> Self:
        """Make and lock it. Raises AlreadyRunning, OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._close_to_others()
        lock = os.open(self.path / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(lock, 20, 0).decode().strip() or "unknown"
            os.close(lock)
            raise AlreadyRunning(f"a hub is already running on {self.path} (process {holder})") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        return self

    def _close_to_others(self) -> None:
        """A folder that somebody made for the hub becomes private; one with other things in it is left as it is."""
        status = self.path.stat()
        entries = {entry.name for entry in self.path.iterdir()}
        ours = not entries or "hub.lock" in entries
        if ours and status.st_uid == os.geteuid() and status.st_mode & 0o077:
            self.path.chmod(0o700)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go; the kernel does the same for a process that is killed."""
        os.close(self._lock)

    def write_secret(self, name: str, secret: str) -> None:
        """Put a secret into a file of the owner's alone, whole or not at all."""
        fresh = self.path / f".{name}.new"
        fresh.unlink(missing_ok=True)
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(secret + "\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.path / name)
