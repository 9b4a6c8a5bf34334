"""`hubctl channel`: the rooms."""

from collections.abc import Mapping
from typing import Any

import click

from hubctl import safe
from hubctl.client import Call, Hub
from hubctl.commands.options import find_channel, json_option, print_json, with_hub
from hubctl.paths import path
from hubctl.table import day, minute, show

FOREVER = "forever"


@click.group()
def channel() -> None:
    """Rooms. A command takes one by its name or its id."""


@channel.command("create")
@click.argument("name", metavar="NAME")
@click.option("--topic", metavar="TEXT")
@click.option("--description", metavar="TEXT")
@click.option("--private", is_flag=True, help="Seen and joined by invitation only.")
@click.option("--retention", "days", metavar="DAYS", type=int, help="Remove messages that are older; default never.")
@with_hub
@json_option
def create(hub: Hub, /, name: str, as_json: bool, private: bool, **wanted: object) -> None:
    """Make a channel and own it."""
    wanted["retentionDays"] = wanted.pop("days")
    body = {"name": name.removeprefix("#"), **{key: value for key, value in wanted.items() if value is not None}}
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
            _state(one),
            str(one.get("topic", "")),
        ]
        for one in answer["channels"]
    ]
    show(["name", "id", "kind", "members", "you are", "state", "topic"], rows, empty="no channels")


def _state(one: Mapping[str, Any]) -> str:
    kept = f"keeps {one['retentionDays']} days" if one.get("retentionDays") else ""
    archived = f"archived {day(one['archivedAt'])}" if one.get("archivedAt") else ""
    return ", ".join(filter(None, (archived, kept)))


@channel.command("retention")
@click.argument("name_or_id", metavar="CHANNEL")
@click.argument("days", metavar="DAYS|forever")
@with_hub
@json_option
def retention(hub: Hub, name_or_id: str, days: str, as_json: bool) -> None:
    """Remove messages that are older than so many DAYS, for good, from a day after now on."""
    if days != FOREVER and not days.isdecimal():
        raise click.BadParameter(f"{days!r} is neither a number of days nor {FOREVER}", param_hint="DAYS")
    found = find_channel(hub, name_or_id)
    body = {"retentionDays": None if days == FOREVER else int(days)}
    answer = hub.call(Call("PATCH", path("api", "channels", found["id"]), body=body))
    if as_json:
        print_json(answer)
        return
    name = safe.line(found["name"])
    if days == FOREVER:
        click.echo(f"#{name} keeps its messages for ever")
    else:
        since = minute(answer["retentionFrom"])
        click.echo(f"#{name} keeps its messages for {int(days)} days; older ones are removed for good from {since} on")


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
