"""Whom words are meant for, wherever they look: who is mentioned, and who has started or replied in the thread.

A thread is followed by who opened it, by the author of the message that it hangs under, and by all who replied.
"""

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from server.core.changes import Entry
from server.core.errors import HubError
from server.core.records import Records
from server.core.stream import Meant, Stream

FOLLOWING = frozenset({"thread.create", "thread.message"})
"""From entries of these kinds on somebody follows a thread."""

_MENTIONS = b'"mentions":["'


class _Words(msgspec.Struct):
    mentions: tuple[str, ...] = ()


class _Opened(msgspec.Struct):
    id: str


class _Event(msgspec.Struct, rename="camel"):
    thread_id: str | None = None
    thread: _Opened | None = None
    message: _Words | None = None


class _Envelope(msgspec.Struct):
    event: _Event


_decode = msgspec.json.Decoder(_Envelope).decode


def meant_by(entry: Entry) -> Meant | None:
    """Whom a message or a reply may be meant for; None where that is nobody in particular."""
    # inside a string the quotes would be escaped, so this stands for nothing that somebody wrote
    called = entry.kind == "channel.message" and _MENTIONS in entry.frame
    if not called and entry.kind != "thread.message":
        return None
    event = _decode(entry.payload).event
    return Meant(entry.sender_id, event.message.mentions if event.message else (), event.thread_id)


def follow(entry: Entry, streams: Iterable[Stream]) -> None:
    """Those of the streams whose readers follow a thread from this entry on, which is one of FOLLOWING, know that."""
    by = (entry.sender_id, entry.agent_id)
    concerned = [stream.follows for stream in streams if stream.follows is not None and stream.agent_id in by]
    if concerned:
        event = _decode(entry.payload).event
        thread_id = event.thread.id if event.thread else event.thread_id
        for follows in concerned:
            follows.add(thread_id or "")


async def learn(records: Records, stream: Stream) -> None:
    """A stream that gets what is meant for its reader knows which threads that reader follows."""
    if not stream.interest.meant or stream.follows is not None:
        return
    stream.follows = set()
    with suppress(HubError):  # the database is away: mentions still come, and threads with the next stream
        stream.follows.update(await records.followed(stream.agent_id))
