"""A PostgreSQL that freezes, is held or lets nobody go while it is backed up: each ends in time, with a word."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time

import pytest
from sqlalchemy import make_url

from server.store import dumping, engine, tools
from server.store.backing import backup, restore
from server.store.migrating import migrate
from server.store.tools import BackupError
from tests.servers import Postgres, postgres_server

PATIENCE_S = 60.0
"""What a busy machine may take for what has a bound of a second or two here."""


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def url(server: Postgres) -> Iterator[str]:
    with server.database() as made:
        migrate(made)
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "LOOK_S", 0.2)


@contextmanager
def held(server: Postgres, url: str) -> Iterator[None]:
    """Somebody has a table of the hub's for himself."""
    with server.connect(make_url(url).database or "") as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def as_soon_as(server: Postgres, program: str, then: str) -> Iterator[None]:
    """Once a program waits for a lock, freeze the server, or end the program's session; frozen until the block ends."""
    done = threading.Event()

    def watch() -> None:
        with server.connect() as admin:
            waits = "FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
            while not done.is_set() and not admin.execute(f"SELECT 1 {waits}".encode(), (program,)).fetchone():
                sleep(0.02)
            if then == "freeze":
                server.send_signal(signal.SIGSTOP)
            else:
                admin.execute(f"SELECT pg_terminate_backend(pid) {waits}".encode(), (program,))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        done.set()
        server.send_signal(signal.SIGCONT)
        watching.join()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_freezes_in_the_middle_of_a_dump_ends_it(
    server: Postgres, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_s = monotonic()
    with held(server, url), as_soon_as(server, "pg_dump", "freeze"):
        monkeypatch.setattr(dumping, "HELD_S", 2.0)
        monkeypatch.setattr(dumping, "others", lambda _url: [])
        with pytest.raises(BackupError, match="pg_dump was ended: the database has not answered for 2 s"):
            dumping.dump(url, tmp_path / "hub.dump")
    assert monotonic() - began_s < PATIENCE_S
    assert list(tmp_path.iterdir()) == []
    assert backup(url, tmp_path / "b").exists()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("program", ["pg_dump", "psql"])
def test_a_session_that_is_ended_in_the_middle_ends_the_backup_or_restore(
    server: Postgres, url: str, tmp_path: Path, program: str
) -> None:
    file = backup(url, tmp_path / "b")
    with (
        held(server, url),
        as_soon_as(server, program, "end"),
        pytest.raises(BackupError, match="terminating connection"),
    ):
        loaded_or_dumped(program, url, file)
    assert sorted((tmp_path / "b").iterdir()) == [file]


def loaded_or_dumped(program: str, url: str, file: Path) -> None:
    if program == "psql":
        dumping.load(url, file, into=file.parent)
    else:
        backup(url, file.parent)


@contextmanager
def who_does_not_read(server: Postgres) -> Iterator[None]:
    """A client that asks for much and takes none of it; since version 15 the server waits for such ones, too."""
    with server.connect() as deaf:
        deaf.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
        sleep(1)
        try:
            yield
        finally:
            deaf.close()


@pytest.mark.usefixtures("impatient")
def test_a_trials_database_that_cannot_be_dropped_is_told_of_and_dropped_by_a_later_backup(
    server: Postgres, url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dumping.scratch_database(url) as fine:
        assert make_url(fine).database in trials(server)
    assert trials(server) == []
    monkeypatch.setattr(dumping, "HELD_S", 2.0)
    began_s = monotonic()
    with who_does_not_read(server), dumping.scratch_database(url):
        pass
    assert monotonic() - began_s < PATIENCE_S
    assert [name in caplog.text for name in trials(server)] == [True]
    old = f"{dumping.TRIAL}{int(time() - dumping.LEFT_S - 60):x}_0011"
    fresh = f"{dumping.TRIAL}{int(time()):x}_0022"
    with server.connect() as admin:
        for name in (old, fresh):
            admin.execute(f"CREATE DATABASE {name}".encode())
    with dumping.scratch_database(url):
        assert old not in trials(server)
        assert fresh in trials(server), "somebody may be at it"


def trials(server: Postgres) -> list[str]:
    with server.connect() as admin:
        names = admin.execute("SELECT datname FROM pg_database").fetchall()
    return [name for (name,) in names if name.startswith(dumping.TRIAL)]


@pytest.mark.usefixtures("impatient")
def test_a_restore_does_not_wait_for_ever_for_a_table_that_somebody_holds(
    server: Postgres, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backup(url, tmp_path / "b")
    monkeypatch.setattr(dumping, "HELD_S", 1.0)
    monkeypatch.setitem(engine._READER, "lock_timeout", "1000")
    began_s = monotonic()
    with held(server, url), pytest.raises(BackupError):
        restore(url, file, tmp_path)
    assert monotonic() - began_s < 2 * PATIENCE_S
