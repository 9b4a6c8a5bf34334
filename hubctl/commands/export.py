"""`hubctl export`: what a hub says of itself, and how others watch it, as files for other tools."""

import json
import shutil
from pathlib import Path

import click

from hubctl.assets import deploy_dir
from hubctl.client import Hub
from hubctl.commands.options import with_hub
from hubctl.errors import Failure

OUT_FILE = click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Write to FILE instead of the terminal."
)
OUT_DIR = click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Write into DIR, made where needed."
)


@click.group()
def export() -> None:
    """Files for other tools: API descriptions, and what Prometheus and Grafana need."""


@export.command()
@OUT_FILE
@with_hub
def openapi(hub: Hub, out: Path | None) -> None:
    """Print the hub's OpenAPI document, or write it to a file."""
    _document(hub, "openapi", out)


@export.command()
@OUT_FILE
@with_hub
def asyncapi(hub: Hub, out: Path | None) -> None:
    """Print the hub's AsyncAPI document, or write it to a file."""
    _document(hub, "asyncapi", out)


@export.command()
@OUT_DIR
def prometheus(out: Path) -> None:
    """Write a scrape configuration, recording rules and alerts."""
    _copy("prometheus", out)


@export.command()
@OUT_DIR
def grafana(out: Path) -> None:
    """Write the dashboard, and provisioning files to drop in."""
    _copy("grafana", out)


def _document(hub: Hub, what: str, out: Path | None) -> None:
    text = json.dumps(hub.get(f"/api/{what}.json"), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"cannot write {out}: {error.strerror}; nothing else was changed") from None
    click.echo(f"wrote {out}")


def _copy(what: str, out: Path) -> None:
    source = deploy_dir() / what
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        target = out / path.relative_to(source)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        except OSError as error:
            raise Failure(f"cannot write {target}: {error.strerror}; what was written before it stays") from None
        click.echo(f"wrote {target}")
