"""Foreign events: the well-formed ones pass, marked; the rest goes nowhere, whatever it claims."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.foreign import LARGEST_BYTES, Audience, Dropped, accept

CHANNEL = "9f3c2a1d-5e8f-4b6a-9c1e-2a3b4c5d6e7f"
ROOM = Audience(channel_id=CHANNEL)
MESSAGE = {"id": "msg-uuid", "content": "Hello! 👋", "senderId": "backend-architect", "timestamp": 1}
EVENT = {"type": "channel.message", "channelId": CHANNEL, "message": MESSAGE}
WRAPPED = {"event": EVENT, "timestamp": 5, "channelId": CHANNEL, "senderId": "backend-architect"}


def shown(audience: Audience, value: object) -> tuple[str, dict[str, object]]:
    kind, frame = accept(audience, msgspec.json.encode(value))
    head, _, data = frame.partition(b"\ndata: ")
    assert head == b"event: " + kind.encode()
    assert data.endswith(b"\n\n")
    return kind, msgspec.json.decode(data)


def test_the_wrapper_of_the_schema_passes_and_is_marked() -> None:
    assert shown(ROOM, WRAPPED) == ("channel.message", WRAPPED | {"foreign": True})


def test_a_bare_event_is_wrapped() -> None:
    _, wrapper = shown(ROOM, EVENT)
    assert wrapper["event"] == EVENT
    assert wrapper["senderId"] == "backend-architect"
    assert isinstance(wrapper["timestamp"], int)


def test_unknown_fields_are_left_out() -> None:
    _, wrapper = shown(ROOM, WRAPPED | {"extra": 1, "event": EVENT | {"extra": 2}})
    assert wrapper == WRAPPED | {"foreign": True}


def test_a_claim_to_be_ours_is_taken_away() -> None:
    _, wrapper = shown(ROOM, WRAPPED | {"foreign": False})
    assert wrapper["foreign"] is True


def test_global_and_agent_events_pass_on_their_own_channels() -> None:
    announcement = {"type": "system.announcement", "data": {"message": "soon", "severity": "info"}}
    assert shown(Audience(), announcement)[0] == "system.announcement"
    word = {"type": "agent.direct_message", "data": {"fromAgent": "x", "content": "psst"}}
    assert shown(Audience(agent_id="anna"), {"event": word, "timestamp": 1})[0] == "agent.direct_message"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (WRAPPED | {"seq": 1}, "forged_seq"),
        (WRAPPED | {"channelSeq": 1}, "forged_seq"),
        (WRAPPED | {"channelId": CHANNEL, "event": EVENT | {"channelId": "another"}}, "malformed"),
        (WRAPPED | {"event": {"type": "channel.message", "channelId": CHANNEL}}, "malformed"),
        (WRAPPED | {"event": {"type": "no.such", "channelId": CHANNEL}}, "malformed"),
        (WRAPPED | {"senderId": "two\nlines"}, "malformed"),
        (WRAPPED | {"timestamp": "now"}, "malformed"),
        ({"event": {"type": "system.shutdown", "data": {}}, "timestamp": 1}, "malformed"),
        ({"type": "channel.message.delete", "channelId": CHANNEL, "messageId": "x", "deletedAt": 1}, "stateful"),
        ({"type": "channel.member.leave", "channelId": CHANNEL, "agentId": "x"}, "stateful"),
        ({"type": "channel.delete", "channelId": CHANNEL, "deletedBy": "x", "deletedAt": 1}, "stateful"),
        ([1, 2], "malformed"),
        ("text", "malformed"),
        (None, "malformed"),
    ],
)
def test_what_is_dropped_and_why(value: object, reason: str) -> None:
    with pytest.raises(Dropped) as dropped:
        accept(ROOM, msgspec.json.encode(value))
    assert dropped.value.reason == reason


def test_a_revocation_from_outside_is_dropped() -> None:
    with pytest.raises(Dropped, match="stateful"):
        accept(Audience(), b'{"type":"auth.token.revoked","data":{}}')


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[" * 20_000, b'{"event":' * 5_000])
def test_bytes_that_are_no_json_are_dropped(payload: bytes) -> None:
    with pytest.raises(Dropped, match="malformed"):
        accept(ROOM, payload)


def test_too_large_is_dropped_unread() -> None:
    with pytest.raises(Dropped, match="too_large"):
        accept(ROOM, b" " * (LARGEST_BYTES + 1))


@given(st.binary(max_size=400))
def test_no_bytes_whatever_break_anything(payload: bytes) -> None:
    with pytest.raises(Dropped):
        accept(ROOM, payload)
