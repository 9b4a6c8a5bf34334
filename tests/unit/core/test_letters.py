"""Letters between hubs: believed by whom they are for, once, and from nobody else."""

import pytest

from server.core.letters import Forged, Letters
from server.core.peers import Peers

KEYS = {"one": b"1" * 32, "other": b"2" * 32}


def letters(me: str, **known: bytes) -> Letters:
    peers = Peers(me, KEYS[me])
    peers.meet({**KEYS, **known})
    return Letters(peers)


def test_a_letter_is_read_by_the_others_and_not_by_its_writer() -> None:
    one, other = letters("one"), letters("other")
    letter = one.seal((("room", b"words"),), present=("anna",), seen=("bert",))
    found = other.open(letter)
    assert found is not None
    assert (found.live, found.present, found.seen) == ((("room", b"words"),), ("anna",), ("bert",))
    assert one.open(letter) is None


def test_a_letter_counts_once() -> None:
    one, other = letters("one"), letters("other")
    first, second = one.seal(), one.seal()
    assert other.open(second) is not None
    for again in (second, first):
        with pytest.raises(Forged):
            other.open(again)


def test_only_a_hub_with_its_key_writes_letters() -> None:
    other = letters("other")
    stranger = Letters(Peers("stranger", b"3" * 32)).seal()
    liar = Letters(Peers("one", b"3" * 32)).seal()
    good = letters("one").seal((("room", b"words"),))
    for forged in (stranger, liar, good[:-1], good[:40] + b"X" + good[41:], good[32:], b"", b"x" * 100):
        with pytest.raises(Forged):
            other.open(forged)
    assert other.open(good) is not None


def test_nobody_is_written_to_while_there_is_nobody() -> None:
    peers = Peers("one", KEYS["one"])
    assert not Letters(peers).wanted
    peers.meet(KEYS)
    assert Letters(peers).wanted
