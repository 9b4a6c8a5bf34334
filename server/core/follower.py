"""Follows what other hubs commit to the same PostgreSQL: each event and each change of the directory once, in order.

An own transaction brings what it missed along (see `core.writer`), so the follower reads only between those: what it
read while one was under way is dropped, since it may hold that transaction's own rows.
"""

import asyncio
import logging
from contextlib import suppress

from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.errors import HubError, Unavailable
from server.core.peers import Beat, Peers
from server.core.ports import Head, Log, News
from server.core.revoking import end_revoked
from server.core.writer import Writer

PAGE = 500
RETRY_S = 0.2

LOG = logging.getLogger(__name__)


class Follower:
    """Woken by `nudge`; `look` waits until everything that was committed before is known here."""

    def __init__(self, log: Log, directory: Directory, dispatch: Dispatch, writer: Writer, peers: Peers) -> None:
        self._log = log
        self._directory = directory
        self._dispatch = dispatch
        self._writer = writer
        self._peers = peers
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        writer.on_overtaken = self.nudge
        dispatch.on_ahead = self.nudge

    @property
    def alone(self) -> bool:
        """Whether there is no other hub to be followed."""
        return self._peers.alone

    def start(self) -> None:
        """Follow until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """No further."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._answer(Unavailable("stopping", "the hub stops"))

    def heard(self, beat: Beat) -> None:
        """Follow what the database says of itself."""
        self._dispatch.oldest = beat.oldest
        self._writer.is_only_hub = not (set(beat.hubs) - {self._peers.me})
        self._peers.meet(beat.hubs)
        if beat.seq > self._dispatch.head or beat.version > self._directory.version:
            self.nudge()

    def nudge(self) -> None:
        """There may be something new."""
        self._wanted.set()

    async def was_behind(self, version: int) -> bool:
        """Whether another hub has changed the directory since this version of it; known here when this returns."""
        if not self._peers.alone and self._directory.version == version:
            with suppress(HubError):  # then nobody knows better
                await self.look()
        return not self._peers.alone and self._directory.version != version

    async def look(self) -> None:
        """Know what was committed before this call. Raises Unavailable when the database does not answer."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self.nudge()
        await future

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            waiting, self._waiting = self._waiting, []
            error: HubError | None = None
            try:
                await self._catch_up()
            except HubError as unavailable:
                error = unavailable
            except Exception:
                LOG.exception("could not follow the other hubs")
                error = Unavailable("storage_failed", "the hub could not read what other hubs have stored")
            _answer(waiting, error)
            self._writer.resume(error)
            if error is not None:
                await asyncio.sleep(RETRY_S)
                self.nudge()

    async def _catch_up(self) -> None:
        enough = self._writer.begun + 1
        while self._writer.stored < enough:
            news = await self._log.news(self._dispatch.head, self._directory.version, PAGE)
            if self._writer.under_way:
                await self._writer.landed()  # what it missed it brings along
            elif not self._take(news):
                return

    def _take(self, news: News) -> bool:
        """Take news in, in one step; whether there may be more."""
        if news.whole:
            self._start_over(news)
        else:
            for change in news.changes:
                self._directory.apply(change)
            self._directory.version = news.version
            end_revoked(self._dispatch, news.changes)
        if news.entries and news.entries[0].seq > self._dispatch.head + 1:
            self._skip(news.entries[0].seq - 1)
        self._dispatch.learn(news.entries)
        self._dispatch.ring(self._dispatch.head)
        return len(news.entries) == PAGE

    def _skip(self, seq: int) -> None:
        """Events up to `seq` went from the log before they were known here: readers are to come back, and be told."""
        LOG.warning("the log begins behind what this hub knows: its streams begin anew")
        for stream in self._dispatch.streams():
            self._dispatch.leave(stream)
            stream.end("behind")
        self._dispatch.start(Head(self._dispatch.epoch, seq, self._dispatch.oldest))

    def _start_over(self, news: News) -> None:
        """Too much has changed to follow each step: the directory is loaded as it is now."""
        before = self._directory.credentials()
        self._directory.load(news.changes, news.version)
        gone = before - self._directory.credentials()
        orphans = [s.credential for s in self._dispatch.streams() if s.agent_id not in self._directory.agents]
        self._dispatch.end([*gone, *orphans], "credential_revoked")

    def _answer(self, error: HubError) -> None:
        waiting, self._waiting = self._waiting, []
        _answer(waiting, error)


def _answer(waiting: list[asyncio.Future[None]], error: HubError | None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
