"""Messages: saying, reading, editing, deleting."""

from asyncio import Future

import msgspec

from server.core import rules, threads
from server.core.changes import BuryMessage, Decision, EditMessage, InsertMessage, Outgoing, Written
from server.core.clock import now_ms
from server.core.errors import Conflict, Forbidden, NotFound
from server.core.events import ChannelMessage, ChannelMessageDelete, ChannelMessageEdit, ThreadMessage
from server.core.hub import Hub
from server.core.ids import new_id
from server.core.limits import allow
from server.core.model import PROBE, Caller, Message
from server.core.ports import Span


class Posted(msgspec.Struct, frozen=True):
    """The answer to a post; `known` when the same id had been posted before."""

    message: Message
    seq: int
    known: bool = False


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """Messages, oldest first, and whether there are more in the direction that was asked for."""

    messages: list[Message]
    has_more: bool


class Saying(msgspec.Struct, frozen=True):
    """What somebody wants to say; `id` is the client's own or None, `sender_id` whom a bridge speaks for."""

    channel_id: str
    content: str
    id: str | None = None
    thread_id: str | None = None
    sender_id: str | None = None


class Said(msgspec.Struct, frozen=True):
    """What may be said, as far as is known before it is stored; `named` when its id is the client's own."""

    id: str
    named: bool
    channel_id: str
    content: str
    sender_id: str
    thread_id: str | None


async def post(hub: Hub, caller: Caller, saying: Saying, arrived_s: float) -> Posted:
    """Store a message, or with a thread a reply. The same id from the same sender to the same channel is one message.

    Raises Invalid, TooLarge, NotFound, Forbidden (not a member), Conflict (archived, or the id is another's).
    """
    said = check(hub, caller, saying)
    if said.thread_id is not None:
        said = msgspec.structs.replace(said, thread_id=await threads.inside(hub, said.channel_id, said.thread_id))
    await allow(hub, caller, "message")
    return told(hub, caller, said, await keep(hub, caller, said, arrived_s))


def check(hub: Hub, caller: Caller, saying: Saying) -> Said:
    """What is to be stored, but for its thread and the caller's limit. Raises as `post` does."""
    content = rules.content(saying.content, hub.bounds.message_bytes)
    message_id = new_id() if saying.id is None else rules.uuid("id", saying.id)
    sender_id = rules.sender(caller, saying.sender_id)
    # the directory's own string: one for all messages of a channel, however many of them are kept in memory
    channel_id = rules.may_write(hub.directory, caller, rules.uuid("channelId", saying.channel_id)).id
    return Said(message_id, saying.id is not None, channel_id, content, sender_id, saying.thread_id)


def keep(hub: Hub, caller: Caller, said: Said, arrived_s: float) -> Future[Written]:
    """Have it stored; what comes of that is for `told`. See `Writer.enqueue`."""

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, said.channel_id)
        message = Message(
            id=said.id,
            channel_id=said.channel_id,
            content=said.content,
            sender_id=said.sender_id,
            timestamp=now_ms(),
            mentions=rules.mentions(said.content, hub.directory, said.channel_id),
            seq=0,
            thread_id=said.thread_id,
        )
        outgoing = Outgoing(_event_of(message), message.timestamp, said.sender_id, said.channel_id)
        return Decision((InsertMessage(message, said.named),), (outgoing,))

    return hub.writer.enqueue(decide, 0.0 if _is_probe(caller) else arrived_s, shares=True)


def told(hub: Hub, caller: Caller, said: Said, written: Written) -> Posted:
    """The answer to what was stored. Raises Conflict when the id is another message's, Invalid when its thread went."""
    stored = written.message
    if stored is None:
        raise threads.unknown()
    if (stored.sender_id, stored.channel_id) != (said.sender_id, said.channel_id):
        raise Conflict("id_taken", "this id belongs to another message; nothing was stored", field="id")
    if not _is_probe(caller):
        hub.stats.messages[caller.agent.kind, "repeated" if written.known else "stored"] += 1
    return Posted(stored, stored.seq, written.known)


def _is_probe(caller: Caller) -> bool:
    """What the canary feels has metrics of its own."""
    return caller.agent.id == PROBE


def _event_of(message: Message) -> ChannelMessage | ThreadMessage:
    """A reply is told as one, and not as a message of the channel."""
    if message.thread_id is None:
        return ChannelMessage(channel_id=message.channel_id, message=message.part())
    return ThreadMessage(channel_id=message.channel_id, thread_id=message.thread_id, message=message.part())


async def get(hub: Hub, caller: Caller, message_id: str) -> Message:
    """One message that the caller may read, with its own reactions, else NotFound."""
    return (await seen_by(hub, caller, [await find(hub, caller, message_id)]))[0]


