"""Another version on a machine in use: it proves itself or is not taken, whatever is broken, cut short or unplugged.

One story: its tests run in order. Agents write all the time, and what was acknowledged must be there at each end.
"""

import re
import shutil
import sqlite3
import urllib.request
from collections.abc import Iterator

import pytest

from tests.system.booted import Booted
from tests.system.future import Wheels
from tests.system.life import PORT, URL, Life, call, hubctl, installed, until, version, well

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

HUB = "openclaw-hub.service"
OPT = "/opt/openclaw-hub"
STATE = "/var/lib/openclaw-hub"
RETURN_S = 60.0


@pytest.fixture(scope="module")
def token(machine: Booted) -> Iterator[str]:
    """A hub of the version of this checkout, without limits for its operator; every start notes its database's sum."""
    (machine.root / "root/answers.toml").write_text(f"port = {PORT}\n")
    machine.must("sh", "/deploy/install.sh", "--wheel", machine.wheel, "--yes", "--answers", "/root/answers.toml")
    folder = machine.root / f"etc/systemd/system/{HUB}.d"
    folder.mkdir(exist_ok=True)
    sums = f"/bin/sh -c 'sha256sum {STATE}/hub.db >>{STATE}/sums'"
    (folder / "sums.conf").write_text(f"[Service]\nExecStartPre={sums}\n")
    machine.must("systemctl", "daemon-reload")
    yield machine.must("cat", f"{STATE}/admin.token").strip()
    machine.must("hubctl", "uninstall", "--purge", "--yes")
    shutil.rmtree(folder)


def sums(machine: Booted) -> list[str]:
    """The database's sums at each start of the hub so far."""
    file = machine.root / STATE[1:] / "sums"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def left_over(machine: Booted) -> list[str]:
    """What an upgrade needs while it lasts, and nobody afterwards."""
    names = (f"{OPT}/gate", f"{OPT}/way-back", f"{STATE}/trial.json", f"{STATE}/trial.sock")
    return [name for name in names if (machine.root / name[1:]).is_symlink() or (machine.root / name[1:]).exists()]


