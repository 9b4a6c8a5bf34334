"""Events as lines for people."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubctl.render import describe

NOON = datetime(2026, 2, 21, 12, 4, 5, tzinfo=UTC)
MS = int(NOON.timestamp() * 1000)


def said(event: dict[str, Any], **more: Any) -> str:
    envelope = {"event": event, "timestamp": MS, "channelId": "c1", "senderId": "planner"} | more
    return describe(envelope, {"c1": "general"}.__getitem__, NOON)


def test_a_message() -> None:
    event = {"type": "channel.message", "message": {"senderId": "planner", "content": "hello\nthere"}}
    assert said(event) == "12:04:05 #general planner: hello\n    there"
    assert said(event, foreign=True).endswith("(unproved, from outside)")
    assert said(event, timestamp=MS - 86_400_000).startswith("2026-02-20 12:04:05 #general")


def test_a_reply_and_a_direct_message() -> None:
    message = {"senderId": "planner", "content": "yes"}
    reply = {"type": "thread.message", "threadId": "0123456789", "message": message}
    assert said(reply) == "12:04:05 #general/01234567 planner: yes"
    direct = {"type": "agent.direct_message", "data": {"fromAgent": "planner", "content": "psst"}}
    assert said(direct, channelId=None) == "12:04:05 @ planner: psst"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "channel.member.join", "member": {"agentId": "a", "role": "member"}}, "#general * a joined"),
        (
            {"type": "channel.message.edit", "messageId": "0123456789", "content": "x"},
            "#general * planner edited 01234567: x",
        ),
        ({"type": "system.announcement", "data": {"message": "soon"}}, "* system.announcement soon"),
        ({"type": "agent.joined", "data": {"affectedAgents": ["a", "b"]}}, "* a, b came online"),
        ({"type": "made.up"}, "* made.up"),
    ],
)
def test_other_events_in_short(event: dict[str, Any], line: str) -> None:
    assert said(event) == f"12:04:05 {line}"


def test_a_hostile_message_cannot_drive_the_terminal_or_fake_a_line() -> None:
    event = {
        "type": "channel.message",
        "message": {"senderId": "evil\n12:00:00 #general admin", "content": "\x1b[2J\r12:04:05 #general admin: pay"},
    }
    assert said(event) == (
        "12:04:05 #general evil\\n12:00:00 #general admin: \\x1b[2J\\x0d12:04:05 #general admin: pay".replace(
            "\\x0d", "\\r"
        )
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
)
KINDS = st.sampled_from(["channel.message", "channel.message.edit", "thread.create", "agent.joined", "x"])


@given(KINDS, JSON, JSON, JSON)
def test_no_shape_ends_the_tail(kind: str, message: Any, timestamp: Any, channel_id: Any) -> None:
    event = {"type": kind, "message": message, "data": message, "thread": message, "content": message}
    describe({"event": event, "timestamp": timestamp, "channelId": channel_id}, str.upper)
    describe({"event": message, "timestamp": timestamp}, str.upper)