async def seen_by(hub: Hub, caller: Caller, found: list[Message]) -> list[Message]:
    """The messages with the caller's own reactions on them."""
    seqs = [message.seq for message in found if message.reactions]
    if not seqs:
        return found
    own = await hub.records.reacted(caller.agent.id, seqs)
    return [msgspec.structs.replace(message, reacted=own.get(message.seq, ())) for message in found]


async def find(hub: Hub, caller: Caller, message_id: str) -> Message:
    """One message that the caller may read, else NotFound."""
    message = await hub.log.message(rules.uuid("id", message_id))
    if message is None:
        raise _unknown()
    try:
        rules.may_read(hub.directory, caller, message.channel_id)
    except NotFound:
        raise _unknown() from None
    return message


async def history(hub: Hub, caller: Caller, channel_id: str, page: "Paging") -> Page:
    """A page of a channel's own history; replies in threads are not in it."""
    channel_id = rules.uuid("channelId", channel_id)
    rules.may_read(hub.directory, caller, channel_id)
    hub.mirror.loaded(channel_id)
    if page.before is None and page.after is None:
        newest = await hub.recent.newest(channel_id, page.limit)
        return page_of(await seen_by(hub, caller, newest), Span(page.limit))
    return await _page(hub, caller, channel_id, None, page)


async def replies(hub: Hub, caller: Caller, thread_id: str, channel_id: str | None, page: "Paging") -> Page:
    """A page of a thread; `channel_id`, where it is given, must be the thread's."""
    thread = await threads.get(hub, caller, rules.uuid("threadId", thread_id))
    if channel_id is not None and rules.uuid("channelId", channel_id) != thread.channel_id:
        raise threads.unknown()
    return await _page(hub, caller, thread.channel_id, thread.id, page)


async def _page(hub: Hub, caller: Caller, channel_id: str, thread_id: str | None, page: "Paging") -> Page:
    span = Span(
        page.limit,
        before=await seq_of(hub, caller, "before", page.before),
        after=await seq_of(hub, caller, "after", page.after),
    )
    found = await hub.log.history(channel_id, thread_id, span)
    return page_of(await seen_by(hub, caller, found), span)


class Paging(msgspec.Struct, frozen=True):
    """Where a page lies: `before` and `after` are message ids."""

    limit: int
    before: str | None = None
    after: str | None = None


def page_of(found: list[Message], span: Span) -> Page:
    """Cut the one message too many that told that there are more."""
    more = len(found) > span.limit
    if more:
        found = found[: span.limit] if span.after is not None else found[-span.limit :]
    return Page(found, more)


async def seq_of(hub: Hub, caller: Caller, field: str, message_id: str | None) -> int | None:
    """Where the message that a page begins at lies."""
    if message_id is None:
        return None
    rules.uuid(field, message_id)
    return (await find(hub, caller, message_id)).seq


async def edit(hub: Hub, caller: Caller, message_id: str, content: str) -> Message:
    """Give a message new content; only its author may, and not once it is deleted."""
    content = rules.content(content, hub.bounds.message_bytes)
    before = await find(hub, caller, message_id)
    if not rules.speaks_as(caller, before.sender_id):
        raise Forbidden("not_author", "only its author edits a message")
    _alive(before)
    rules.may_write(hub.directory, caller, before.channel_id)
    await allow(hub, caller, "message")
    edited_at = now_ms()

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, before.channel_id)
        called = rules.mentions(content, hub.directory, before.channel_id)
        event = ChannelMessageEdit(
            channel_id=before.channel_id, message_id=before.id, content=content, edited_at=edited_at, mentions=called
        )
        outgoing = Outgoing(event, edited_at, before.sender_id, before.channel_id)
        return Decision((EditMessage(before.id, content, called, edited_at),), (outgoing,))

    await hub.writer.submit(decide)
    return await get(hub, caller, before.id)


async def delete(hub: Hub, caller: Caller, message_id: str) -> None:
    """Make a message a tombstone; its author, a moderator or an owner may. Twice is once."""
    before = await find(hub, caller, message_id)
    rules.may_delete(hub.directory, caller, before.channel_id, before.sender_id)
    if before.deleted:
        return
    deleted_at = now_ms()

    def decide() -> Decision:
        rules.may_delete(hub.directory, caller, before.channel_id, before.sender_id)
        event = ChannelMessageDelete(channel_id=before.channel_id, message_id=before.id, deleted_at=deleted_at)
        outgoing = Outgoing(event, deleted_at, caller.agent.id, before.channel_id)
        return Decision((BuryMessage(before.id, deleted_at),), (outgoing,))

    await hub.writer.submit(decide)


def _alive(message: Message) -> None:
    if message.deleted:
        raise Conflict("message_deleted", "the message is deleted; nothing was changed")


def _unknown() -> NotFound:
    return NotFound("message_not_found", "there is no such message, or none that you may see")
