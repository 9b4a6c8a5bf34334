"""The stream's parser: any chunking gives the same frames, and they are the standard's."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubctl.sse import MAX_FRAME_BYTES, Frame, FrameTooLargeError, Parser

FIELD = st.sampled_from(["data", "data", "event", "id", "retry", "", "other"])
VALUE = st.text(st.characters(exclude_characters="\r\n\ufeff", codec="utf-8"), max_size=8) | st.just("1234")
LINE = st.tuples(FIELD, st.sampled_from([":", ": ", ""]), VALUE).map("".join) | st.just("")
TEXT = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n", "\r"])).map("".join), max_size=30).map("".join)


def parsed(*chunks: bytes) -> list[Frame]:
    parser = Parser()
    return [frame for chunk in chunks for frame in parser.feed(chunk)]


def by_the_standard(text: str) -> list[Frame]:
    """The same, written another way: all of the text at once."""
    frames = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    block: list[tuple[str, str]] = []
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            block.append((name, value.removeprefix(" ")))
            continue
        data = [value for name, value in block if name == "data"]
        events = [value for name, value in block if name == "event"]
        ids = [value for name, value in block if name == "id" and "\0" not in value]
        retries = [value for name, value in block if name == "retry" and value.isascii() and value.isdigit()]
        block = []
        if data or ids or retries:
            frames.append(
                Frame(
                    (events[-1] if events else "") or "message",
                    "\n".join(data) if data else None,
                    ids[-1] if ids else None,
                    int(retries[-1]) if retries else None,
                )
            )
    return frames


@given(TEXT, st.lists(st.integers(0, 400), max_size=12))
def test_any_chunking_gives_the_standards_frames(text: str, cuts: list[int]) -> None:
    stream = text.encode()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert parsed(*chunks) == by_the_standard(text)
    assert parsed(*(bytes([byte]) for byte in stream)) == by_the_standard(text)


def test_a_hubs_frames() -> None:
    stream = (
        b"retry: 2500\nid: ab:7\nevent: hub.hello\ndata: {}\n\n"
        b': a comment\n\nid: ab:8\nevent: channel.message\ndata: {"a":\ndata: 1}\n\nid: ab:9\n\n'
    )
    assert parsed(stream) == [
        Frame("hub.hello", "{}", "ab:7", 2500),
        Frame("channel.message", '{"a":\n1}', "ab:8"),
        Frame(id="ab:9"),
    ]


def test_a_frame_comes_with_its_last_carriage_return() -> None:
    parser = Parser()
    assert list(parser.feed(b"data: 1\r\r")) == [Frame(data="1")]
    assert list(parser.feed(b"\ndata: 2\r\n\r")) == [Frame(data="2")]


def test_a_cut_off_block_is_dropped() -> None:
    assert parsed(b"data: whole\n\ndata: half\n") == [Frame(data="whole")]


def test_a_byte_order_mark_is_skipped_only_at_the_start() -> None:
    assert parsed(b"\xef\xbb", b"\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n") == [Frame(data="1")]


def test_bytes_that_are_no_utf8_do_not_end_the_stream() -> None:
    assert parsed(b"data: \xff\n\n") == [Frame(data="\ufffd")]


@pytest.mark.parametrize("piece", [b"x" * 65536, b"data: " + b"x" * 65536 + b"\n"])
def test_an_endless_frame_is_refused(piece: bytes) -> None:
    with pytest.raises(FrameTooLargeError):
        parsed(*([piece] * (MAX_FRAME_BYTES // 65536 + 1)))
