"""A Redis and a PostgreSQL of the owner's are tried by the hub's own program: what does not do is said in one line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import Postgres, free_port, redis_on_port

ROOT = Path(__file__).resolve().parents[2]


def tried(kind: str, url: str, prefix: str = "") -> tuple[int, str]:
    request = json.dumps({"kind": kind, "url": url, "prefix": prefix})
    command = [sys.executable, "-m", "server", "try"]
    ended = subprocess.run(command, input=request, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr.strip()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    with redis_on_port(port, "secret"):
        yield port


def test_a_redis_that_does_leaves_nothing_behind(port: int) -> None:
    assert tried("redis", f"redis://:secret@127.0.0.1:{port}/0", "openclaw:") == (0, "")
    with redis.Redis(port=port, password="secret") as client:
        assert [key for key in client.scan_iter() if client.ttl(key) < 0] == []


def test_a_redis_that_is_not_there_or_knows_us_not(port: int) -> None:
    code, words = tried("redis", f"redis://:secret@127.0.0.1:{free_port()}/0")
    assert (code, "Redis does not answer" in words) == (1, True)
    code, words = tried("redis", f"redis://:wrong@127.0.0.1:{port}/0")
    assert (code, words) == (1, "hub: Redis does not take this user and password")
    code, words = tried("redis", "nonsense")
    assert (code, "no URL of a Redis" in words) == (1, True)


RIGHTS = {
    "keys": (["~presence:*", "&*", "+@all"], "SET ratelimit:"),
    "channels to publish on": (["~*", "&hub:*", "+@all"], "PUBLISH pubsub:channel:"),
    "commands": (["~*", "&*", "+@all", "-zadd"], "ZADD typing:"),
    "channels to listen to": (["~*", "&hub:*", "&pubsub:channel:*", "+@all"], "listen to"),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_a_redis_that_does_not_let_the_hub_do_its_work(port: int, name: str) -> None:
    rules, words = RIGHTS[name]
    with redis.Redis(port=port, password="secret") as admin:
        admin.execute_command("ACL", "SETUSER", "hub", "reset", "on", ">hush", *rules)
    code, said = tried("redis", f"redis://hub:hush@127.0.0.1:{port}/0")
    assert code == 1
    assert words in said
    assert "hush" not in said


def inside(postgres: Postgres, url: str) -> psycopg.Connection:
    return postgres.connect(url.partition("?")[0].rpartition("/")[2])


def test_a_postgresql_that_does_is_left_as_it_is(postgres: Postgres, postgres_url: str) -> None:
    assert tried("database", postgres_url) == (0, "")
    with inside(postgres, postgres_url) as connection:
        assert connection.execute("SELECT * FROM pg_tables WHERE schemaname = 'public'").fetchall() == []


def test_a_postgresql_where_the_hub_may_make_no_tables(postgres: Postgres, postgres_url: str) -> None:
    with inside(postgres, postgres_url) as admin:
        admin.execute("CREATE ROLE guest LOGIN")
        try:
            code, said = tried("database", postgres_url.replace("//hub@", "//guest@"))
        finally:
            admin.execute("DROP ROLE guest")
    assert code == 1
    assert "permission denied" in said


def test_a_database_of_a_newer_hub_is_refused(postgres: Postgres, postgres_url: str) -> None:
    with inside(postgres, postgres_url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('from-the-future')")
    code, said = tried("database", postgres_url)
    assert code == 1
    assert "written by a newer hub" in said


def test_what_is_no_postgresql() -> None:
    assert tried("database", "sqlite:///hub.db") == (1, "hub: only a PostgreSQL can be a database of one's own")
    code, said = tried("database", f"postgresql://hub:hush@127.0.0.1:{free_port()}/hub")
    assert code == 1
    assert "PostgreSQL says no" in said
    assert "hush" not in said
