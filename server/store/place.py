"""The place of an SQLite: its file is still where the hub opened it, and there is room around it.

A file that was deleted or moved away while it is open takes writes as before, and the next start does not find them.
"""

import shutil
from pathlib import Path

from server.core.errors import Unavailable

ROOM_BYTES = 512 << 10
"""With less than this on its disk a hub is not ready: one large message and its event take half of it."""

HELD_BYTES = 64 << 20
"""A write-ahead log beyond this is held by somebody's long look: the hub's own looks end long before."""


class Place:
    """A database's file; None for a database elsewhere, which is never amiss here."""

    def __init__(self, file: str | None) -> None:
        self._file = None if file is None else Path(file)
        self._wal = None if file is None else Path(f"{file}-wal")
        self._known: tuple[int, int] | None = None

    def require(self) -> None:
        """Raise Unavailable when what was opened is not what has its name: what is written now would be lost."""
        if gone := self.gone():
            raise Unavailable("storage_failed", f"{gone}; nothing was stored")

    def gone(self) -> str:
        """What became of the file, in words; empty while it is where it was when this was asked first."""
        if self._file is None:
            return ""
        try:
            status = self._file.stat()
        except OSError:
            return f"the database {self._file} is not there any more: put it back, or stop the hub and restore a backup"
        self._known = self._known or (status.st_dev, status.st_ino)
        if self._known != (status.st_dev, status.st_ino):
            return f"another file was put in the place of the database {self._file}: start the hub again to use it"
        return ""

    def wal_bytes(self) -> int:
        """How long the write-ahead log is; 0 without one."""
        try:
            return 0 if self._wal is None else self._wal.stat().st_size
        except OSError:
            return 0

    def burden(self) -> str:
        """What the write-ahead log has grown to, and what to do, in words; empty while it is of an ordinary length."""
        length = self.wal_bytes()
        if length <= HELD_BYTES:
            return ""
        return (
            f"{self._wal} has grown to {length // 1_000_000} MB, since another program holds an old state of the "
            f"database: messages go on; end what reads {self._file} (`fuser {self._file}` names it)"
        )

    def amiss(self) -> str | None:
        """What keeps this place from taking a message, in words."""
        if self._file is None:
            return None
        if gone := self.gone():
            return gone
        try:
            left = shutil.disk_usage(self._file.parent).free
        except OSError as error:
            return f"the disk of {self._file} cannot be asked: {error.strerror}"
        return None if left >= ROOM_BYTES else f"the disk is full: {left // 1024} KiB are left"
