"""`hubctl token`: the keys that agents use."""

import time

import click

from hubctl.client import Call, Hub
from hubctl.commands.options import json_option, print_json, print_secret, with_hub
from hubctl.paths import path
from hubctl.table import day, minute, show

DAY_MS = 86_400_000


@click.group()
def token() -> None:
    """Keys for agents. The hub keeps only their hashes."""


@token.command("create")
@click.argument("agent_id", metavar="AGENT")
@click.option("--name", metavar="NAME", help="What it is for, to tell it from others later.")
@click.option("--expires-days", metavar="DAYS", type=click.FloatRange(min=0, min_open=True), help="Default: never.")
@click.option("--scope", "scopes", type=click.Choice(["read", "write", "admin"]), multiple=True)
@with_hub
@json_option
def create(
    hub: Hub, agent_id: str, name: str | None, expires_days: float | None, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Make a token for AGENT and show it this once."""
    body: dict[str, object] = {"agentId": agent_id}
    if name is not None:
        body["name"] = name
    if expires_days is not None:
        body["expiresAt"] = int(time.time() * 1000 + expires_days * DAY_MS)
    if scopes:
        body["scopes"] = list(scopes)
    made = hub.post("/api/tokens", body)
    if as_json:
        print_json(made)
    else:
        print_secret(made)


@token.command("list")
@with_hub
@json_option
def list_tokens(hub: Hub, as_json: bool) -> None:
    """Show the tokens, without their secrets."""
    answer = hub.get("/api/tokens")
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            one["id"],
            one["agentId"],
            str(one.get("name", "")),
            ", ".join(one.get("scopes", [])),
            day(one.get("createdAt")),
            day(one.get("expiresAt")),
            minute(one.get("lastUsedAt")),
        ]
        for one in answer["tokens"]
    ]
    show(["id", "agent", "name", "scopes", "made", "expires", "last used"], rows, empty="no tokens")


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@with_hub
def revoke(hub: Hub, token_id: str) -> None:
    """End a token and the streams that it opened. ID is the one that `token list` shows."""
    hub.call(Call("DELETE", path("api", "tokens", token_id)))
    click.echo(f"token {token_id} is revoked")
