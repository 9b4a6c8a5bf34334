"""JSON answers: what of HTTP they keep to, and who waits when they are not read."""

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from time import time

import pytest
from aiohttp import web

from server.web.answering import SERVER, Answer
from server.web.problem import NO_STORE

BODY = b'{"answer": 42}'


async def answered(request: web.Request) -> web.Response:
    answer = Answer(BODY, 201)
    if "cookie" in request.query:
        answer.set_cookie("a", "b")
    if "close" in request.query:
        answer.force_close()
    return answer


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def said(port: int, *requests: str) -> bytes:
    """All that comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(requests).encode())
    async with asyncio.timeout(30):
        everything = await reader.read()
    writer.close()
    return everything


def asked(target: str = "/", version: str = "1.1", fields: str = "", method: str = "GET") -> str:
    return f"{method} {target} HTTP/{version}\r\nHost: a\r\n{fields}\r\n"


def parts(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return status, dict(field.split(": ", 1) for field in fields), body


async def test_an_answer_has_all_that_http_asks_for(port: int) -> None:
    status, fields, body = parts(await said(port, asked(fields="Connection: close\r\n")))
    assert status == "HTTP/1.1 201 Created"
    assert fields == {
        "Server": SERVER,
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        "Date": fields["Date"],
        "Connection": "close",
        **NO_STORE,
    }
    assert abs(parsedate_to_datetime(fields["Date"]).timestamp() - time()) < 60
    assert body == BODY


async def test_a_connection_stays_for_further_requests(port: int) -> None:
    answers = await said(port, asked(), asked(), asked(fields="Connection: close\r\n"))
    assert answers.count(b"HTTP/1.1 201 Created") == answers.count(BODY) == 3
    assert answers.count(b"Connection: ") == 1


async def test_a_handler_may_end_the_connection(port: int) -> None:
    answers = await said(port, asked("/?close=1"), asked())
    assert answers.count(BODY) == answers.count(b"Connection: close") == 1


async def test_the_way_with_a_cookie_tells_the_same(port: int) -> None:
    close = "Connection: close\r\n"
    _, plain, _ = parts(await said(port, asked(fields=close)))
    _, fields, body = parts(await said(port, asked("/?cookie=1", fields=close)))
    assert fields.pop("Set-Cookie").startswith("a=b")
    assert fields.keys() == plain.keys()
    assert body == BODY


async def test_an_old_client_is_answered_in_its_version(port: int) -> None:
    status, fields, body = parts(await said(port, asked(version="1.0")))
    assert status == "HTTP/1.0 201 Created"
    assert (fields["Content-Length"], body) == (str(len(BODY)), BODY)


async def test_a_head_has_no_body(port: int) -> None:
    status, fields, body = parts(await said(port, asked(method="HEAD", fields="Connection: close\r\n")))
    assert status == "HTTP/1.1 201 Created"
    assert (fields["Content-Length"], body) == (str(len(BODY)), b"")


async def test_who_asks_and_does_not_read_is_asked_to_wait(port: int) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    asking = asyncio.create_task(_ask_for_ever(writer))
    await asyncio.sleep(1)
    assert not asking.done()
    assert writer.transport.get_write_buffer_size() > 0, "the server still takes requests"
    asking.cancel()
    writer.transport.abort()


async def _ask_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(asked().encode() * 1000)
        await writer.drain()
