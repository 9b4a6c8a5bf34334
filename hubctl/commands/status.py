"""`hubctl status`: is the hub ready, and who am I to it."""

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
    answered: Json = ready.body if isinstance(ready.body, dict) else {}
    if as_json:
        print_json({"ready": False, **answered, "url": hub.target.url, "me": me})
    else:
        state = "ready" if ready.status == 200 else f"not ready (status {ready.status})"
        parts = [[name, str(word)] for name, word in dict(answered.get("parts") or {}).items()]
        versions = [["version", str(answered.get("version", "-"))], ["hubctl", __version__]]
        show(["part", "state"], [["hub", f"{state} at {hub.target.url}"], *parts, ["you", caller], *versions], empty="")
    if ready.status != 200:
        raise Failure(f"the hub at {hub.target.url} is not ready")
