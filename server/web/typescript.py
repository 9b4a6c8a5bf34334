"""TypeScript declarations of every event, the wrapper and the stream's own frames, from the same types."""

from typing import Any, get_args

import msgspec

from server.core.events import AnyAgentEvent, AnyChannelEvent, AnyGlobalEvent, Envelope
from server.core.tally import Counters
from server.web.events import Bye, Hello, Reset

_HEAD = "// The events of OpenClaw Hub, made by `make types` from server/core/events.py. Times are ms since 1970.\n"
_UNIONS: dict[str, Any] = {
    "ChannelEvent": AnyChannelEvent,
    "GlobalEvent": AnyGlobalEvent,
    "AgentEvent": AnyAgentEvent,
}


def declarations() -> str:
    """The text of a module of types."""
    structs: dict[str, Any] = {}
    for root in (*_UNIONS.values(), Envelope, Hello, Reset, Counters, Bye):
        _collect(msgspec.inspect.type_info(root), structs)
    blocks = [_interface(kind) for kind in structs.values()]
    for name, union in _UNIONS.items():
        members = " | ".join(member.__name__ for member in get_args(union))
        blocks.append(f"export type {name} = {members};\n")
    blocks.append("export type HubEvent = ChannelEvent | GlobalEvent | AgentEvent;\n")
    return "\n".join([_HEAD, *blocks])


def _collect(kind: Any, structs: dict[str, Any]) -> None:
    """Every struct that `kind` is made of, what is used before what uses it."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.StructType) and kind.cls.__name__ not in structs:
        for field in kind.fields:
            _collect(field.type, structs)
        structs[kind.cls.__name__] = kind
    elif isinstance(kind, inspect.UnionType):
        for member in kind.types:
            _collect(member, structs)
    elif isinstance(kind, inspect.CollectionType | inspect.VarTupleType):
        _collect(kind.item_type, structs)
    elif isinstance(kind, inspect.DictType):
        _collect(kind.value_type, structs)


def _interface(kind: Any) -> str:
    summary = (kind.cls.__doc__ or "").strip().partition("\n")[0]
    lines = [f"/** {summary} */", f"export interface {kind.cls.__name__} {{"]
    if kind.tag_field is not None:
        lines.append(f'  {kind.tag_field}: "{kind.tag}";')
    lines += [_property(kind, field) for field in kind.fields]
    return "\n".join([*lines, "}\n"])


def _property(kind: Any, field: Any) -> str:
    optional = "?" if not field.required and kind.cls.__struct_config__.omit_defaults else ""
    # one that is absent by itself is left out by UNSET, and its null says something
    told = " | null" if optional and field.default is field.default_factory else ""
    return f"  {field.encode_name}{optional}: {_typescript(field.type)}{told};"


def _typescript(kind: Any) -> str:
    inspect = msgspec.inspect
    if isinstance(kind, inspect.UnionType):
        members = [_typescript(member) for member in kind.types if not isinstance(member, inspect.NoneType)]
        return "HubEvent" if len(members) > 8 else " | ".join(members)
    if isinstance(kind, inspect.StructType):
        return str(kind.cls.__name__)
    if isinstance(kind, inspect.LiteralType):
        return " | ".join(f'"{value}"' for value in kind.values)
    if isinstance(kind, inspect.DictType):
        return f"Record<{_typescript(kind.key_type)}, {_typescript(kind.value_type)}>"
    if isinstance(kind, inspect.CollectionType | inspect.VarTupleType):
        return f"{_typescript(kind.item_type)}[]"
    return _PLAIN[type(kind)]


_PLAIN: dict[type, str] = {
    msgspec.inspect.StrType: "string",
    msgspec.inspect.IntType: "number",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "boolean",
    msgspec.inspect.AnyType: "unknown",
}


if __name__ == "__main__":
    print(declarations(), end="")  # noqa: T201 - `make types` takes it from here
