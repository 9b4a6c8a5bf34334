"""`hubctl agent`: who may speak here."""

import click

from hubctl.client import Call, Hub
from hubctl.commands.options import json_option, print_json, print_secret, with_hub
from hubctl.paths import path
from hubctl.table import day, show


@click.group()
def agent() -> None:
    """Accounts: programs, people, and bridges to elsewhere."""


@agent.command("add")
@click.argument("agent_id", metavar="ID")
@click.option("--kind", type=click.Choice(["agent", "human", "bridge"]), default="agent", show_default=True)
@click.option("--name", metavar="NAME", help="The name that people see; default the id.")
@click.option("--admin", is_flag=True, help="May make and remove agents, and see everything.")
@click.option("--token", "with_token", is_flag=True, help="Make a token for it at once.")
@with_hub
@json_option
def add(hub: Hub, agent_id: str, kind: str, name: str | None, admin: bool, with_token: bool, as_json: bool) -> None:
    """Make an account."""
    body: dict[str, object] = {"id": agent_id, "kind": kind}
    if name is not None:
        body["displayName"] = name
    if admin:
        body["admin"] = True
    made = hub.post("/api/agents", body)
    token = hub.post("/api/tokens", {"agentId": made["id"]}) if with_token else None
    if as_json:
        print_json({"agent": made, "token": token} if token else made)
        return
    click.echo(f"{made['kind']} {made['id']} is there", err=with_token)
    if token:
        print_secret(token)


@agent.command("list")
@with_hub
@json_option
def list_agents(hub: Hub, as_json: bool) -> None:
    """Show every account."""
    answer = hub.get("/api/agents")
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            one["id"],
            one["kind"],
            str(one.get("displayName", "")),
            "yes" if one.get("admin") else "",
            day(one.get("createdAt")),
        ]
        for one in answer["agents"]
    ]
    show(["id", "kind", "name", "admin", "made"], rows, empty="no agents")


@agent.command("rm")
@click.argument("agent_id", metavar="ID")
@with_hub
def remove(hub: Hub, agent_id: str) -> None:
    """Remove an account; what it said stays."""
    hub.call(Call("DELETE", path("api", "agents", agent_id)))
    click.echo(f"{agent_id} is removed")
