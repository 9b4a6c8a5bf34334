"""What setup must know of the person: from a file, from flags, by asking, or by default."""

import json
import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from hubctl.errors import Failure

Tls = Literal["off", "self", "given"]

_PLAIN_PATH = re.compile(r"/[\w./+@-]+")
"""What a unit can name without quoting."""


@dataclass(frozen=True, slots=True)
class Answers:
    """`host` is the address to listen on; `allowed_hosts` are further names by which the hub may be called.

    `tls` is `self` for an authority of the hub's own, `given` for the certificate and the key in `tls_cert` and
    `tls_key`. The URLs are of servers of the owner's, empty for ours. `local_name` announces this machine as
    `NAME.local`, `monitoring` shows the hub to a Prometheus and a Grafana that are installed here.
    """

    host: str = "0.0.0.0"  # noqa: S104 - a hub that only its own machine reaches is of no use to a phone
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    tls: Tls = "off"
    tls_cert: str = ""
    tls_key: str = ""
    redis_url: str = ""
    database_url: str = ""
    local_name: bool = False
    monitoring: bool = False

    @property
    def listening(self) -> tuple[str, int, tuple[str, ...]]:
        """What of it stands in the settings file."""
        return self.host, self.port, self.allowed_hosts

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
    return changed(Answers(), given, str(file))


def changed(answers: Answers, given: dict[str, Any], source: str) -> Answers:
    """The answers with those in `given` in their place. Raises Failure naming what is wrong, and its source."""
    known = {field.name for field in fields(Answers)}
    if strange := sorted(set(given) - known):
        raise Failure(f"{source}: unknown answer {strange[0]}; there are {', '.join(sorted(known))}")
    if "tls" in given:
        answers = replace(answers, tls_cert="", tls_key="")
    elif given.get("tls_cert"):
        answers = replace(answers, tls="given")
    try:
        answers = msgspec.convert({**_plain(answers), **given}, Answers)
    except msgspec.ValidationError as error:
        raise Failure(f"{source}: {error}") from None
    if wrong := _wrong(answers):
        raise Failure(f"{source}: {wrong}")
    return answers


def _plain(answers: Answers) -> dict[str, Any]:
    return {field.name: getattr(answers, field.name) for field in fields(Answers)}


def _wrong(answers: Answers) -> str:
    if not answers.host or not 0 < answers.port < 65536:
        return "host is an address to listen on, port a number from 1 to 65535"
    if (answers.tls == "given") != bool(answers.tls_cert) or bool(answers.tls_cert) != bool(answers.tls_key):
        return "tls_cert and tls_key go together, and without tls"
    strange = [path for path in (answers.tls_cert, answers.tls_key) if path and not _PLAIN_PATH.fullmatch(path)]
    if strange:
        return f"{strange[0]}: a path from the root, of letters, digits and . _ - + @"
    return ""
