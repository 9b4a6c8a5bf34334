"""Events that other programs publish on Redis: read strictly, marked as foreign, and never believed."""

from typing import Any

import msgspec

from server.core.clock import now_ms
from server.core.events import (
    AnyAgentEvent,
    AnyChannelEvent,
    AnyEvent,
    AnyGlobalEvent,
    ChannelMessage,
    Envelope,
    ThreadMessage,
    encode,
    live_frame,
    type_of,
)

LARGEST_BYTES = 256_000
NAME_LENGTH = 128

STATEFUL = frozenset(
    {
        "channel.message.edit",
        "channel.message.delete",
        "channel.member.join",
        "channel.member.update",
        "channel.member.leave",
        "channel.update",
        "channel.archive",
        "channel.delete",
        "auth.token.revoked",
    }
)
"""Types that only the hub may say, since clients change what they hold by them."""


class Dropped(Exception):
    """A foreign event that goes nowhere; `reason` is the metric's label."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Audience(msgspec.Struct, frozen=True):
    """Where something was published: a channel's, an agent's, or with neither the global Redis channel."""

    channel_id: str | None = None
    agent_id: str | None = None


class _Claim(msgspec.Struct, frozen=True, rename="camel"):
    """A wrapper, or a bare event, as far as it must be read to know which."""

    event: msgspec.Raw = msgspec.Raw()
    seq: Any = None
    channel_seq: Any = None
    timestamp: int | None = None
    channel_id: str | None = None
    sender_id: str | None = None


_claim = msgspec.json.Decoder(_Claim)
_channel_event: msgspec.json.Decoder[AnyChannelEvent] = msgspec.json.Decoder(AnyChannelEvent)
_agent_event: msgspec.json.Decoder[AnyAgentEvent] = msgspec.json.Decoder(AnyAgentEvent)
_global_event: msgspec.json.Decoder[AnyGlobalEvent] = msgspec.json.Decoder(AnyGlobalEvent)


def accept(audience: Audience, payload: bytes) -> tuple[str, bytes]:
    """The type and the live frame of a well-formed foreign event; unknown fields are left out.

    Raises Dropped for what is malformed, too large, claims a place in the log, or would change state.
    """
    if len(payload) > LARGEST_BYTES:
        raise Dropped("too_large")
    try:
        envelope = _read(audience, payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Dropped("malformed") from None
    kind = type_of(envelope.event)
    if kind in STATEFUL:
        raise Dropped("stateful")
    return kind, live_frame(kind, encode(envelope))


def _read(audience: Audience, payload: bytes) -> Envelope:
    claim = _claim.decode(payload)
    if claim.seq is not None or claim.channel_seq is not None:
        raise Dropped("forged_seq")
    event = _event(audience, bytes(claim.event) or payload)
    sender_id = claim.sender_id or _sender_of(event)
    if sender_id is not None and not (len(sender_id) <= NAME_LENGTH and sender_id.isprintable()):
        raise Dropped("malformed")
    return Envelope(
        event=event,
        timestamp=now_ms() if claim.timestamp is None else claim.timestamp,
        channel_id=audience.channel_id,
        sender_id=sender_id,
        foreign=True,
    )


def _event(audience: Audience, raw: bytes) -> AnyEvent:
    if audience.channel_id is None:
        return _global_event.decode(raw) if audience.agent_id is None else _agent_event.decode(raw)
    event = _channel_event.decode(raw)
    if event.channel_id != audience.channel_id:
        raise Dropped("malformed")
    return event


def _sender_of(event: AnyEvent) -> str | None:
    return event.message.sender_id if isinstance(event, ChannelMessage | ThreadMessage) else None
