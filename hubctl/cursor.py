"""A tail's place in the stream (`EPOCH:SEQ`), in memory and in a file."""

import os
import re
import tempfile
from pathlib import Path

from hubctl.errors import Failure

_ID = re.compile(r"(?P<epoch>[^:\s]{1,64}):(?P<seq>[0-9]{1,18})", re.ASCII)


class Place:
    """How far a tail has read. `id` is what a stream is resumed with, None before the first one."""

    def __init__(self, last_id: str | None = None) -> None:
        self.id = last_id
        self._epoch, self._seq = _parts(last_id or "")

    def advance(self, new_id: str) -> bool:
        """Move on to `new_id`; False, and no move, when it was already read."""
        epoch, seq = _parts(new_id)
        if epoch and epoch == self._epoch and seq <= self._seq:
            return False
        self.id, self._epoch, self._seq = new_id, epoch, seq
        return True

    def reset(self, new_id: str) -> None:
        """Take `new_id` as the place, even when it lies behind: the hub says that the old one no longer counts."""
        self.id = new_id
        self._epoch, self._seq = _parts(new_id)


class CursorFile:
    """A file that holds the id of the last event printed, always whole: a crash leaves the old id or the new."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        """The stored id, None when there is no file yet. Raises Failure when the file holds something else."""
        try:
            text = self._path.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"cannot read the cursor file {self._path}: {error}") from None
        if not _ID.fullmatch(text):
            raise Failure(f"{self._path} does not hold a cursor; remove it to start anew")
        return text

    def write(self, cursor: str) -> None:
        """Store `cursor`. No fsync: after a power cut a few events may come again, which a place behind means."""
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(cursor + "\n")
            Path(name).replace(self._path)
        except OSError as error:
            raise Failure(f"cannot write the cursor file {self._path}: {error.strerror}") from None


def _parts(cursor: str) -> tuple[str, int]:
    match = _ID.fullmatch(cursor)
    return (match["epoch"], int(match["seq"])) if match else ("", -1)
