"""Fixtures for all tests: real servers, started once a run, and clean for each test."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis

from tests import servers
from tests.hub import HubProcess

# a shell that runs the tests in its background has SIGINT ignored, and so would every hub that is to hear a Ctrl+C
signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HubProcess]:
    """One hub for all tests that neither stop it nor mind what others say on it."""
    async with HubProcess(tmp_path_factory.mktemp("shared-hub")) as hub:
        yield hub


@pytest_asyncio.fixture
async def own_hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    """A hub of this test's own, to be killed at will."""
    async with HubProcess(tmp_path) as hub:
        yield hub
