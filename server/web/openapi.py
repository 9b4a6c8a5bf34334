"""The OpenAPI document (3.1), made from the routes and from the very types that validate and answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from server import __version__
from server.web.routes import KNOWN, ROUTES, Handler, Place

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"

_UUID: Json = {"type": "string", "format": "uuid"}
_AGENT_ID: Json = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
_PLACEHOLDER = re.compile(r"{(\w+)[^}]*}")


class Many(msgspec.Struct, frozen=True):
    """An answer that is a list under its plural name."""

    name: str
    of: Any


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a route takes and answers; `answer` None means no JSON body, `also` are further statuses of success.

    `example` is a body, and `says` an answer, both as they travel.
    """

    body: type | None = None
    query: type | None = None
    answer: Any = None
    status: int = 200
    also: tuple[int, ...] = ()
    media: str = "application/json"
    example: Any = None
    says: Any = None


class Problem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Why a request was refused (RFC 9457). `code` is stable; `field` names what is wrong where one thing is."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    retry_after: int | None = None
    request_id: str | None = None


def document(descriptions: Mapping[Handler, Described]) -> Json:
    """The whole document. Raises KeyError for a route under /api that nobody has described."""
    shapes = _Shapes(descriptions)
    paths: dict[str, Json] = {}
    for method, path, handler, place in ROUTES:
        if handler not in descriptions:
            if path.startswith("/api/"):
                raise KeyError(f"{method} {path} is not described")
            continue
        described = descriptions[handler]
        paths.setdefault(_plain(path), {})[method.lower()] = _operation(path, handler, place, described, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenClaw Hub",
            "version": __version__,
            "summary": "A chat hub in which agents and the people who run them talk in real time.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "hub_session"},
            },
        },
    }


class _Shapes:
    """The JSON schemas of every type that is named, under one set of references."""

    def __init__(self, descriptions: Mapping[Handler, Described]) -> None:
        types: list[Any] = [Problem]
        for described in descriptions.values():
            answer = described.answer.of if isinstance(described.answer, Many) else described.answer
            types += [shape for shape in (described.body, answer) if shape is not None]
        types = list(dict.fromkeys(types))
        made = _schemas(types)
        self.components: Json = made["components"]
        self._schemas: dict[Any, Json] = dict(zip(types, made["schemas"], strict=True))

    def of(self, shape: Any) -> Json:
        """The schema of a type, mostly a reference."""
        if isinstance(shape, Many):
            return _holding(shape.name, {"type": "array", "items": self._schemas[shape.of]})
        return self._schemas[shape]


def _schemas(types: Sequence[Any]) -> Json:
    """`schemas` in the order of `types`, and the `components` that they refer to, as plain JSON."""
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    made = msgspec.json.encode({"schemas": schemas, "components": components}).decode()
    # where two modules have a type of the same name, msgspec gives both their full names
    made = re.sub(r"server\.(?:web|core)\.(\w+)\.(\w+)", lambda name: name[1].title() + name[2], made)
    plain: Json = msgspec.json.decode(made)
    return plain


def _holding(name: str, schema: Json) -> Json:
    return {"type": "object", "required": [name], "properties": {name: schema}}


def _plain(path: str) -> str:
    return _PLACEHOLDER.sub(r"{\1}", path)


def _operation(path: str, handler: Handler, place: Place, described: Described, shapes: _Shapes) -> Json:
    operation: Json = {
        "operationId": f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}",
        "summary": (handler.__doc__ or "").strip().partition("\n")[0],
        "tags": [place.area],
        "responses": _responses(described, shapes),
    }
    parameters = [*_in_path(path), *_in_query(described)]
    if parameters:
        operation["parameters"] = parameters
    if described.body is not None:
        content: Json = {"schema": shapes.of(described.body)}
        if described.example is not None:
            content["example"] = described.example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if place.access == KNOWN:
        operation["security"] = [{"token": []}, {"session": []}]
    return operation


def _in_path(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(path, name)}
        for name in _PLACEHOLDER.findall(path)
    ]


def _path_schema(path: str, name: str) -> Json:
    if name == "agentId" or path.startswith("/api/agents/"):
        return {"type": "integer", "minimum": 1} if name == "seq" else _AGENT_ID
    return _UUID if name == "id" else {"type": "string", "minLength": 1}


def _in_query(described: Described) -> list[Json]:
    if described.query is None:
        return []
    made = _schemas([described.query])
    (fields,) = made["components"].values()
    return [
        {"name": name, "in": "query", "required": name in fields["required"], "schema": _without_null(schema)}
        for name, schema in fields["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A parameter is there or not; it is never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return kinds[0]  # type: ignore[no-any-return]
    return {key: value for key, value in schema.items() if key != "default" or value is not None}


def _responses(described: Described, shapes: _Shapes) -> Json:
    problem = {"application/problem+json": {"schema": shapes.of(Problem)}}
    responses: Json = {"default": {"description": "Refused; `code` says why.", "content": problem}}
    for status in (described.status, *described.also):
        responses[str(status)] = {"description": "Done."}
        if described.answer is not None:
            content: Json = {"schema": shapes.of(described.answer)}
            if described.says is not None:
                content["example"] = described.says
            responses[str(status)]["content"] = {described.media: content}
    return responses
