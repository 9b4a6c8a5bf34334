"""The one writer: what queued while the last batch was being stored is the next batch.

A decision is made when its batch is formed, on the directory as of the last commit; only messages
and read markers share a batch, since they change nothing that a decision looks at and the store never refuses them.
A batch is thus either of such or of one draft alone, and only the latter is followed by the directory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter

from server.core.changes import Committed, Decision, Entry, Written
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.errors import HubError, Overtaken, StorageFull, Unavailable
from server.core.ports import Log
from server.core.publisher import Publisher
from server.core.revoking import end_revoked
from server.core.stats import Stats

BATCH = 64
QUEUE = 4096

PAUSE_TURNS = 64
LONE_TURNS = 2
PAUSE_S = 0.002
"""Between two batches the loop turns so often, but no longer: what was stored leaves for its readers and what arrives
joins the next batch, before the writer's thread asks for the interpreter again. A fifth more fits through that way.
Where readers wait for the next batch it begins at once. After a lone message it is enough that this one has left."""

QUIET_S = 0.02
"""With nothing to be stored for so long the store may do what makes writers wait."""

Decide = Callable[[], Decision]

LOG = logging.getLogger(__name__)


class Draft:
    """A decision to be made, and the future of what becomes of it."""

    __slots__ = ("arrived_s", "decide", "done", "shares", "submitted_s")

    def __init__(self, decide: Decide, arrived_s: float, done: asyncio.Future[Written], *, shares: bool) -> None:
        self.decide = decide
        self.arrived_s = arrived_s
        self.shares = shares
        self.submitted_s = perf_counter()
        self.done = done


Work = tuple[list[Draft], list[Decision], int, int]
Finish = Callable[[list[Draft], list[Decision], Committed | Exception], None]


class _WriterThread(Thread):
    """The thread that the writing connection belongs to; `work` ends with None.

    Handing over costs a fifth of what an executor's futures do, twice a batch.
    """

    def __init__(self, log: Log, loop: asyncio.AbstractEventLoop, finish: Finish) -> None:
        super().__init__(name="writer", daemon=True)
        self.work: SimpleQueue[Work | None] = SimpleQueue()
        self._log = log
        self._loop = loop
        self._finish = finish

    def run(self) -> None:
        """Commit what comes, one after the other."""
        while (work := self._next()) is not None:
            drafts, decisions, head, version = work
            result: Committed | Exception
            try:
                result = self._log.commit(decisions, head, version)
            except Exception as error:  # noqa: BLE001 - told to those who wait for this batch
                result = error
            self._loop.call_soon_threadsafe(self._finish, drafts, decisions, result)

    def _next(self) -> Work | None:
        try:
            return self.work.get(timeout=QUIET_S)
        except Empty:
            self._log.rest()
        return self.work.get()


class Writer:
    """Queue, transaction, readers, answers, then publication, in this order and in seq order.

    `failing` says why the last transaction did not go through; it is empty while all is well. `begun` counts
    transactions, `stored` is the number of the last one that was stored. Decisions that another hub has overtaken wait,
    after `on_overtaken`, for `resume`.
    """

    def __init__(
        self, log: Log, directory: Directory, dispatch: Dispatch, publisher: Publisher, stats: Stats, most: int = QUEUE
    ) -> None:
        self._directory = directory
        self._dispatch = dispatch
        self._publisher = publisher
        self._stats = stats
        self._queue: deque[Draft] = deque()
        self._most = most
        self.failing = ""
        self.begun = self.stored = 0
        self.under_way = False
        self.on_overtaken: Callable[[], None] = lambda: None
        self.is_only_hub = True
        self._overtaken = False
        self._landings: list[asyncio.Future[None]] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = _WriterThread(log, self._loop, self._finish)
        self._thread.start()
        dispatch.is_more_coming = self._is_at_work

    async def submit(self, decide: Decide, arrived_s: float = 0.0, *, shares: bool = False) -> Written:
        """Have a decision made and stored; returns when it is on disk. Raises what the future of `enqueue` does."""
        return await self.enqueue(decide, arrived_s, shares=shares)

    def enqueue(self, decide: Decide, arrived_s: float = 0.0, *, shares: bool = False) -> asyncio.Future[Written]:
        """Have a decision made and stored: what it returns is done when that is on disk.

        With `shares` it may become one transaction with others: see above, which must be so.
        That raises what `decide` or the store raises, and Unavailable when the queue is full.
        """
        draft = Draft(decide, arrived_s, self._loop.create_future(), shares=shares)
        if len(self._queue) >= self._most:
            full = Unavailable("overloaded", "the hub cannot store as fast as it is asked to; nothing was kept")
            draft.done.set_exception(full)
            return draft.done
        self._queue.append(draft)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            # not at once: what else arrives in this turn of the loop joins the batch
            self._loop.call_soon(self._next)
        return draft.done

    async def stop(self) -> None:
        """Store what is queued, then end the thread."""
        self.resume(Unavailable("stopping", "the hub stops; nothing was stored"))
        if self._busy:
            await self._idle.wait()
        self._thread.work.put(None)
        self._thread.join()

    def _next(self) -> None:
        drafts, decisions = self._take()
        if not drafts:
            self._busy = False
            self._idle.set()
            return
        self.begun += 1
        self.under_way = True
        self._thread.work.put((drafts, decisions, self._dispatch.head, self._directory.version))

    async def landed(self) -> None:
        """Wait for the end of the transaction that is under way."""
        if self.under_way:
            self._landings.append(asyncio.get_running_loop().create_future())
            await self._landings[-1]

    def resume(self, error: HubError | None = None) -> None:
        """Decide anew what was overtaken, since the directory is up to date; or refuse it all, since it cannot be."""
        if not self._overtaken:
            return
        self._overtaken = False
        if error is not None:
            refused, self._queue = list(self._queue), deque()
            self._fail(refused, error)
        self._next()

    def _take(self) -> tuple[list[Draft], list[Decision]]:
        drafts: list[Draft] = []
        decisions: list[Decision] = []
        while self._queue and len(drafts) < BATCH:
            if drafts and not (drafts[-1].shares and self._queue[0].shares):
                break
            draft = self._queue.popleft()
            if draft.done.done():
                continue  # the client went before anything was stored
            try:
                decisions.append(draft.decide())
                drafts.append(draft)
            except Exception as error:  # noqa: BLE001 - whatever a decision raises is its caller's answer
                draft.done.set_exception(error)
        return drafts, decisions

    def _finish(self, drafts: list[Draft], decisions: list[Decision], result: Committed | Exception) -> None:
        self.under_way = False
        if self._landings:
            self._land()
        if isinstance(result, Overtaken):
            self._queue.extendleft(reversed(drafts))
            self._overtaken = True
            self.on_overtaken()
            return
        if isinstance(result, Exception):
            self._fail(drafts, result)
        else:
            self._note("")
            self._succeed(drafts, decisions, result)
        if self._dispatch.is_holding:
            self._next()
        else:
            self._pause(PAUSE_TURNS if len(drafts) > 1 else LONE_TURNS, perf_counter() + PAUSE_S)

    def _pause(self, turns: int, until_s: float) -> None:
        if turns and perf_counter() < until_s:
            self._loop.call_soon(self._pause, turns - 1, until_s)
        else:
            self._next()

    def _is_at_work(self) -> bool:
        return self.under_way or bool(self._queue)

    def _land(self) -> None:
        landings, self._landings = self._landings, []
        for landing in landings:
            if not landing.done():
                landing.set_result(None)

    def _succeed(self, drafts: list[Draft], decisions: list[Decision], committed: Committed) -> None:
        alone = not drafts[0].shares
        if alone:
            self._follow(decisions[0])
        if committed.version is not None:
            self._directory.version = committed.version
            self.stored = self.begun
        self._dispatch.learn(committed.missed)
        entries = self._timed(drafts, committed.written)
        self._dispatch.learn(entries)
        # before the answers: with them under way to this hub's readers, the loop is free for what is said next
        self._dispatch.ring(self._dispatch.head)
        for draft, written in zip(drafts, committed.written, strict=True):
            if not draft.done.done():
                draft.done.set_result(written)
        if alone:
            end_revoked(self._dispatch, decisions[0].changes)
        # what another hub committed is published by it; without one, what was missed is our own, its fate once unknown
        told = [*committed.missed, *entries] if self.is_only_hub else entries
        if told:
            self._publisher.publish(told)

    def _follow(self, decision: Decision) -> None:
        for change in decision.changes:
            self._directory.apply(change)

    def _timed(self, drafts: Sequence[Draft], written: Sequence[Written]) -> list[Entry]:
        now_s = perf_counter()
        entries: list[Entry] = []
        for draft, result in zip(drafts, written, strict=True):
            for entry in result.entries:
                entry.arrived_s = draft.arrived_s
                if draft.shares and draft.arrived_s:
                    entry.accepted_s = draft.submitted_s
                    entry.stored_s = now_s
                    self._stats.accepted.observe(draft.arrived_s, draft.arrived_s, draft.submitted_s)
                    self._stats.stored.observe(draft.arrived_s, draft.submitted_s, now_s)
                entries.append(entry)
        return entries

    def _fail(self, drafts: list[Draft], error: Exception) -> None:
        if not isinstance(error, HubError):
            LOG.error("commit of %d drafts failed: %r", len(drafts), error)
            error = Unavailable("storage_failed", "the database did not take it; nothing was stored")
        if isinstance(error, Unavailable | StorageFull):
            self._note(error.detail)
        for draft in drafts:
            if not draft.done.done():
                draft.done.set_exception(error)

    def _note(self, failing: str) -> None:
        """Log when storing begins to fail, and when it works again; not each time."""
        if bool(failing) != bool(self.failing):
            LOG.log(logging.ERROR if failing else logging.INFO, failing or "the database takes messages again")
        self.failing = failing
