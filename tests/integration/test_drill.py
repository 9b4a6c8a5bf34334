"""`hubctl drill`: on a hub of its own, on one that runs, and where it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hubctl.commands.drill import _reasons
from hubctl.load import local
from hubctl.target import INSTALLED_DATA_DIR
from tests.hub import ROOT, HubProcess

TINY = ("--rounds", "1", "--writers", "2", "--readers", "2", "--json")


def drill(*arguments: str, temporary: Path, token: str = "") -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")} | {
        "HUB_TOKEN": token,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-m", "hubctl", "drill", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_a_drill_on_a_hub_of_its_own(tmp_path: Path) -> None:
    done = drill(*TINY, temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [broken["what"] for broken in found["breaks"]] == [
        "every stream cut",
        "Redis killed",
        "the hub killed (-9), started again",
    ]
    assert found["clean"] is True
    assert found["audit"]["acknowledged"] > 100
    assert (found["audit"]["lost"], found["audit"]["twice"]) == (0, 0)
    assert list(tmp_path.glob("hub-drill-*")) == []


async def test_a_drill_on_a_hub_that_runs_starts_it_again(own_hub: HubProcess, tmp_path: Path) -> None:
    before = local.find(own_hub.url)
    assert before is not None
    assert before.data_dir == own_hub.data_dir
    done = drill(*TINY, "--url", own_hub.url, temporary=tmp_path, token=own_hub.admin_token)
    after = local.find(own_hub.url)
    assert after is not None
    try:
        assert done.returncode == 0, done.stderr
        assert after.pid != before.pid
        assert "was started again" in done.stderr
        async with own_hub.client() as admin:
            agents = (await admin.ok("GET", "/api/agents"))["agents"]
        assert [agent["id"] for agent in agents if agent["id"].startswith("drill-")] == []
    finally:
        os.kill(after.pid, 9)
        await own_hub._ended()


@pytest.mark.parametrize(
    ("process", "word"),
    [
        (None, "not to be seen"),
        (local.Process(1, os.geteuid(), INSTALLED_DATA_DIR), "installed"),
        (local.Process(1, os.geteuid() + 1, Path("/home/somebody/hub")), "another user"),
    ],
)
def test_whose_hub_is_not_broken_without_asking(process: local.Process | None, word: str) -> None:
    assert word in "; ".join(_reasons(process))


def test_ones_own_hub_is_broken_without_asking() -> None:
    assert _reasons(local.Process(1, os.geteuid(), Path("/home/somebody/hub"))) == []


def test_a_drill_takes_an_admin_and_touches_nothing_before(own_hub_token: tuple[str, str], tmp_path: Path) -> None:
    url, token = own_hub_token
    done = drill(*TINY, "--url", url, temporary=tmp_path, token=token)
    assert done.returncode == 1
    assert "admin" in done.stderr


@pytest.fixture
async def own_hub_token(own_hub: HubProcess) -> tuple[str, str]:
    async with own_hub.client() as admin:
        return own_hub.url, (await admin.agent())[1]
