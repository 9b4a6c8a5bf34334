"""What setup is told: flags over the answers file, over what is in force; and the questions that a person is asked."""

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from hubctl import certificates
from hubctl.answers import Answers, changed, read_answers
from hubctl.certificates import Unusable
from hubctl.choices import in_force
from hubctl.errors import Failure
from hubctl.host import Host
from hubctl.installed import SETTINGS
from hubctl.observed import observers
from hubctl.receipt import Receipt
from hubctl.wanted import Installation

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--answers", "file"), {"metavar": "FILE", "type": click.Path(path_type=Path), "help": "Answers in TOML."}),
    (("--tls",), {"type": click.Choice(["self", "off"]), "help": "HTTPS by a private authority, or plain HTTP."}),
    (("--tls-cert",), {"metavar": "FILE", "help": "HTTPS by this certificate, chain included; PEM."}),
    (("--tls-key",), {"metavar": "FILE", "help": "Its key; PEM, no password."}),
    (("--redis-url",), {"metavar": "URL", "help": "A Redis of your own; '' for the hub's private one."}),
    (("--database-url",), {"metavar": "URL", "help": "A PostgreSQL of your own; '' for SQLite."}),
    (("--local-name/--no-local-name",), {"default": None, "help": "Announce this machine as NAME.local (avahi)."}),
    (("--monitoring/--no-monitoring",), {"default": None, "help": "Show the hub to Prometheus and Grafana here."}),
)


def answer_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what is wanted, given to `command` as `told`: the file and the flags that were used."""

    @functools.wraps(command)
    def wrapped(file: Path | None, **options: Any) -> None:
        flags = {name: options.pop(name) for name in list(options) if name in Answers.__dataclass_fields__}
        command(told=(file, {name: value for name, value in flags.items() if value is not None}), **options)

    made: Callable[..., None] = wrapped
    for names, more in reversed(_OPTIONS):
        made = click.option(*names, **more)(made)
    return made


Told = tuple[Path | None, dict[str, Any]]


def wanted(host: Host, told: Told) -> Installation:
    """The flags over the file's answers, or over what is in force where there is no file."""
    file, flags = told
    answers = read_answers(file) if file is not None else in_force(host, Receipt(host))
    if flags:
        answers = changed(answers, flags, "flags")
    answers = _called_so(host, answers)
    return Installation(answers, asked=bool(file or flags), venv=sys.prefix, observers=observers(host))


def wanted_now(host: Host) -> Installation:
    """What is in force, with nothing said this time."""
    return wanted(host, (None, {}))


def _called_so(host: Host, answers: Answers) -> Answers:
    """Whoever gives a certificate wants the hub to be called by its names."""
    content = host.content(answers.tls_cert) if answers.tls == "given" else None
    if content is None:
        return answers
    try:
        names = sorted(name for name in certificates.names_of(content) if name[0] != "*" and not _is_address(name))
    except Unusable:
        # The step that looks at the certificate says so.
        return answers
    if any(certificates.is_for(content, name) for name in answers.allowed_hosts):
        return answers
    return replace(answers, allowed_hosts=(*answers.allowed_hosts, *names))


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def asked(host: Host, installation: Installation) -> Installation:
    """Ask a person, on the first run only; later the settings file and the flags are the place."""
    if not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask; say --yes, with --answers FILE if the defaults do not fit")
    if installation.asked or host.read(SETTINGS) is not None:
        return installation
    answers: dict[str, Any] = {}
    everyone = click.confirm("May other devices on your network reach the hub?", default=True)
    answers["host"] = Answers().host if everyone else "127.0.0.1"
    answers["port"] = click.prompt("Port", default=Answers().port, type=click.IntRange(1, 65535))
    if everyone:
        click.echo("Encrypted (HTTPS), each device has to be told once to trust this hub; setup says how.")
        answers["tls"] = "self" if click.confirm("Encrypt?", default=False) else "off"
        name = (host.read("/etc/hostname") or b"").decode().strip()
        answers["local_name"] = click.confirm(f"Announce this machine as {name}.local?", default=False)
    if observers(host):
        answers["monitoring"] = click.confirm("Show the hub to the Prometheus or Grafana here?", default=True)
    try:
        return replace(installation, answers=changed(Answers(), answers, "answers"), asked=True)
    except Failure as failure:
        raise click.UsageError(failure.message) from None
