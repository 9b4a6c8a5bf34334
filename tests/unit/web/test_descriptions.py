"""The hub's descriptions of itself: complete, valid by the standards' own validators, and true to the types."""

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import validate

from server.web import asyncapi, openapi, typescript
from server.web.described import DESCRIPTIONS
from server.web.routes import ROUTES

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "tests" / "node"


def run(*command: str, text: str = "") -> str:
    """What a program says, empty when it finds nothing wrong."""
    program = shutil.which(command[0])
    assert program, f"{command[0]} is missing: install nodejs and npm"
    assert (NODE / "node_modules").exists(), "run `npm ci` in tests/node, as `make test` does"
    done = subprocess.run([program, *command[1:]], input=text, capture_output=True, text=True, cwd=NODE, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_the_openapi_document_is_valid() -> None:
    validate(msgspec.to_builtins(openapi.document(DESCRIPTIONS)))


def test_every_route_of_the_api_is_described() -> None:
    paths = openapi.document(DESCRIPTIONS)["paths"]
    described = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert {(method, path) for method, path, _, _ in ROUTES if path.startswith("/api/")} <= described


def test_a_route_that_nobody_described_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = dict(list(DESCRIPTIONS.items())[1:])
    with pytest.raises(KeyError, match="not described"):
        openapi.document(fewer)


def test_every_operation_says_in_a_sentence_what_it_does() -> None:
    for operations in openapi.document(DESCRIPTIONS)["paths"].values():
        for operation in operations.values():
            assert operation["summary"].endswith(".")


@pytest.mark.parametrize("described", [d for d in DESCRIPTIONS.values() if d.example is not None], ids=str)
def test_an_example_is_what_its_route_takes(described: openapi.Described) -> None:
    assert msgspec.convert(described.example, described.body)


@pytest.mark.parametrize("described", [d for d in DESCRIPTIONS.values() if d.says is not None], ids=str)
def test_an_answer_that_is_shown_is_of_the_type_that_is_answered(described: openapi.Described) -> None:
    assert msgspec.convert(described.says, described.answer)


def test_the_asyncapi_document_is_valid() -> None:
    document = msgspec.json.encode(asyncapi.document()).decode()
    assert run("node", "asyncapi.mjs", text=document) == ""


def test_the_declarations_in_the_documentation_are_todays() -> None:
    assert (ROOT / "docs" / "events.d.ts").read_text("utf-8") == typescript.declarations(), "run `make types`"


def test_the_declarations_compile_strictly(tmp_path: Path) -> None:
    module = tmp_path / "events.ts"
    module.write_text(typescript.declarations(), "utf-8")
    assert run("node", "node_modules/typescript/bin/tsc", "--strict", "--noEmit", str(module)) == ""
