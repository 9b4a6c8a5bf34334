"""Messages: saying, reading, editing, deleting."""

import msgspec

from server.core import rules
from server.core.changes import BuryMessage, Decision, EditMessage, InsertMessage, Outgoing
from server.core.clock import now_ms
from server.core.errors import Conflict, Forbidden, NotFound
from server.core.events import ChannelMessage, ChannelMessageDelete, ChannelMessageEdit
from server.core.hub import Hub
from server.core.ids import new_id
from server.core.limits import allow
from server.core.model import Caller, Message
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
    """What somebody wants to say; `id` is the client's own or None."""

    channel_id: str
    content: str
    id: str | None = None


async def post(hub: Hub, caller: Caller, saying: Saying, arrived_s: float) -> Posted:
    """Store a message. The same id from the same sender to the same channel stores nothing twice.

    Raises Invalid, TooLarge, NotFound, Forbidden (not a member), Conflict (archived, or the id is another's).
    """
    content = rules.content(saying.content, hub.bounds.message_bytes)
    channel_id = rules.uuid("channelId", saying.channel_id)
    message_id = new_id() if saying.id is None else rules.uuid("id", saying.id)
    rules.may_write(hub.directory, caller, channel_id)
    await allow(hub, caller, "message")

    def decide() -> Decision:
        rules.may_write(hub.directory, caller, channel_id)
        message = Message(
            id=message_id,
            channel_id=channel_id,
            content=content,
            sender_id=caller.agent.id,
            timestamp=now_ms(),
            mentions=rules.mentions(content, hub.directory, channel_id),
            seq=0,
        )
        event = ChannelMessage(channel_id=channel_id, message=message.part())
        outgoing = Outgoing(event, message.timestamp, caller.agent.id, channel_id)
        return Decision((InsertMessage(message, saying.id is not None),), (outgoing,))

    written = await hub.writer.submit(decide, arrived_s, is_message=True)
    stored = written.message
    if stored is None or (stored.sender_id, stored.channel_id) != (caller.agent.id, channel_id):
        raise Conflict("id_taken", "this id belongs to another message; nothing was stored", field="id")
    hub.stats.messages[caller.agent.kind, "repeated" if written.known else "stored"] += 1
    return Posted(stored, stored.seq, written.known)


async def get(hub: Hub, caller: Caller, message_id: str) -> Message:
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
        return page_of(await hub.recent.newest(channel_id, page.limit), Span(page.limit))
    span = Span(
        page.limit,
        before=await _seq_of(hub, caller, "before", page.before),
        after=await _seq_of(hub, caller, "after", page.after),
    )
    found = await hub.log.history(channel_id, None, span)
    return page_of(found, span)


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


async def _seq_of(hub: Hub, caller: Caller, field: str, message_id: str | None) -> int | None:
    if message_id is None:
        return None
    rules.uuid(field, message_id)
    return (await get(hub, caller, message_id)).seq


async def edit(hub: Hub, caller: Caller, message_id: str, content: str) -> Message:
    """Give a message new content; only its author may, and not once it is deleted."""
    content = rules.content(content, hub.bounds.message_bytes)
    before = await get(hub, caller, message_id)
    if before.sender_id != caller.agent.id:
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
        outgoing = Outgoing(event, edited_at, caller.agent.id, before.channel_id)
        return Decision((EditMessage(before.id, content, called, edited_at),), (outgoing,))

    await hub.writer.submit(decide)
    return await get(hub, caller, before.id)


async def delete(hub: Hub, caller: Caller, message_id: str) -> None:
    """Make a message a tombstone; its author, a moderator or an owner may. Twice is once."""
    before = await get(hub, caller, message_id)
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
