"""`hubctl export`: what a hub says of itself, as files for other tools."""

import json
from pathlib import Path

import click

from hubctl.client import Hub
from hubctl.commands.options import with_hub
from hubctl.errors import Failure

DESCRIPTIONS = ("openapi", "asyncapi")


@click.command()
@click.argument("what", type=click.Choice(DESCRIPTIONS))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write to FILE instead of the terminal.")
@with_hub
def export(hub: Hub, what: str, out: Path | None) -> None:
    """Print the hub's OpenAPI or AsyncAPI document, or write it to a file."""
    text = json.dumps(hub.get(f"/api/{what}.json"), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"cannot write {out}: {error.strerror}; nothing else was changed") from None
    click.echo(f"wrote {out}")
