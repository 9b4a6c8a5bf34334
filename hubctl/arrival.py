"""The last words of setup: where the hub is, the link that makes the first account, and what to do next."""

import socket
from pathlib import Path

import click

from hubctl import safe
from hubctl.client import Hub
from hubctl.errors import Failure
from hubctl.installed import EVERYWHERE, STATE
from hubctl.recipe import Installation
from hubctl.target import find_target


def tell(wanted: Installation) -> None:
    """Print the address and, while there is nobody yet, a fresh one-time link, each on a line of its own."""
    address = outside_address(wanted)
    click.echo("\nThe hub is open at")
    click.echo(f"{address}/")
    try:
        with Hub(find_target({}, wanted.url, Path(STATE), root=True)) as hub:
            agents = hub.get("/api/agents")["agents"]
            if any(agent["kind"] == "human" for agent in agents):
                return
            link = f"{address}{hub.post('/api/invitations', {})['path']}"
    except Failure as failure:
        raise Failure(f"the hub runs, but no link for the first account could be had: {failure.message}") from None
    click.echo("Nobody is here yet; this link makes the first account, an admin, within 15 minutes:")
    click.echo(safe.line(link))
    click.echo("Later, `hubctl login-link` makes another. Next: `hubctl agent add NAME` gives an agent its token.")


def outside_address(wanted: Installation) -> str:
    """The hub's address as another device would write it."""
    if wanted.answers.host not in EVERYWHERE:
        return wanted.url
    return f"http://{_network_address()}:{wanted.answers.port}"


def _network_address() -> str:
    """This machine's address on the network; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(door.getsockname()[0])
