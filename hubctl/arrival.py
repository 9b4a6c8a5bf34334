"""The last words of setup: where the hub is, the link that makes the first account, and what to do next."""

import socket
from dataclasses import replace
from pathlib import Path

import click

from hubctl import certificates, safe
from hubctl.choices import in_force
from hubctl.client import Hub
from hubctl.errors import Failure
from hubctl.firewall import opening
from hubctl.host import Host
from hubctl.installed import AUTHORITY_CERT, EVERYWHERE, SETTINGS, STATE
from hubctl.picture import show_code
from hubctl.receipt import Receipt
from hubctl.target import find_target, running_as_root
from hubctl.trust import Trust
from hubctl.wanted import Installation

TRUSTING = (
    "iPhone, iPad: open it in Safari and allow it; Settings, Profile Downloaded, Install; then Settings, General,",
    "  About, Certificate Trust Settings: switch it on.",
    "Android: open it; Settings, Security, Encryption & credentials, Install a certificate, CA certificate.",
    "Linux: sudo cp ca.crt /usr/local/share/ca-certificates/openclaw-hub.crt; sudo update-ca-certificates",
)


def tell(wanted: Installation, host: Host) -> None:
    """Print the address, how devices trust it, and while there is nobody yet a fresh one-time link."""
    address = outside_address(wanted)
    click.echo("\nThe hub is open at")
    click.echo(f"{address}/")
    if wanted.answers.tls == "self":
        _explain_trust(address, host.read(AUTHORITY_CERT) or b"")
    if wanted.answers.host not in ("127.0.0.1", "::1", "localhost") and (command := opening(host, wanted.answers.port)):
        click.echo(f"A firewall is active on this machine. For other devices to reach the hub: {command}")
    try:
        target = find_target({}, wanted.url, Path(STATE), root=True)
        trust = Trust(Path(wanted.certificate), pinned=True) if wanted.certificate else None
        with Hub(replace(target, trust=trust)) as hub:
            agents = hub.get("/api/agents")["agents"]
            if any(agent["kind"] == "human" for agent in agents):
                return
            link = f"{address}{hub.post('/api/invitations', {})['path']}"
    except Failure as failure:
        raise Failure(f"the hub runs, but no link for the first account could be had: {failure.message}") from None
    click.echo("Nobody is here yet; this link makes the first account, an admin, within 15 minutes:")
    click.echo(safe.line(link))
    show_code(link)
    click.echo("Later, `hubctl login-link` makes another. Next: `hubctl agent add NAME` gives an agent its token.")


def _explain_trust(address: str, authority: bytes) -> None:
    plain = address.replace("https:", "http:", 1)
    click.echo("Each device has to trust the hub's authority once, or it warns. It is fetched from")
    click.echo(f"{plain}/ca.crt")
    for line in TRUSTING:
        click.echo(f"  {line}")
    click.echo("  hubctl elsewhere: export HUB_CA=/path/to/ca.crt")
    click.echo("The device shows a fingerprint; it must be this one (SHA-256):")
    click.echo(certificates.fingerprint(authority))


def address_for_others(url: str) -> str:
    """What a link should begin with: for the installed hub its address in the network, else the one that is known."""
    host = Host()
    if not running_as_root() or host.status(SETTINGS) is None:
        return url
    installed = Installation(in_force(host, Receipt(host)), asked=False, venv="")
    return outside_address(installed) if installed.url == url else url


def outside_address(wanted: Installation) -> str:
    """The hub's address as another device would write it."""
    answers = wanted.answers
    if answers.tls == "given" and answers.allowed_hosts:
        return f"https://{answers.allowed_hosts[0]}:{answers.port}"
    if answers.host not in EVERYWHERE:
        return wanted.url
    return f"http{'s' if wanted.certificate else ''}://{_network_address()}:{answers.port}"


def _network_address() -> str:
    """This machine's address on the network; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(door.getsockname()[0])
