"""`hubctl status`: is the hub ready, and who am I to it."""

from typing import Any

import click

from hubctl.client import Hub
from hubctl.commands.options import Json, json_option, print_json, with_hub
from hubctl.errors import Failure, Refused
from hubctl.table import show
from server import __version__


@click.command()
@with_hub
@json_option
def status(hub: Hub, as_json: bool) -> None:
    """Show whether the hub is ready; the exit code is 0 only then."""
    ready = hub.probe("/readyz")
    try:
        me: Json | None = hub.get("/api/me")
        caller = str(me.get("id")) if me else "-"
    except Refused as error:
        me, caller = None, error.message
    if as_json:
        print_json({"ready": ready.status == 200, "url": hub.target.url, "parts": ready.body, "me": me})
    else:
        state = "ready" if ready.status == 200 else f"not ready (status {ready.status})"
        rows = [["hub", f"{state} at {hub.target.url}"], *_parts(ready.body)]
        show(["part", "state"], [*rows, ["you", caller], ["hubctl", __version__]], empty="")
    if ready.status != 200:
        raise Failure(f"the hub at {hub.target.url} is not ready")


def _parts(body: Any) -> list[list[str]]:
    if isinstance(body, dict):
        return [[str(name), str(value)] for name, value in body.items()]
    lines = [line for line in str(body or "").splitlines() if line.strip()]
    return [[name.strip(), state.strip() or "-"] for name, _, state in (line.partition(":") for line in lines)]
