"""What touches the database is the hub's own: `python -m server` of a version, run as the hub's user by systemd."""

import re
import secrets

from hubctl.host import Host, HostError, Outcome
from hubctl.installed import DATABASE_URL, SETTINGS, USER

WORK = "openclaw-hub-work-"
"""How the units are called in which systemd runs what an upgrade, a rollback or a restore needs."""


def in_a_unit(host: Host, *words: str) -> Outcome:
    """Run a command in a unit of its own, so that `end_housework` finds it when whoever wants it is killed."""
    unit = f"--unit={WORK}{secrets.token_hex(8)}"
    return host.run("systemd-run", "--quiet", "--pipe", "--wait", "--collect", unit, *words)


def housework(host: Host, venv: str, *words: str) -> Outcome:
    """Run a command of `python -m server` of the version in `venv`, with the installed hub's settings.

    Raises HostError with what it said when it fails.
    """
    loaded = {"hub.toml": SETTINGS, "database.url": DATABASE_URL}
    credentials = [f"LoadCredential={name}:{file}" for name, file in loaded.items() if host.status(file) is not None]
    properties = [word for line in (f"User={USER}", "UMask=0077", *credentials) for word in ("-p", line)]
    settings = "${CREDENTIALS_DIRECTORY}/hub.toml"
    ended = in_a_unit(host, *properties, f"{venv}/bin/python", "-P", "-m", "server", *words, "--config", settings)
    if ended.code:
        said = ended.err.strip().splitlines()
        raise HostError(said[-1].removeprefix("hub: ") if said else f"{words[0]} failed with exit code {ended.code}")
    return ended


def end_housework(host: Host) -> None:
    """End what a command that was killed has left running: it would hold the database, or start another version."""
    host.run("systemctl", "kill", "--signal=KILL", f"{WORK}*")
    host.run("systemctl", "stop", f"{WORK}*")


def last_words(host: Host, unit: str, since_s: float) -> str:
    """What the unit's own processes said last in words, since then: their refusal, or the end of a traceback."""
    about = (f"_SYSTEMD_UNIT={unit}", f"--since=@{since_s:.0f}")
    said = host.run("journalctl", "--quiet", "--no-pager", "-o", "cat", "-n", "400", *about).out.splitlines()
    return next((line.removeprefix("hub: ") for line in reversed(said) if re.match(r"hub: |(\w+\.)*\w+: ", line)), "")
