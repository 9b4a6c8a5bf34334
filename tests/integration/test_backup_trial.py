"""The hub that tries a backup: it ends with the command that made it, and is of that command's own code."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from server.store import dumping
from server.store.backing import prune
from server.store.migrating import migrate
from tests.hub import ROOT

PATIENCE_S = 60.0


def command(data_dir: Path, to: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "server", "backup", "--data-dir", str(data_dir), "--to", str(to))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


def trials(folder: Path) -> list[str]:
    """The hubs that run on a copy in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "server" in words and any(word.startswith(f"{folder}/.trying-") for word in words):
            found.append(process.name)
    return found


async def test_it_ends_when_the_backup_is_killed(tmp_path: Path) -> None:
    data_dir, to = tmp_path / "data", tmp_path / "b"
    data_dir.mkdir()
    migrate(f"sqlite:///{data_dir}/hub.db")
    backup = await asyncio.create_subprocess_exec(*command(data_dir, to), cwd=ROOT)
    await until(lambda: any((copy / "hub.lock").exists() for copy in to.glob(".trying-*")))
    assert len(trials(to)) == 1
    backup.kill()
    await backup.wait()
    await until(lambda: trials(to) == [])


async def test_it_runs_the_code_of_whoever_made_the_backup(tmp_path: Path) -> None:
    data_dir, mine = tmp_path / "data", tmp_path / "mine"
    data_dir.mkdir()
    migrate(f"sqlite:///{data_dir}/hub.db")
    for name in ("server", "static"):
        shutil.copytree(ROOT / name, mine / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (mine / "server/trial.py").open("a") as file:
        file.write('\n\nasync def stand_trial(*_: object) -> None:\n    raise TrialError("this is my own code")\n')
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    ended = await asyncio.to_thread(
        subprocess.run,
        command(data_dir, tmp_path / "b"),
        cwd=mine,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "Its last word: hub: this is my own code" in ended.stderr


def test_what_a_killed_backup_has_left_goes_once_nobody_can_be_at_it(tmp_path: Path) -> None:
    for name, age_s in (("old", dumping.LEFT_S + 60), ("fresh", 0.0)):
        copy, half = tmp_path / f".trying-{name}", tmp_path / f".hub-{name}.db.new"
        copy.mkdir()
        for path in (copy / "hub.db", half, copy):
            path.touch()
            os.utime(path, (time.time() - age_s,) * 2)
    prune(tmp_path, keep=14)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hub-fresh.db.new", ".trying-fresh"]
