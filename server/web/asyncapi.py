"""The AsyncAPI document (3.0): what travels on Redis and in the stream, made from the same event types."""

from typing import Any, get_args

import msgspec

from server import __version__
from server.core.events import AnyAgentEvent, AnyChannelEvent, AnyGlobalEvent, Envelope, type_of
from server.core.tally import Counters
from server.web.events import Bye, Hello, Reset
from server.web.openapi import REFERENCE

Json = dict[str, Any]

_STREAM_FRAMES: dict[str, type] = {"hub.hello": Hello, "hub.reset": Reset, "hub.counters": Counters, "hub.bye": Bye}
_PUBSUB: dict[str, tuple[str, Any]] = {
    "channel": ("pubsub:channel:{channelId}", AnyChannelEvent),
    "global": ("pubsub:global", AnyGlobalEvent),
    "agent": ("pubsub:agent:{agentId}", AnyAgentEvent),
}


def document() -> Json:
    """The whole document."""
    events = [event for _, union in _PUBSUB.values() for event in get_args(union)]
    types = [*events, *_STREAM_FRAMES.values(), Envelope]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    components = _without_discriminators(components)
    references = dict(zip(types, schemas, strict=True))
    messages = {_name(event): _message(event, references[event], references[Envelope]) for event in events}
    frames = {kind.replace(".", "-"): _frame(kind, references[shape]) for kind, shape in _STREAM_FRAMES.items()}
    channels = {name: _pubsub(address, get_args(union)) for name, (address, union) in _PUBSUB.items()}
    channels["stream"] = _stream([*messages, *frames])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "OpenClaw Hub events",
            "version": __version__,
            "description": "Events on Redis pub/sub and in the stream GET /api/events, in one wrapper.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "redis": {"host": "localhost", "protocol": "redis", "description": "A unix socket, user `outsider`."},
            "hub": {"host": "localhost:8080", "protocol": "http", "description": "Server-sent events."},
        },
        "channels": channels,
        "operations": {
            f"hear-{name}": {"action": "receive", "channel": {"$ref": f"#/channels/{name}"}} for name in channels
        },
        "components": {"messages": {**messages, **frames}, "schemas": components},
    }


def _without_discriminators(schema: Any) -> Any:
    """OpenAPI's discriminator is an object, AsyncAPI's a string; the tags tell the events apart without either."""
    if isinstance(schema, dict):
        return {key: _without_discriminators(value) for key, value in schema.items() if key != "discriminator"}
    return [_without_discriminators(value) for value in schema] if isinstance(schema, list) else schema


def _name(event: Any) -> str:
    return str(event.__struct_config__.tag).replace(".", "-")


def _message(event: Any, schema: Json, envelope: Json) -> Json:
    """An event in its wrapper: the wrapper's schema with this one event in it."""
    kind = str(event.__struct_config__.tag)
    return {
        "name": kind,
        "summary": (event.__doc__ or "").strip().partition("\n")[0],
        "payload": {"allOf": [envelope, {"type": "object", "properties": {"event": schema}}]},
        "examples": [{"name": kind, "payload": msgspec.to_builtins(_example(event))}],
    }


def _frame(kind: str, schema: Json) -> Json:
    return {"name": kind, "payload": schema}


def _pubsub(address: str, events: tuple[Any, ...]) -> Json:
    channel: Json = {
        "address": address,
        "servers": [{"$ref": "#/servers/redis"}],
        "messages": {_name(event): {"$ref": f"#/components/messages/{_name(event)}"} for event in events},
    }
    parameter = address.partition("{")[2].rstrip("}")
    if parameter:
        channel["parameters"] = {parameter: {"description": "The id."}}
    return channel


def _stream(names: list[str]) -> Json:
    return {
        "address": "/api/events",
        "servers": [{"$ref": "#/servers/hub"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _example(event: Any) -> Envelope:
    """A wrapper with such an event in it, every required field filled."""
    made = msgspec.convert(_filled(msgspec.inspect.type_info(event)), event)
    audience = {"channel_id": made.channel_id} if hasattr(made, "channel_id") else {}
    assert type_of(made)
    return Envelope(seq=7, event=made, timestamp=1_708_554_000_000, sender_id="backend-architect", **audience)


_WORDS = {
    "channelId": "9f3c2a1d-5e8f-4b6a-9c1e-2a3b4c5d6e7f",
    "content": "Hello! 👋",
    "emoji": "👋",
    "avatar": "🤖",
    "type": "task.handover",
}


def _filled(kind: Any, name: str = "") -> Any:
    """A plausible value of a type, as it travels."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.StructType):
        required = {field.encode_name: field for field in kind.fields if field.required}
        tag = {kind.tag_field: kind.tag} if kind.tag_field is not None else {}
        return tag | {key: _filled(field.type, key) for key, field in required.items()}
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.IntType):
        return 1_708_554_000_000 if name.endswith(("At", "timestamp", "lastSeen")) else 4
    if isinstance(kind, inspect.BoolType):
        return True
    if isinstance(kind, inspect.DictType):
        return {}
    if name.lower().endswith("id") and name not in ("agentId", "senderId", "channelId"):
        return "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
    return _WORDS.get(name, "backend-architect")
