"""Reading a request: its body and its query straight into structs, with an answer for everything that is not one."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web

from server.core.errors import HubError, Invalid, Malformed, Unavailable
from server.web.answering import Answer
from server.web.problem import NO_STORE

T = TypeVar("T")

BODY_BYTES = 256 * 1024
BODY_TIMEOUT_S = 15.0

ARRIVING_BYTES = 64 << 20
"""Bodies that are on their way at once, where there is enough memory."""

_FIELD = re.compile(r"field `([^`]+)`")
_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
encode = msgspec.json.Encoder().encode


class Arriving:
    """The bodies that are on their way: each may be small, and a thousand slow ones are a flood."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    @contextmanager
    def takes(self, size: int) -> Iterator[None]:
        """Keep room for a body until the block ends. Raises Unavailable when there is none."""
        if size > self._left:
            raise Unavailable("overloaded", "more is being sent to the hub than it can hold; nothing was kept")
        self._left -= size
        try:
            yield
        finally:
            self._left += size


ARRIVING = web.AppKey("ARRIVING", Arriving)


class Body(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a request's body may hold, and nothing else."""


class Query(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a request's query may hold, and nothing else."""


async def body(request: web.Request, shape: type[T]) -> T:
    """The JSON body as `shape`.

    Raises HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge, HTTPRequestTimeout, Malformed, Invalid.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    if hdrs.CONTENT_ENCODING in request.headers:
        # a few bytes that unpack to gigabytes; no client of a chat needs it
        raise web.HTTPUnsupportedMediaType
    return decode(await _bytes(request), shape)


def decode(raw: bytes, shape: type[T]) -> T:
    """The bytes of a JSON body as `shape`. Raises Malformed, Invalid."""
    decoder = _DECODERS.get(shape)
    if decoder is None:
        decoder = _DECODERS[shape] = msgspec.json.Decoder(shape)
    try:
        return decoder.decode(raw)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(raw, error) from None


async def _bytes(request: web.Request) -> bytes:
    if request.content.is_eof():
        return await request.read()
    size = BODY_BYTES if request.content_length is None else min(request.content_length, BODY_BYTES)
    try:
        with request.app[ARRIVING].takes(size):
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _refusal(raw: bytes, error: Exception) -> HubError:
    """A wrong value is 422; what is not JSON at all is 400, also where that comes after the wrong value."""
    try:
        msgspec.json.decode(raw)
    except RecursionError:
        return Malformed("too_deep", "the JSON is nested too deeply")
    except UnicodeDecodeError:
        return Malformed("not_utf8", "the body is not UTF-8")
    except msgspec.DecodeError as reason:
        return Malformed("not_json", f"the body is not JSON: {reason}")
    return of_validation(error)


def of_validation(error: Exception) -> HubError:
    """What msgspec found wrong, with the field by its name in the request."""
    words = str(error)
    path = _PATH.search(words)
    named = _FIELD.search(words)
    steps = [step for step in (path.group(1) if path else "", named.group(1) if named else "") if step]
    detail = _PATH.sub("", words)
    if "unknown field" in words:
        return Invalid(".".join(steps), detail, code="unknown_field")
    return Invalid(".".join(steps) or "body", detail)


def query(request: web.Request, shape: type[T]) -> T:
    """The query as `shape`. Raises Invalid for unknown, repeated and wrong parameters."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name in found:
            raise Invalid(name, f"{name} is given twice")
        found[name] = value
    try:
        return msgspec.convert(found, shape, strict=False)
    except msgspec.ValidationError as error:
        raise of_validation(error) from None


def answer(value: object, status: int = 200) -> web.Response:
    """The value as JSON."""
    return Answer(encode(value), status)


def nothing() -> web.Response:
    """204."""
    return web.Response(status=204, headers=NO_STORE)
