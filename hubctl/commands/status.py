"""`hubctl status`: how the hub is, part by part, and who am I to it."""

import sys
from datetime import UTC, datetime
from typing import NoReturn

import click

from hubctl.client import Hub
from hubctl.commands.options import Json, json_option, print_json, with_hub
from hubctl.errors import Failure, Refused, Unreachable
from hubctl.host import Host
from hubctl.overview import Part, installed_here, parts
from hubctl.table import show
from hubctl.target import running_as_root
from server import __version__

AMISS = 3


@click.command()
@with_hub
@json_option
def status(hub: Hub, as_json: bool) -> None:
    """Show the state of each part. Exit code 0 when all is well, 3 when the hub works and something is amiss, 1 when
    it is not ready.
    """
    host = Host()
    here = parts(host, datetime.now(UTC)) if running_as_root() and installed_here(host) else []
    try:
        ready = hub.probe("/readyz")
    except Unreachable:
        if not here:
            raise
        _silent(hub.target.url, here, as_json=as_json)
    me, caller = _caller(hub)
    health = _health(hub) if me else {}
    answered: Json = ready.body if isinstance(ready.body, dict) else {}
    found = [Part(name, str(word), word == "ok") for name, word in dict(answered.get("parts") or {}).items()]
    found += [*here, *_objectives(health)]
    if as_json:
        listed = [part._asdict() for part in (*here, *_objectives(health))]
        print_json({"ready": False, **answered, "url": hub.target.url, "me": me, "machine": listed})
    else:
        state = "ready" if ready.status == 200 else f"not ready (status {ready.status})"
        rows = [["hub", f"{state} at {hub.target.url}"], *([part.name, _word(part)] for part in found)]
        versions = [["version", str(answered.get("version", "-"))], ["hubctl", __version__]]
        show(["part", "state"], [*rows, ["you", caller], *versions], empty="")
    if ready.status != 200:
        raise Failure(f"the hub at {hub.target.url} is not ready")
    if not all(part.well for part in found):
        sys.exit(AMISS)


def _silent(url: str, here: list[Part], *, as_json: bool) -> NoReturn:
    """What this machine says of a hub that it was made for and that does not answer."""
    if as_json:
        print_json({"ready": False, "url": url, "me": None, "machine": [part._asdict() for part in here]})
    else:
        rows = [["hub", f"! nothing answers at {url}"], *([part.name, _word(part)] for part in here)]
        show(["part", "state"], [*rows, ["hubctl", __version__]], empty="")
    raise Failure(f"nothing answers at {url}; `hubctl doctor` says what is amiss, `hubctl logs` what the hub said last")


def _word(part: Part) -> str:
    return part.state if part.well else f"! {part.state}"


def _caller(hub: Hub) -> tuple[Json | None, str]:
    try:
        me: Json = hub.get("/api/me")
    except Refused as error:
        return None, error.message
    return me, str(me.get("id"))


def _health(hub: Hub) -> Json:
    try:
        health: Json = hub.get("/api/health")
    except Refused:
        return {}
    return health


def _objectives(health: Json) -> list[Part]:
    """What the hub promises of itself, as far as anything was counted yet."""
    found = []
    for one in health.get("objectives", []):
        if "sentence" in one:
            burning = bool(one.get("burning"))
            found.append(Part(str(one["name"]), one["sentence"] + (", and falling" if burning else ""), not burning))
    return found
