"""Two hubs on one PostgreSQL and one Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.hub import HubProcess

Pair = tuple[HubProcess, HubProcess]


@contextlib.asynccontextmanager
async def two_hubs(folder: Path, database_url: str, redis_url: str) -> AsyncIterator[Pair]:
    """Started at the same moment on an empty database."""
    settings = {"HUB_DATABASE_URL": database_url, "HUB_REDIS_URL": redis_url}
    one, other = (HubProcess(folder / name, **settings) for name in ("one", "other"))
    for hub in (one, other):
        hub.data_dir.mkdir(parents=True)
    await asyncio.gather(one.start(), other.start())
    try:
        yield one, other
    finally:
        await asyncio.gather(*(hub.stop() for hub in (one, other) if hub.process is not None))
