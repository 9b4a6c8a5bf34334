"""What setup must know of the person: from a file, by asking, or by default."""

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from hubctl.errors import Failure


@dataclass(frozen=True, slots=True)
class Answers:
    """`host` is the address to listen on; `allowed_hosts` are further names by which the hub may be called."""

    host: str = "0.0.0.0"  # noqa: S104 - a hub that only its own machine reaches is of no use to a phone
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()

    def settings(self, data_dir: str) -> str:
        """The settings file that says so."""
        names = ", ".join(json.dumps(name) for name in self.allowed_hosts)
        return (
            "# The settings of this hub; `hubctl setup` puts a change into force. All of them: docs/operating.md\n"
            f"data_dir = {json.dumps(data_dir)}\n\n[server]\n"
            f"host = {json.dumps(self.host)}\nport = {self.port}\nallowed_hosts = [{names}]\n"
        )


def read_answers(file: Path) -> Answers:
    """The answers in a TOML file; what it leaves out has its default. Raises Failure naming what is wrong."""
    try:
        given: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{file} is not valid TOML: {error}") from None
    known = {field.name for field in fields(Answers)}
    if strange := sorted(set(given) - known):
        raise Failure(f"{file}: unknown answer {strange[0]}; there are {', '.join(sorted(known))}")
    try:
        answers = msgspec.convert(given, Answers)
    except msgspec.ValidationError as error:
        raise Failure(f"{file}: {error}") from None
    if not answers.host or not 0 < answers.port < 65536:
        raise Failure(f"{file}: host is an address to listen on, port a number from 1 to 65535")
    return answers
