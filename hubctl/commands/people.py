"""`hubctl login-link`, `session` and `audit`: letting people in, seeing where they are, and who did what."""

import sys

import click

from hubctl import safe
from hubctl.arrival import address_for_others
from hubctl.client import Call, Hub
from hubctl.commands.options import json_option, print_json, with_hub
from hubctl.paths import path
from hubctl.picture import show_code
from hubctl.table import minute, show


@click.command("login-link")
@click.argument("person_id", metavar="[PERSON]", required=False)
@with_hub
@json_option
def login_link(hub: Hub, person_id: str | None, as_json: bool) -> None:
    """Print a one-time link: for PERSON to set a new password, or without PERSON for somebody new."""
    made = hub.post("/api/invitations", {"agentId": person_id} if person_id is not None else {})
    if as_json:
        print_json(made)
        return
    purpose = (
        f"{safe.line(person_id)} sets a new password" if person_id is not None else "somebody new makes an account"
    )
    print(f"By this link {purpose}, once, until {minute(made.get('expiresAt'))}:", file=sys.stderr, flush=True)
    link = f"{address_for_others(hub.target.url)}{made['path']}"
    print(safe.line(link))
    show_code(link)


@click.group()
def session() -> None:
    """Browsers that people have signed in with."""


@session.command("list")
@with_hub
@json_option
def list_sessions(hub: Hub, as_json: bool) -> None:
    """Show the sessions, an admin everybody's."""
    answer = hub.get("/api/sessions")
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            one["id"],
            one["agentId"],
            minute(one.get("createdAt")),
            minute(one.get("lastUsedAt")),
            str(one.get("device", "")),
        ]
        for one in answer["sessions"]
    ]
    show(["id", "person", "since", "last used", "device"], rows, empty="no sessions")


@session.command("end")
@click.argument("session_id", metavar="ID")
@with_hub
def end(hub: Hub, session_id: str) -> None:
    """Sign a browser out. ID is the one that `session list` shows."""
    hub.call(Call("DELETE", path("api", "sessions", session_id)))
    click.echo(f"session {session_id} is over")


@click.command()
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--before", type=click.IntRange(min=1), metavar="ID", help="Only lines older than this one.")
@with_hub
@json_option
def audit(hub: Hub, limit: int, before: int | None, as_json: bool) -> None:
    """Show what admins did, and what happened to accounts and keys; newest first."""
    answer = hub.get("/api/audit", limit=limit, before=before)
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            str(one["id"]),
            minute(one.get("timestamp")),
            one["agentId"],
            one["action"],
            str(one.get("target", "")),
            " ".join(f"{key}={value}" for key, value in one.get("details", {}).items() if value),
        ]
        for one in answer["entries"]
    ]
    show(["id", "when", "who", "did", "to", "details"], rows, empty="nothing yet")
