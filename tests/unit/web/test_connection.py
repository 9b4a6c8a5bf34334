"""Connections: what takes the short way, in which order answers come, and what happens at the end of either side."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from server.web.connection import Connection, Plain, Runner, plain

HEAD = b"POST /short HTTP/1.1\r\nHost: a\r\n"
SHORT = HEAD + b"Content-Length: 2\r\n\r\n"
LONG = b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n"


class Taken:
    """A request that was taken, and is answered when `done` says with what."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answer(self, *, stays: bool) -> bytes:
        return b"[%b%b]" % (self.done.result(), b"" if stays else b" and good-bye")


class Server:
    """An application with a long way, and connections that offer `/short`."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[Taken] = asyncio.Queue()
        self.bodies: list[bytes] = []
        app = web.Application()
        app.router.add_route("*", "/{way}", self._long)
        self.runner = Runner(app, self._take, shutdown_timeout=2.0)
        self.port = 0

    def _take(self, _connection: Connection, request: Plain) -> Taken | None:
        if request.line != b"POST /short":
            return None
        taken = Taken(request.body)
        self.taken.put_nowait(taken)
        return taken

    async def _long(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(text="[long]")

    async def start(self) -> None:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.port = self.runner.addresses[0][1]

    async def next(self) -> Taken:
        async with asyncio.timeout(10):
            return await self.taken.get()


class Client:
    """A connection to it that aiohttp waits on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def hears(self) -> str:
        """The next answer, which ends with a bracket."""
        async with asyncio.timeout(10):
            return (await self._reader.readuntil(b"]")).rpartition(b"\r\n")[2].decode()

    async def hears_the_end(self) -> bytes:
        async with asyncio.timeout(10):
            return await self._reader.read()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.runner.cleanup()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    made = Client(*await asyncio.open_connection("127.0.0.1", server.port))
    while not server.runner.connections:
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    yield made
    made.writer.close()


def test_a_whole_request_is_read_as_it_is() -> None:
    found = plain(b'POST /x?y HTTP/1.1\r\nHOST: hub:80\r\nContent-length: 4\r\nConnection: Keep-Alive\r\n\r\n{"a"')
    assert found is not None
    assert (found.line, found.body) == (b"POST /x?y", b'{"a"')
    assert found.fields == {b"host": b"hub:80", b"content-length": b"4", b"connection": b"Keep-Alive"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        SHORT + b"{",
        SHORT + b"{}}",
        SHORT.replace(b" HTTP/1.1", b" HTTP/1.0") + b"{}",
        SHORT.replace(b"POST /short", b"POST /sh\x00rt") + b"{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\ncontent-length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length:\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nConnection: upgrade\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept: a\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept: a\rb\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept: a\r\n folded\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept : a\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nAccept: \xff\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nCookie: a=b\r\n\r\n{}",
        HEAD + b"Content-Length: 20000\r\n\r\n" + b" " * 20_000,
        SHORT + b"{}" + LONG,
    ],
)
def test_what_is_not_whole_or_not_plain_is_left_alone(data: bytes) -> None:
    assert plain(data) is None


async def test_what_is_taken_is_answered_when_it_is_done(server: Server, client: Client) -> None:
    client.writer.write(SHORT + b"{}")
    taken = await server.next()
    assert taken.body == b"{}"
    taken.done.set_result(b"one")
    assert await client.hears() == "[one]"
    assert server.bodies == []


async def test_both_ways_share_a_connection(server: Server, client: Client) -> None:
    for _ in range(3):
        client.writer.write(LONG)
        assert await client.hears() == "[long]"
        client.writer.write(SHORT + b"{}")
        (await server.next()).done.set_result(b"short")
        assert await client.hears() == "[short]"


async def test_what_comes_meanwhile_is_answered_after_it(server: Server, client: Client) -> None:
    client.writer.write(SHORT + b"{}")
    first = await server.next()
    client.writer.write(LONG)
    await asyncio.sleep(0.05)
    client.writer.write(SHORT + b"{}")
    await asyncio.sleep(0.05)
    assert server.bodies == []
    first.done.set_result(b"first")
    assert [await client.hears(), await client.hears(), await client.hears()] == ["[first]", "[long]", "[long]"]


async def test_a_body_that_looks_like_a_request_is_a_body(server: Server, client: Client) -> None:
    words = SHORT + b"{}"
    client.writer.write(b"POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(words))
    await asyncio.sleep(0.05)
    client.writer.write(words)
    assert await client.hears() == "[long]"
    assert (server.bodies, server.taken.empty()) == ([words], True)


async def test_the_end_of_half_a_head_is_no_request(server: Server, client: Client) -> None:
    client.writer.write(b"GET /long HTTP/1.1\r\nHost: a\r\nAccept: ")
    await asyncio.sleep(0.05)
    client.writer.write(SHORT + b"{}")
    assert (await client.hears_the_end()).startswith(b"HTTP/1.0 400")
    assert server.taken.empty()


async def test_who_goes_before_it_is_done_gives_it_up(server: Server, client: Client) -> None:
    client.writer.write(SHORT + b"{}")
    taken = await server.next()
    client.writer.close()
    async with asyncio.timeout(10):
        await asyncio.wait([taken.done])
    assert taken.done.cancelled()


async def test_who_does_not_read_its_answers_goes_the_long_way_which_waits_for_that(
    server: Server, client: Client
) -> None:
    client.writer.write(SHORT + b"{}")
    (await server.next()).done.set_result(b" " * (16 << 20))
    await asyncio.sleep(0.1)
    client.writer.write(SHORT + b"{}")
    async with asyncio.timeout(10):
        while not server.bodies:
            await asyncio.sleep(0.05)
    assert server.taken.empty()


async def test_a_server_that_stops_answers_what_it_took(server: Server, client: Client) -> None:
    client.writer.write(SHORT + b"{}")
    taken = await server.next()
    stopping = asyncio.create_task(server.runner.cleanup())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    taken.done.set_result(b"done")
    assert await client.hears_the_end() == b"[done and good-bye]"
    await stopping


async def test_a_connection_does_not_wait_while_something_is_under_way(server: Server, client: Client) -> None:
    (connection,) = server.runner.connections
    waits = [connection.waits]
    client.writer.write(SHORT + b"{}")
    taken = await server.next()
    waits.append(connection.waits)
    taken.done.set_result(b"")
    await client.hears()
    assert [*waits, connection.waits] == [True, False, True]
