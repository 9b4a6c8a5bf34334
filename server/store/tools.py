"""PostgreSQL's own tools: found, called, ended when they wait for nothing, their errors told."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from server.store import engine

LOOK_S = 2.0
LONGEST_S = 3600.0
"""What a tool may take, were the server ever so large; its timer gives a backup as long."""

CONNECT_S = 10


class BackupError(Exception):
    """A backup cannot be made or used; nothing was changed."""


def run(
    command: list[str], environ: Mapping[str, str] = MappingProxyType({}), url: str = "", silent_s: float = 0.0
) -> str:
    """What a tool prints. Raises BackupError when it fails, when the server at `url` has let nobody in for `silent_s`,
    and after an hour: by itself a tool waits for ever for a server that is frozen.
    """
    name = Path(command[0]).name
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    whole = {**os.environ, "PGCONNECT_TIMEOUT": f"{CONNECT_S}", **environ, "LC_ALL": "C"}
    began_s = answered_s = monotonic()
    with subprocess.Popen(command, stdin=nothing, stdout=pipe, stderr=pipe, text=True, env=whole) as process:
        try:
            while (said := _said(process)) is None:
                answered_s = monotonic() if not url or _answers(url) else answered_s
                if url and monotonic() - answered_s > silent_s:
                    raise BackupError(f"{name} was ended: the database has not answered for {silent_s:.0f} s")
                if monotonic() - began_s > LONGEST_S:
                    raise BackupError(f"{name} was ended: it took longer than an hour")
        except BaseException:
            process.kill()
            raise
    out, err = said
    if process.returncode:
        raise BackupError(f"{name} failed: {_error(err) or f'exit code {process.returncode}'}")
    return out


def _error(said: str) -> str:
    """The error in what a tool said, and its last word, which is often what it was about."""
    lines = [line.strip() for line in said.strip().splitlines() if not line.startswith("LOCATION:")]
    first = next((line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()), "")
    return " ".join(dict.fromkeys([first, *lines[-1:]])).strip()


def _said(process: subprocess.Popen[str]) -> tuple[str, str] | None:
    """What it printed, on both ways, if it ends soon."""
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=LOOK_S)
    return None


def _answers(url: str) -> bool:
    """Whether the server says anything to who comes now; one that is down ends the tool by itself."""
    found = engine.postgres_driver(url)
    assert found is not None
    psycopg, arguments = found
    try:
        psycopg.connect(**arguments).close()
    except psycopg.errors.ConnectionTimeout:
        return False
    except psycopg.Error:
        pass
    return True


def find(name: str) -> str:
    """The newest that is there: a tool reads the databases of its own version and of older ones. Raises BackupError."""
    folders = sorted(
        (folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()),
        key=lambda folder: int(folder.parent.name),
    )
    for folder in reversed(folders):
        if (folder / name).exists():
            return str(folder / name)
    if found := shutil.which(name):
        return found
    raise BackupError(f"{name} is missing, which this takes with a PostgreSQL: apt-get install postgresql-client")
