"""Fixtures for all tests: real servers, started once a run, and clean for each test."""

from collections.abc import Iterator

import pytest
import redis

from tests import servers


@pytest.fixture(scope="session")
def redis_server_url() -> Iterator[str]:
    """One Redis for the whole run; tests use `redis_url`."""
    with servers.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """One PostgreSQL cluster for the whole run; tests use `postgres_url`."""
    with servers.postgres_server() as running:
        yield running


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """The URL of a real, empty Redis without ACL."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
    return redis_server_url


@pytest.fixture
def postgres_url(postgres: servers.Postgres) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh PostgreSQL database of this test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    return servers.free_port()
