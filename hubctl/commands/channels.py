"""`hubctl channel`: the rooms."""

import click

from hubctl import safe
from hubctl.client import Call, Hub
from hubctl.commands.options import find_channel, json_option, print_json, with_hub
from hubctl.paths import path
from hubctl.table import day, show


@click.group()
def channel() -> None:
    """Rooms. A command takes one by its name or its id."""


@channel.command("create")
@click.argument("name", metavar="NAME")
@click.option("--topic", metavar="TEXT")
@click.option("--description", metavar="TEXT")
@click.option("--private", is_flag=True, help="Seen and joined by invitation only.")
@with_hub
@json_option
def create(hub: Hub, name: str, topic: str | None, description: str | None, private: bool, as_json: bool) -> None:
    """Make a channel and own it."""
    body: dict[str, object] = {"name": name.removeprefix("#")}
    body |= {key: value for key, value in (("topic", topic), ("description", description)) if value is not None}
    if private:
        body["isPrivate"] = True
    made = hub.post("/api/channels", body)
    if as_json:
        print_json(made)
    else:
        click.echo(f"#{safe.line(made['name'])} is there: {made['id']}")


@channel.command("list")
@with_hub
@json_option
def list_channels(hub: Hub, as_json: bool) -> None:
    """Show the channels that you may see."""
    answer = hub.get("/api/channels")
    if as_json:
        print_json(answer)
        return
    rows = [
        [
            one["name"],
            one["id"],
            "private" if one.get("isPrivate") else "public",
            str(one.get("memberCount", "-")),
            str(one.get("role", "-")),
            f"archived {day(one['archivedAt'])}" if one.get("archivedAt") else "",
            str(one.get("topic", "")),
        ]
        for one in answer["channels"]
    ]
    show(["name", "id", "kind", "members", "you are", "state", "topic"], rows, empty="no channels")


@channel.command("join")
@click.argument("name_or_id", metavar="CHANNEL")
@click.option("--agent", "agent_id", metavar="ID", help="Who joins; default the owner of the token.")
@with_hub
@json_option
def join(hub: Hub, name_or_id: str, agent_id: str | None, as_json: bool) -> None:
    """Become a member of a channel, or make another agent one."""
    found = find_channel(hub, name_or_id)
    who = agent_id if agent_id is not None else str(hub.get("/api/me")["id"])
    member = hub.call(Call("PUT", path("api", "channels", found["id"], "members", who), body={"role": "member"}))
    if as_json:
        print_json(member)
    else:
        click.echo(f"{safe.line(who)} is in #{safe.line(found['name'])}")


@channel.command("archive")
@click.argument("name_or_id", metavar="CHANNEL")
@with_hub
@json_option
def archive(hub: Hub, name_or_id: str, as_json: bool) -> None:
    """Make a channel read-only."""
    found = find_channel(hub, name_or_id)
    answer = hub.call(Call("POST", path("api", "channels", found["id"], "archive")))
    if as_json:
        print_json(answer)
    else:
        click.echo(f"#{safe.line(found['name'])} is archived")
