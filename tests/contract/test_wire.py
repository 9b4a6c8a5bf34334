"""The hub's own connections to Redis: answers in their order, errors among them, and an end that everybody hears of."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError

from server.bus.line import Line
from server.bus.link import Link
from server.bus.wire import Wire
from server.core.stats import Stats


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[Link]:
    made = Link(redis_url, Stats())
    yield made
    await made.close()


@pytest.fixture
async def wire(link: Link) -> AsyncIterator[Wire]:
    made = await Wire.open(link)
    yield made
    await made.close()


async def kill(url: str) -> None:
    async with redis.Redis.from_url(url, protocol=2) as client:
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def test_several_exchanges_may_be_under_way_at_once(wire: Wire) -> None:
    asked = [wire.exchange([(b"ECHO", b"%d" % number), (b"ECHO", b"again")]) for number in range(100)]
    assert await asyncio.gather(*asked) == [[b"%d" % number, b"again"] for number in range(100)]


async def test_an_error_is_one_answer_among_others(wire: Wire) -> None:
    before, refused, after = await wire.exchange([(b"ECHO", b"1"), (b"NONSENSE",), (b"ECHO", b"2")])
    assert (before, after) == (b"1", b"2")
    assert isinstance(refused, ResponseError)


async def test_an_answer_larger_than_a_packet_comes_whole(wire: Wire) -> None:
    much = b"x" * 3_000_000
    assert await wire.exchange([(b"ECHO", much)]) == [much]


async def test_who_stops_waiting_takes_nobody_elses_answer(wire: Wire) -> None:
    given_up = wire.exchange([(b"ECHO", b"1")])
    given_up.cancel()
    assert await wire.exchange([(b"ECHO", b"2")]) == [b"2"]


async def test_everybody_who_waits_hears_that_the_connection_is_lost(redis_url: str, wire: Wire) -> None:
    asked = wire.exchange([(b"BLPOP", b"nothing", b"0")])
    await kill(redis_url)
    for waiting in (asked, wire.lost):
        with pytest.raises(Disconnected):
            await waiting
    with pytest.raises(Disconnected):
        wire.exchange([(b"PING",)])


async def test_what_was_not_asked_for_is_handed_on(redis_url: str, link: Link) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()
    wire = await Wire.open(link, heard.put_nowait)
    wire.send([(b"SUBSCRIBE", b"news")])
    assert await heard.get() == [b"subscribe", b"news", 1]
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        await client.publish("news", "good")
    assert await heard.get() == [b"message", b"news", b"good"]
    await wire.close()


async def test_a_line_that_was_cut_is_opened_anew(redis_url: str, link: Link) -> None:
    line = Line(link)
    assert await line.ask("limit", [(b"ECHO", b"1")]) == [b"1"]
    await kill(redis_url)
    answers = [await line.ask("limit", [(b"ECHO", b"2")]) for _ in range(2)]
    assert answers[-1] == [b"2"]
    await line.close()


async def test_a_frozen_server_is_given_up_in_time_by_all(redis_url: str, link: Link) -> None:
    line = Line(link)
    await line.ask("limit", [(b"PING",)])
    async with redis.Redis.from_url(redis_url, protocol=2) as client:
        await client.execute_command("CLIENT", "PAUSE", "4000")
    async with asyncio.timeout(3):
        assert await asyncio.gather(*(line.ask("limit", [(b"INCR", b"n")]) for _ in range(5))) == [None] * 5
    await line.close()
