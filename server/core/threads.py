"""Threads: opened under a message, renamed, resolved; replies are messages (see `server.core.messages`)."""

from contextlib import suppress

import msgspec

from server.core import rules
from server.core.changes import AlterThread, Decision, InsertThread, Outgoing
from server.core.clock import now_ms
from server.core.errors import Conflict, Forbidden, Invalid, NotFound, Unchanged
from server.core.events import ThreadCreate, ThreadUpdate
from server.core.hub import Hub
from server.core.ids import new_id
from server.core.model import Caller, Message, Thread

TITLE_LENGTH = 120


class Opening(msgspec.Struct, frozen=True):
    """A thread that somebody wants."""

    channel_id: str
    parent_message_id: str
    title: str | None = None


class Opened(msgspec.Struct, frozen=True):
    """The thread under the message; `known` when there was one already."""

    thread: Thread
    known: bool = False


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """Threads, newest first, and whether there are older ones."""

    threads: list[Thread]
    has_more: bool


async def create(hub: Hub, caller: Caller, opening: Opening) -> Opened:
    """Open the thread under a message. A message has one at most: asked again, that one is the answer."""
    channel_id = rules.uuid("channelId", opening.channel_id)
    parent_id = rules.uuid("parentMessageId", opening.parent_message_id)
    title = None if opening.title is None else rules.line("title", opening.title, TITLE_LENGTH)
    rules.may_write(hub.directory, caller, channel_id)
    parent = await _may_have_thread(hub, channel_id, parent_id)
    author = parent.sender_id if parent.sender_id in hub.directory.agents else None
    thread = Thread(
        id=new_id(),
        channel_id=channel_id,
        parent_message_id=parent_id,
        title=title,
        created_by=caller.agent.id,
        created_at=now_ms(),
        resolved=False,
        reply_count=0,
    )

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        event = ThreadCreate(channel_id=channel_id, thread=thread.part())
        outgoing = Outgoing(event, thread.created_at, caller.agent.id, channel_id, author)
        return Decision((InsertThread(thread),), (outgoing,))

    try:
        await hub.writer.submit(decide)
    except Unchanged:
        present = await hub.records.thread_under(parent_id)
        return Opened(present or thread, known=True)
    return Opened(thread)


async def _may_have_thread(hub: Hub, channel_id: str, parent_id: str) -> Message:
    parent = await hub.log.message(parent_id)
    if parent is None or parent.channel_id != channel_id:
        raise Invalid("parentMessageId", "there is no such message in this channel")
    if parent.thread_id is not None:
        raise Invalid("parentMessageId", "this message is a reply itself; threads do not nest", code="parent_is_reply")
    if parent.deleted:
        raise Conflict("message_deleted", "the message is deleted; no thread was opened", field="parentMessageId")
    return parent


async def get(hub: Hub, caller: Caller, thread_id: str) -> Thread:
    """One thread that the caller may read, else NotFound."""
    thread = await hub.records.thread(rules.uuid("id", thread_id))
    unknown = NotFound("thread_not_found", "there is no such thread, or none that you may see")
    if thread is None:
        raise unknown
    try:
        rules.may_read(hub.directory, caller, thread.channel_id)
    except NotFound:
        raise unknown from None
    return thread


async def inside(hub: Hub, channel_id: str, thread_id: str) -> str:
    """The id of a thread of this channel; any other is refused, as if it did not exist."""
    thread = await hub.records.thread(rules.uuid("threadId", thread_id))
    if thread is None or thread.channel_id != channel_id:
        raise unknown()
    return thread.id


def unknown() -> Invalid:
    """What is said of a thread that is not this channel's, or no longer."""
    return Invalid("threadId", "there is no such thread in this channel")


async def listed(hub: Hub, caller: Caller, channel_id: str, before: str | None, limit: int) -> Listed:
    """A channel's threads, newest first; `before` is a thread's id."""
    channel_id = rules.uuid("channelId", channel_id)
    rules.may_read(hub.directory, caller, channel_id)
    older_than = None if before is None else rules.uuid("before", before)
    found = await hub.records.threads(channel_id, older_than, limit)
    return Listed(found[:limit], len(found) > limit)


class Alteration(msgspec.Struct, frozen=True):
    """What is to be different about a thread; None means as it is."""

    title: str | None = None
    resolved: bool | None = None


async def alter(hub: Hub, caller: Caller, thread_id: str, alteration: Alteration) -> Thread:
    """Resolve or reopen a thread, which any member may; its opener and moderators give it another title."""
    before = await get(hub, caller, thread_id)
    channel_id = before.channel_id
    title = None if alteration.title is None else rules.line("title", alteration.title, TITLE_LENGTH)

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        opener = caller.agent.id == before.created_by
        if title is not None and not (opener or rules.holds(hub.directory, caller, channel_id, "moderator")):
            raise Forbidden("role_required", "a thread is renamed by its opener or a moderator")
        # the store puts the thread as it is then into the event
        event = ThreadUpdate(channel_id=channel_id, thread=before.part())
        outgoing = Outgoing(event, now_ms(), caller.agent.id, channel_id)
        return Decision((AlterThread(before.id, title, alteration.resolved),), (outgoing,))

    with suppress(Unchanged):
        await hub.writer.submit(decide)
    return await get(hub, caller, thread_id)
