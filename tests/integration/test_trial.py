"""A hub on trial: only its tester gets in, by a socket; when the gate falls it opens, and the trial left nothing."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from server.config import trial_socket
from server.proving import NotProved, prove
from tests.hub import ROOT, HubProcess
from tests.servers import listens

GATE = "gate"


class OnTrial(HubProcess):
    """A hub that is started behind a gate."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.gate = folder / GATE
        self.gate.touch()
        self.options = ("--closed-while", str(self.gate))


async def test_only_the_tester_gets_in_until_the_gate_falls(tmp_path: Path) -> None:
    hub = OnTrial(tmp_path)
    await hub.start(ready=False)
    try:
        assert await prove(hub.data_dir, 30) == (await version())
        assert not listens(hub.port)
        assert trial_socket(hub.data_dir).stat().st_mode & 0o077 == 0
        hub.gate.unlink()
        await hub._until_ready()
        assert not trial_socket(hub.data_dir).exists()
        async with hub.client() as admin, admin.stream("?since=0") as frames:
            await admin.say(await admin.general(), "the first word")
            assert [frame.event for frame in await frames.until("channel.message")].count("channel.message") == 1
    finally:
        await hub.stop()
    assert sorted(path.name for path in hub.data_dir.iterdir() if "trial" in path.name) == []
    with sqlite3.connect(hub.data_dir / "hub.db") as database:
        assert database.execute("SELECT content FROM messages").fetchall() == [("the first word",)]
    database.close()


async def version() -> str:
    command = (sys.executable, "-c", "import server; print(server.__version__)")
    ended = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def drop_messages(hub: OnTrial) -> None:
    """From now on messages can no longer be stored."""
    with sqlite3.connect(hub.data_dir / "hub.db") as database:
        database.execute("DROP TABLE messages")
    database.close()


async def test_a_hub_on_trial_can_be_stopped(tmp_path: Path) -> None:
    hub = OnTrial(tmp_path)
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    assert await hub.stop() == 0
    assert not listens(hub.port)


async def test_a_hub_on_trial_ends_when_its_database_lacks_a_table(tmp_path: Path) -> None:
    hub = OnTrial(tmp_path)
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    drop_messages(hub)
    assert hub.process is not None
    with pytest.raises(NotProved):
        await prove(hub.data_dir, 30, lambda: hub.process is not None and hub.process.returncode is None)
    assert await hub._ended() == 1
    assert "database is damaged" in hub.log_text


async def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    hub = OnTrial(tmp_path)
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    await hub.kill()
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    await hub.stop()


async def test_a_hub_that_is_not_there_is_not_proved(tmp_path: Path) -> None:
    with pytest.raises(NotProved, match="it did not prove in time that it works"):
        await prove(tmp_path, 1)


async def test_a_hub_that_does_not_answer_is_not_proved(tmp_path: Path) -> None:
    hub = OnTrial(tmp_path)
    await hub.start(ready=False)
    await prove(hub.data_dir, 30)
    drop_messages(hub)
    with pytest.raises(NotProved):
        await prove(hub.data_dir, 2)
    await hub.kill()


async def test_a_name_that_a_person_took_first_is_told(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub:
        async with hub.client() as admin:
            await admin.channel("hub-probe")
        await hub.stop()
        trial = OnTrial(tmp_path)
        await trial.start(ready=False)
        assert trial.process is not None
        assert await asyncio.wait_for(trial.process.wait(), 30) == 1
        assert "has the canary's name hub-probe: rename it" in trial.log_text