def test_a_good_version_is_taken(machine: Booted, wheels: Wheels, token: str) -> None:
    first = installed(machine)
    with Life(token) as life:
        ended = hubctl(machine, "upgrade", wheels.good, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "Done: the hub is 9.1.0" in ended.stdout
    assert version() == "9.1.0"
    assert life.lost() == []
    assert life.versions == [first, "9.1.0"]
    assert left_over(machine) == []
    assert sorted(path.name for path in (machine.root / OPT[1:] / "versions").iterdir()) == [first, "9.1.0"]
    well(machine)
    again = hubctl(machine, "upgrade", wheels.good, "--yes")
    assert (again.returncode, "nothing was changed" in again.stdout) == (0, True)


@pytest.mark.parametrize("name", ["fails", "silent"])
def test_a_broken_version_is_not_taken(machine: Booted, wheels: Wheels, token: str, name: str) -> None:
    before = len(sums(machine))
    with Life(token) as life:
        ended = hubctl(machine, "upgrade", getattr(wheels, name), "--yes")
    assert ended.returncode == 1
    assert "was not taken" in ended.stderr
    assert "9.1.0 serves again, with the database byte for byte as it was" in ended.stderr
    assert ("this migration fails" if name == "fails" else "it did not answer") in ended.stderr
    assert life.versions == ["9.1.0"]
    assert life.lost() == []
    assert life.silence_s <= RETURN_S
    print(f"silence {life.silence_s:.1f} s")
    seen = sums(machine)[before:]
    assert len(seen) >= 2
    assert seen[0] == seen[-1], "what the new version was given is what the old one has again"
    assert left_over(machine) == []
    well(machine)


def test_what_people_wrote_stays_where_the_schema_allows_it(machine: Booted, token: str) -> None:
    with Life(token) as life:
        ended = hubctl(machine, "rollback", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "which keeps everything that was written; the database goes back from schema 9001" in ended.stdout
    assert life.versions == ["9.1.0", installed(machine)]
    assert life.lost() == []
    well(machine)
    again = hubctl(machine, "rollback", "--yes")
    assert again.returncode == 1
    assert "did not come by an upgrade" in again.stderr


def test_a_version_from_which_no_way_leads_back_with_everything(machine: Booted, wheels: Wheels, token: str) -> None:
    first = installed(machine)
    with Life(token) as before:
        # who does not know of `hubctl upgrade` takes the way of the first install
        machine.must("sh", "/deploy/install.sh", "--wheel", wheels.one_way, "--yes")
    written = call("POST", "/api/messages", {"channelId": before.general, "content": "written since"}, token)
    said = written["message"]["id"]
    refused = hubctl(machine, "rollback", "--yes")
    assert refused.returncode == 1
    assert re.search(r"discards \d+ messages.* since .*--discard-since", refused.stderr)
    assert version() == "9.4.0"
    epoch = epoch_of(token)
    ended = hubctl(machine, "rollback", "--yes", "--discard-since")
    assert ended.returncode == 0, ended.stderr
    assert version() == first
    assert epoch_of(token) != epoch
    with pytest.raises(OSError, match="404"):
        call("GET", f"/api/messages/{said}", token=token)
    kept = re.search(r"What was discarded lies in (\S+);", ended.stdout)
    assert kept is not None
    with sqlite3.connect(machine.root / kept[1][1:]) as copy:
        assert copy.execute("SELECT content FROM messages WHERE id = ?", (said,)).fetchall() == [("written since",)]
    copy.close()
    well(machine)
    newer = hubctl(machine, "restore", kept[1], "--yes")
    assert newer.returncode == 1
    assert "written by a newer hub" in newer.stderr
    assert version() == first


def epoch_of(token: str) -> str:
    request = urllib.request.Request(URL + "/api/events", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as stream:
        lines: list[str] = [stream.readline().decode() for _ in range(4)]
    return next(line.split()[1].partition(":")[0] for line in lines if line.startswith("id:"))


def begin(machine: Booted, wheel: str) -> None:
    """An upgrade that will not end soon, up to the point where the new version stands behind its door."""
    offline = ("-E", "PIP_NO_INDEX=1", "-E", "PIP_FIND_LINKS=/wheels")
    command = ("hubctl", "upgrade", wheel, "--yes", "--within", "600")
    machine.must("systemd-run", "--collect", "--unit=upgrading", *offline, *command)
    until((machine.root / STATE[1:] / "trial.sock").exists, 300)


def test_an_upgrade_that_is_killed_is_taken_back_by_its_guard(machine: Booted, wheels: Wheels, token: str) -> None:
    before = len(sums(machine))
    begin(machine, wheels.silent)
    assert version() == ""
    under_way = hubctl(machine, "doctor")
    assert under_way.returncode == 4
    assert "is under way; wait for its end" in under_way.stdout
    machine.must("systemctl", "kill", "--signal=KILL", "upgrading")
    until(lambda: version() == installed(machine), RETURN_S)
    until(lambda: left_over(machine) == [], 30)
    assert sums(machine)[before] == sums(machine)[-1]
    well(machine)
    assert "was taken back: it was cut short" in hubctl(machine, "doctor").stdout


def test_an_upgrade_that_is_killed_with_its_guard_is_told_and_mended(
    machine: Booted, wheels: Wheels, token: str
) -> None:
    begin(machine, wheels.silent)
    units = machine.must("systemctl", "list-units", "--plain", "--no-legend")
    guards = re.findall(r"^(run-[\w-]+\.service)", units, re.MULTILINE)
    assert guards
    machine.must("systemctl", "kill", "--signal=KILL", "upgrading", *guards)
    told = hubctl(machine, "doctor")
    assert told.returncode == 4
    assert "the upgrade from" in told.stdout
    assert "was cut short" in told.stdout
    assert version() == ""
    mended = hubctl(machine, "rollback", "--yes")
    assert mended.returncode == 0, mended.stderr
    assert "was cut short and is taken back" in mended.stdout
    assert version() == installed(machine)
    well(machine)


@pytest.mark.parametrize("how", ["HUP", "KILL"])
def test_whoever_ends_it_alone_while_a_version_starts_leaves_the_version_before(
    machine: Booted, wheels: Wheels, token: str, how: str
) -> None:
    before, current = len(sums(machine)), machine.root / OPT[1:] / "current"
    offline = ("-E", "PIP_NO_INDEX=1", "-E", "PIP_FIND_LINKS=/wheels", "-p", "KillMode=process")
    command = ("hubctl", "upgrade", wheels.silent, "--yes", "--within", "600")
    machine.must("systemd-run", "--collect", "--unit=upgrading", *offline, *command)
    until(lambda: current.readlink().name == "9.3.0", 300)
    # a terminal that is closed, or kill -9: what it has started itself is not ended with it
    machine.must("systemctl", "kill", "--kill-who=main", f"--signal={how}", "upgrading")
    until(lambda: left_over(machine) == [] and version() != "", RETURN_S)
    assert version() == installed(machine)
    assert current.readlink().name == installed(machine)
    assert sums(machine)[before] == sums(machine)[-1]
    well(machine)


def test_a_power_cut_in_the_middle_is_mended_at_boot(machine: Booted, wheels: Wheels, token: str) -> None:
    before = len(sums(machine))
    begin(machine, wheels.silent)
    machine.pull_the_plug()
    machine.boot()
    until(lambda: version() == installed(machine), RETURN_S)
    until(lambda: left_over(machine) == [], 30)
    assert sums(machine)[before] == sums(machine)[-1]
    well(machine)


def test_a_backup_is_tried_by_a_hub_and_a_restore_says_what_it_replaced(machine: Booted, token: str) -> None:
    with Life(token) as life:
        file = hubctl(machine, "backup", "--to", "/root/backups")
    assert file.returncode == 0, file.stderr
    said = machine.must("journalctl", "--no-pager", "-u", "openclaw-hub-backup.service")
    assert re.search(r"a hub on a copy of /var/backups/openclaw-hub/hub-\S+\.db answered", said)
    epoch = epoch_of(token)
    ended = hubctl(machine, "restore", file.stdout.strip(), "--yes")
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"restored \d+ messages, the last of .*; it replaced \d+ messages", ended.stdout)
    assert epoch_of(token) != epoch
    assert len(life.lost()) < len(life.acknowledged)
    well(machine)


def test_the_mending_unit_is_closed(machine: Booted, token: str) -> None:
    for unit in ("openclaw-hub-mend.service", "openclaw-hub-backup.service"):
        said = machine.must("systemd-analyze", "security", "--no-pager", unit)
        rating = re.search(r"exposure level for \S+ ([\d.]+)", said)
        assert rating is not None
        assert float(rating[1]) <= 1.5
