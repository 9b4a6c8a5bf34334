"""Server-sent events, read piece by piece: bytes in, frames out, whatever the pieces are.

Follows the HTML standard (https://html.spec.whatwg.org/multipage/server-sent-events.html), except that a block
with an id and no data is reported too: the hub moves a quiet reader's cursor on with such blocks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_FRAME_BYTES = 8 << 20
"""What one frame may take; a stream beyond this is not a hub's."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Frame:
    """One block of the stream. `id` and `retry_ms` are None unless this block itself carried them."""

    event: str = "message"
    data: str | None = None
    id: str | None = None
    retry_ms: int | None = None


class FrameTooLargeError(ValueError):
    """A line or block grew beyond MAX_FRAME_BYTES."""


class Parser:
    """Turns the chunks of one response into frames. A block cut off by the end of the stream is dropped."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._after_cr = False
        self._at_start = True
        self._block = _Block()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes, in order. Raises FrameTooLargeError."""
        for line in self._lines(chunk):
            if line:
                self._block.add(line)
                continue
            frame = self._block.close()
            self._block = _Block()
            if frame is not None:
                yield frame

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if self._after_cr and chunk:
            # A CR ended the last chunk and with it a line; the LF of a CRLF split in two is no second end.
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._pending += chunk
        start = 0
        for end in _LINE_END.finditer(self._pending, self._scanned):
            self._after_cr = end.end() == len(self._pending) and end[0] == b"\r"
            yield self._without_bom(bytes(self._pending[start : end.start()]))
            start = end.end()
        del self._pending[:start]
        self._scanned = len(self._pending)
        if self._scanned > MAX_FRAME_BYTES:
            raise FrameTooLargeError(f"a line of more than {MAX_FRAME_BYTES} bytes")

    def _without_bom(self, line: bytes) -> bytes:
        if not self._at_start:
            return line
        self._at_start = False
        return line.removeprefix(_BOM)


class _Block:
    """The fields of the block that is being read."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None
        self._retry_ms: int | None = None
        self._bytes = 0

    def add(self, line: bytes) -> None:
        self._bytes += len(line)
        if self._bytes > MAX_FRAME_BYTES:
            raise FrameTooLargeError(f"a block of more than {MAX_FRAME_BYTES} bytes")
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry_ms = int(value[:9])

    def close(self) -> Frame | None:
        if not self._data and self._id is None and self._retry_ms is None:
            return None
        data = "\n".join(self._data) if self._data else None
        return Frame(self._event or "message", data, self._id, self._retry_ms)
