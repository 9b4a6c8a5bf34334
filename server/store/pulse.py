"""A hub's own line to the PostgreSQL that it may share with others: woken by their commits, and sure that it answers.

Twice a second the hub says that it is there and asks where the log stands, so that a lost notification costs half a
second at most; what is not answered within PATIENCE_S is a database that is away.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

import structlog

from server.core.clock import now_ms
from server.core.peers import Beat, Peers
from server.store.committing import NEWS
from server.store.reach import cut

BEAT_S = 0.5
PATIENCE_S = 1.0
GONE_MS = 6_000
"""A hub that was not heard of for so long is not there."""

HELLO = "hello"
"""What makes the others look at once who is there."""

HELLO_PAUSE_S = 0.1
HELLO_PATIENCE_S = 3.0

_BEAT = """
WITH clock AS (SELECT CAST(extract(epoch FROM transaction_timestamp()) * 1000 AS bigint) AS now),
mine AS (
    INSERT INTO hubs (id, key, seen_at) SELECT %(me)s, %(key)s, now FROM clock
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
)
SELECT seq, oldest, version, clock.now, hubs.id, hubs.key
FROM log_head CROSS JOIN clock LEFT JOIN hubs ON hubs.id <> %(me)s AND hubs.seen_at > clock.now - %(gone_ms)s
"""
_HELLO = "SELECT pg_notify(%(news)s, %(hello)s)"
_UNAWARE = """
SELECT count(*) FROM hubs CROSS JOIN (SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now) AS clock
WHERE id <> %(me)s AND seen_at > clock.now - %(gone_ms)s AND seen_at <= %(since)s
"""
_FORGET = "DELETE FROM hubs WHERE id = %(me)s OR seen_at < %(now)s - 86400000"

logger = structlog.get_logger()


class Pulse:
    """Tells `heard` of every beat, `woken` of what others committed, `lost` and `found` of the database itself."""

    def __init__(self, psycopg: Any, arguments: dict[str, Any], peers: Peers) -> None:
        self.heard: Callable[[Beat], None] = lambda beat: peers.meet(beat.hubs)
        self.woken: Callable[[], None] = lambda: None
        self.lost: Callable[[str], None] = lambda _why: None
        self.found: Callable[[], None] = lambda: None
        self._psycopg = psycopg
        self._arguments = arguments
        self._peers = peers
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None
        self._away = False

    async def start(self) -> None:
        """Make the hub known, and return when every other one knows it. Raises what psycopg does."""
        await self._beat()
        since = await self._beat()  # of two that begin at the same moment, neither's first beat sees the other's
        if not self._peers.alone:
            await self._greet(since)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Take leave of the others."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(self._psycopg.Error, TimeoutError):
            await self._bounded(connection, _FORGET, {"me": self._peers.me, "now": now_ms()})
        await connection.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._rest()
                await self._beat()
            except (self._psycopg.Error, OSError, TimeoutError) as error:
                await self._hang_up(error)
                await asyncio.sleep(BEAT_S / 2)
            except Exception:
                logger.exception("a beat went wrong")
                await asyncio.sleep(BEAT_S)

    async def _rest(self) -> None:
        """Until the next beat, or until another hub has something to say."""
        if self._connection is None:
            return
        async with aclosing(self._connection.notifies(timeout=BEAT_S)) as notifications:
            async for notification in notifications:
                if notification.payload == HELLO:
                    return
                if notification.payload != self._peers.me:
                    self.woken()

    async def _greet(self, since: int) -> None:
        """Until then the others would not look for what this hub has stored. One that is stuck is not waited for.

        `since` is later than the commit of this hub's first beat, and a beat's time is that of its transaction's begin:
        whoever's last beat is later still has seen this hub. In the same millisecond it may be either.
        """
        about = {"me": self._peers.me, "gone_ms": GONE_MS, "since": since}
        with suppress(TimeoutError):
            async with asyncio.timeout(HELLO_PATIENCE_S):
                while (await self._bounded(self._connection, _UNAWARE, about))[0][0]:
                    await self._bounded(self._connection, _HELLO, {"news": NEWS, "hello": HELLO})
                    await asyncio.sleep(HELLO_PAUSE_S)
                    await self._beat()  # others may be waiting for this one

    async def _beat(self) -> int:
        """Say that this hub is there, and hear where the database stands and who else is there; its time."""
        if self._connection is None:
            self._connection = await self._psycopg.AsyncConnection.connect(**self._arguments, autocommit=True)
            await self._bounded(self._connection, f"LISTEN {NEWS}", {})
        about = {"me": self._peers.me, "key": self._peers.key, "gone_ms": GONE_MS}
        rows = await self._bounded(self._connection, _BEAT, about)
        seq, oldest, version, now = rows[0][:4]
        hubs = {hub_id: bytes(key) for *_, hub_id, key in rows if hub_id is not None}
        if self._away:
            self._away = False
            logger.info("the database answers again")
            self.found()
            await self._bounded(self._connection, _HELLO, {"news": NEWS, "hello": HELLO})
        self.heard(Beat(seq, oldest, version, hubs))
        return int(now)

    async def _bounded(self, connection: Any, statement: str, about: dict[str, object]) -> list[Any]:
        """The answer in time. A timeout by cancellation would ask the silent server to cancel, and wait for it."""
        asking = asyncio.get_running_loop().create_task(_ask(connection, statement, about))
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_S)
        if not done:
            cut(connection)
            await asyncio.wait([asking])
            with suppress(self._psycopg.Error):
                asking.result()
            raise TimeoutError("the database does not answer")
        return asking.result()

    async def _hang_up(self, error: Exception) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._psycopg.Error):
                await connection.close()
        if not self._away:
            self._away = True
            logger.error("the database is away", error=str(error))
            self.lost("the database does not answer")


async def _ask(connection: Any, statement: str, about: dict[str, object]) -> list[Any]:
    cursor = await connection.execute(statement.encode(), about)
    return await cursor.fetchall() if cursor.description else []
