"""The same on a PostgreSQL of the owner's: what a broken version did to it is undone, and backups are tried there."""

import re
import shutil
from collections.abc import Iterator

import pytest

from tests.system.booted import Booted
from tests.system.future import Wheels
from tests.system.life import PORT, Life, hubctl, installed, until, version, well

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

DATABASE = "postgresql://hub:secret@/hub?host=/var/run/postgresql"


@pytest.fixture(scope="module")
def token(machine: Booted) -> Iterator[str]:
    """A hub of the version of this checkout on a PostgreSQL that lies on the same machine, without a port."""
    defaults = machine.root / "etc/postgresql-common/createcluster.conf"
    defaults.parent.mkdir(exist_ok=True)
    defaults.write_text("listen_addresses = ''\n")
    apt = ("apt-get", "-qq", "-o", "Dpkg::Options::=--force-confold")
    machine.must(*apt, "update")
    machine.must(
        "env", "DEBIAN_FRONTEND=noninteractive", *apt, "install", "-y", "--no-install-recommends", "postgresql"
    )
    # the hub comes by a password, as to a server elsewhere
    rule = "s/^local *all *all *peer/local all all scram-sha-256/"
    machine.must("sh", "-c", f"sed -i '{rule}' /etc/postgresql/*/main/pg_hba.conf && systemctl restart postgresql")
    psql(machine, "CREATE ROLE hub LOGIN PASSWORD 'secret' CREATEDB")
    psql(machine, "CREATE DATABASE hub OWNER hub")
    (machine.root / "root/answers.toml").write_text(f'port = {PORT}\ndatabase_url = "{DATABASE}"\n')
    machine.must("sh", "/deploy/install.sh", "--wheel", machine.wheel, "--yes", "--answers", "/root/answers.toml")
    yield machine.must("cat", "/var/lib/openclaw-hub/admin.token").strip()
    machine.must("hubctl", "uninstall", "--purge", "--yes")
    machine.must(*apt, "purge", "-y", "postgresql*")
    shutil.rmtree(machine.root / "etc/postgresql-common", ignore_errors=True)


def psql(machine: Booted, sql: str, database: str = "postgres") -> str:
    return machine.must("runuser", "-u", "postgres", "--", "psql", "-d", database, "-Atqc", sql)


def columns(machine: Booted) -> str:
    named = "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = 'channels'"
    return psql(machine, named, "hub")


def test_a_backup_is_a_dump_that_was_tried(machine: Booted, token: str) -> None:
    assert version() == installed(machine)
    ended = hubctl(machine, "backup", "--to", "/root/dumps")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"/root/dumps/hub-\S+\.dump", ended.stdout.strip())
    said = machine.must("journalctl", "--no-pager", "-u", "openclaw-hub-backup.service")
    assert "answered" in said
    assert psql(machine, "SELECT count(*) FROM pg_database WHERE datname LIKE 'openclaw%'") == "0\n"
    well(machine)


@pytest.mark.parametrize("name", ["fails", "silent"])
def test_a_broken_version_is_undone(machine: Booted, wheels: Wheels, token: str, name: str) -> None:
    before = columns(machine)
    with Life(token) as life:
        ended = hubctl(machine, "upgrade", getattr(wheels, name), "--yes")
    assert ended.returncode == 1
    assert f"{installed(machine)} serves again, with the database row for row as it was" in ended.stderr
    assert columns(machine) == before
    assert life.versions == [installed(machine)]
    assert life.lost() == []
    print(f"silence {life.silence_s:.1f} s")
    well(machine)


def test_what_people_wrote_stays(machine: Booted, wheels: Wheels, token: str) -> None:
    with Life(token) as life:
        assert hubctl(machine, "upgrade", wheels.good, "--yes").returncode == 0
        until(lambda: version() == "9.1.0", 30)
        assert "column_9001" in columns(machine)
        assert hubctl(machine, "rollback", "--yes").returncode == 0
    assert life.versions == [installed(machine), "9.1.0", installed(machine)]
    assert life.lost() == []
    assert "column_9001" not in columns(machine)
    well(machine)


def test_a_restore_gives_a_new_epoch(machine: Booted, token: str) -> None:
    before = psql(machine, "SELECT epoch FROM log_head", "hub")
    (dump,) = (machine.root / "root/dumps").iterdir()
    ended = hubctl(machine, "restore", f"/root/dumps/{dump.name}", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"restored .*; it replaced \d+ messages", ended.stdout)
    assert psql(machine, "SELECT epoch FROM log_head", "hub") != before
    well(machine)
