"""What commands share: the options that say which hub, `--json`, and the finding of channels by name."""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from hubctl import safe
from hubctl.client import Hub
from hubctl.errors import Failure
from hubctl.target import find_target, running_as_root

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
Json = dict[str, Any]


def with_hub(command: Callable[Concatenate[Hub, P], None]) -> Callable[..., None]:
    """Give `command` the hub to talk to as its first argument, and its user the options that choose it."""

    @click.option("--url", metavar="URL", help="The hub's address; default HUB_URL, then http://127.0.0.1:8080.")
    @click.option(
        "--data-dir",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Where admin.token lies, when HUB_TOKEN is not set; default HUB_DATA_DIR, then the hub's default.",
    )
    @functools.wraps(command)
    def wrapped(url: str | None, data_dir: Path | None, *args: P.args, **kwargs: P.kwargs) -> None:
        with Hub(find_target(os.environ, url, data_dir, root=running_as_root())) as hub:
            command(hub, *args, **kwargs)

    return wrapped


def json_option(command: F) -> F:
    """The flag `--json`, given as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the hub's answer as JSON on one line.")(command)


def print_json(answer: Any) -> None:
    """One line of JSON on stdout, the same document as `answer`."""
    print(safe.json_line(json.dumps(answer, ensure_ascii=False)))


def print_secret(token: Json) -> None:
    """The token on stdout: as a line to paste on a terminal, alone elsewhere, so that `$(…)` takes it."""
    print(f"A token for {safe.line(str(token.get('agentId')))}. It is shown this once:", file=sys.stderr, flush=True)
    secret = safe.line(str(token.get("token")))
    print(f"export HUB_TOKEN={secret}" if sys.stdout.isatty() else secret)


def find_channel(hub: Hub, name_or_id: str) -> Json:
    """The channel of this id or name (a leading # and the case do not matter). Raises Failure when there is none."""
    channels: list[Json] = hub.get("/api/channels")["channels"]
    return match_channel(channels, name_or_id)


def match_channel(channels: list[Json], name_or_id: str) -> Json:
    """The one of `channels` that `name_or_id` means; an exact name goes before one in another case."""
    wanted = name_or_id.removeprefix("#")
    tests: tuple[Callable[[Json], bool], ...] = (
        lambda channel: channel["id"] == wanted.lower(),
        lambda channel: channel["name"] in (wanted, name_or_id),
        lambda channel: channel["name"].casefold() == wanted.casefold(),
    )
    for test in tests:
        found = [channel for channel in channels if test(channel)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(channel["id"] for channel in found)
            raise Failure(f"several channels are called {wanted}; take one by its id: {ids}")
    raise Failure(f"no channel {safe.line(name_or_id)} that this token can see; `hubctl channel list` shows them")
