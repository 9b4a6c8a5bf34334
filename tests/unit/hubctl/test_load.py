"""What load is made of: latencies in buckets, streams decoded from bytes, histograms read from /metrics."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubctl.bench import exposition
from hubctl.bench.report import page
from hubctl.bench.verdict import Line
from hubctl.errors import Failure
from hubctl.load.latencies import Latencies
from hubctl.load.wire import Address, Connection, Decoder, Piece

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
HELLO = b'retry: 1000\nid: e:4\nevent: hub.hello\ndata: {"epoch":"e"}\n\n'
MESSAGE = (
    b'id: e:5\nevent: channel.message\ndata: {"seq":5,"channelSeq":2,"event":{"type":"channel.message",'
    b'"message":{"id":"m1","content":"a: b"}},"timestamp":1,"channelId":"c"}\n\n'
)
BEAT = b"id: e:6\n\n"


class Wire(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True


@given(st.lists(st.integers(0, 10**11), min_size=1))
def test_a_quantile_is_within_two_percent(values: list[int]) -> None:
    spread = Latencies()
    for value in values:
        spread.add(value)
    middle = spread.quantile_ms(0.5)
    exact_ms = sorted(values)[(len(values) - 1) // 2] / 1e6
    assert middle is not None
    assert exact_ms * 0.98 - 0.001 <= middle <= exact_ms * 1.02 + 0.001
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(spread.buckets()))


def test_nothing_counted_has_no_quantile() -> None:
    assert Latencies().quantile_ms(0.5) is None


def pieces_of(stream: bytes, step: int) -> Iterator[bytes]:
    return (stream[at : at + step] for at in range(0, len(stream), step))


@pytest.mark.parametrize("step", [1, 7, 64, 10_000])
async def test_a_stream_is_read_however_it_is_cut(step: int) -> None:
    got: list[Piece] = []
    connection = Connection(b"GET", Decoder(), lambda piece, _at: got.append(piece))
    wire = Wire()
    connection.connection_made(wire)
    for some in pieces_of(HEAD + HELLO + MESSAGE + BEAT, step):
        connection.data_received(some)
    async with asyncio.timeout(5):
        await connection.opened
    assert wire.written == b"GET"
    assert [event.event.message.id for piece in got for event in piece.events if event.event.message] == ["m1"]
    assert sum(piece.hello for piece in got) == 1
    assert [piece.cursor for piece in got if piece.cursor][-1] == "e:6"


async def test_a_refusal_is_told() -> None:
    connection = Connection(b"GET", Decoder(), lambda _piece, _at: None)
    wire = Wire()
    connection.connection_made(wire)
    connection.data_received(b"HTTP/1.0 401 Unauthorized\r\n\r\n")
    with pytest.raises(Failure, match="401"):
        await connection.opened
    assert wire.aborted


async def test_the_end_is_told() -> None:
    connection = Connection(b"GET", Decoder(), lambda _piece, _at: None)
    connection.connection_made(Wire())
    connection.connection_lost(None)
    with pytest.raises(Failure, match="closed"):
        await connection.opened
    await asyncio.wait_for(connection.closed, 1)


def test_a_request_names_its_cursor_and_keeps_the_token_out_of_the_address() -> None:
    lines = Address("http://h:1/hub", "?channels=c").request("secret", "e:5").decode().split("\r\n")
    assert lines[0] == "GET /hub/api/events?channels=c HTTP/1.0"
    assert {"Host: h:1", "Authorization: Bearer secret", "Last-Event-ID: e:5"} <= set(lines)


def test_histograms_are_read_from_metrics() -> None:
    text = (
        'hub_x_bucket{kind="a",le="0.5"} 1.0\nhub_x_bucket{kind="a",le="1.0"} 3.0\n'
        'hub_x_bucket{kind="a",le="+Inf"} 4.0\n'
        'hub_x_bucket{kind="b",le="1.0"} 2.0\nhub_x_bucket{kind="b",le="+Inf"} 2.0\nhub_y 7.5\n'
    )
    after = exposition.buckets(text, "hub_x")
    assert exposition.between({}, after, 1.0) == (5, 6)
    assert exposition.between(after, after, 1.0) == (0, 0)
    assert exposition.gauge(text, "hub_y") == 7.5
    assert exposition.gauge(text, "hub_z") is None


def test_the_report_needs_nothing_else_and_quotes_what_it_shows() -> None:
    spread = Latencies()
    spread.add(5_000_000, 10)
    html = page("a <run>", [Line("lost", "0", "<b>", reached=False)], ["a & b"], [("POST", spread)])
    assert "a &lt;run&gt;" in html
    assert "&lt;b&gt;" in html
    assert "a &amp; b" in html
    assert not any(word in html for word in ("<script", "http://", "https://", "url(", "@import"))
    assert html.count("<svg") == 1
