"""A JSON answer in one write: its head is put together here, since aiohttp's own way takes as long as the handler."""

from email.utils import formatdate
from functools import cache, lru_cache
from http import HTTPStatus
from time import time

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from server.web.problem import NO_STORE

SERVER = "openclaw-hub"
"""How the hub calls itself: without its version, Python's and aiohttp's."""

UNREAD_BYTES = 64 << 10
"""How much of its answers a client may leave unread before its next request waits."""

_JSON = {hdrs.CONTENT_TYPE: "application/json", **NO_STORE}


class Answer(web.Response):
    """JSON that nobody stores. With a header or a cookie added to it, it goes aiohttp's way."""

    def __init__(self, body: bytes, status: int) -> None:
        super().__init__(body=body, status=status)
        self._json = body
        self._stays: bool | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it, where that can be done at once."""
        if self.headers or self.cookies or request.version != HttpVersion11 or request.method == hdrs.METH_HEAD:
            self.headers.update(_JSON)
            return await super().prepare(request)
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._stays = request.keep_alive and self.keep_alive is not False
        transport.write(json_bytes(self.status, self._json, stays=self._stays))
        if transport.get_write_buffer_size() > UNREAD_BYTES:
            await request.writer.drain()
        return None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection is for further requests; None while nobody has said so."""
        return super().keep_alive if self._stays is None else self._stays

    async def write_eof(self, data: bytes = b"") -> None:
        """The end, which went out with the rest."""
        if self._stays is None:
            await super().write_eof(data)


def json_bytes(status: int, body: bytes, *, stays: bool) -> bytes:
    """A whole response of JSON, on a connection that `stays` open or does not."""
    end = b"\r\n" if stays else b"Connection: close\r\n\r\n"
    return b"%bDate: %b\r\nContent-Length: %d\r\n%b%b" % (_head(status), _date(int(time())), len(body), end, body)


def bytes_of(response: web.Response, *, stays: bool) -> bytes:
    """A whole response, whatever its headers are; its body is bytes."""
    assert isinstance(response.body, bytes)
    fields = {
        **response.headers,
        hdrs.CONTENT_LENGTH: str(len(response.body)),
        hdrs.DATE: _date(int(time())).decode(),
        hdrs.SERVER: SERVER,
    }
    if not stays:
        fields[hdrs.CONNECTION] = "close"
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n{lines}\r\n".encode() + response.body


@cache
def _head(status: int) -> bytes:
    fields = {hdrs.SERVER: SERVER, **_JSON}
    lines = (f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}".encode()


@lru_cache(maxsize=1)
def _date(now_s: int) -> bytes:
    """The time as HTTP says it, put into words once a second."""
    return formatdate(now_s, usegmt=True).encode()
