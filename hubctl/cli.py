"""The command `hubctl`: every command on one page."""

import sys

import click

from hubctl.commands.agents import agent
from hubctl.commands.appliance import doctor, plan, renew, setup, uninstall_command
from hubctl.commands.backup import backup, restore
from hubctl.commands.bench import bench_command
from hubctl.commands.channels import channel
from hubctl.commands.drill import drill
from hubctl.commands.export import export
from hubctl.commands.logs import logs
from hubctl.commands.outsider import outsider
from hubctl.commands.people import audit, login_link, session
from hubctl.commands.run import run
from hubctl.commands.send import send
from hubctl.commands.status import status
from hubctl.commands.tail import tail
from hubctl.commands.tokens import token
from hubctl.commands.upgrade import mend_command, rollback, settle, upgrade
from server import __version__

EPILOG = (
    "HUB_URL says where the hub is, HUB_TOKEN who you are, HUB_CA whose certificate it shows. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(__version__, prog_name="hubctl")
def main() -> None:
    """Run an OpenClaw hub, or talk to one that runs."""
    for stream in (sys.stdout, sys.stderr):
        # What this terminal's encoding lacks is shown as an escape, rather than ending the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


for command in (
    run,
    status,
    logs,
    agent,
    token,
    login_link,
    session,
    audit,
    channel,
    send,
    tail,
    export,
    outsider,
    bench_command,
    drill,
    setup,
    plan,
    doctor,
    renew,
    uninstall_command,
    backup,
    restore,
    upgrade,
    rollback,
    mend_command,
    settle,
):
    main.add_command(command)
