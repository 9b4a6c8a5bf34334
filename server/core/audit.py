"""The audit log: what admins did, and what happened to accounts and keys, stored with the deed itself."""

import msgspec

from server.core import rules
from server.core.changes import Note
from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.hub import Hub
from server.core.model import Caller, Deed


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """Lines of the audit log, newest first."""

    entries: list[Deed]
    has_more: bool


def noted(by: str, action: str, target: str, **details: str) -> Note:
    """A line about what `by` does now; nothing in it may be a secret."""
    return Note(Deed(timestamp=now_ms(), agent_id=by, action=action, target=target, details=details))


def overruling(directory: Directory, caller: Caller, channel_id: str, action: str, **details: str) -> tuple[Note, ...]:
    """A line where an admin does in a channel what its own role there would not allow."""
    own_seat = details.get("agent") == caller.agent.id and details.get("role", "member") == "member"
    if not caller.admin or own_seat or rules.holds(directory, caller, channel_id, "owner"):
        return ()
    name = directory.channels[channel_id].name
    return (noted(caller.agent.id, action, channel_id, name=name, **details),)


async def listed(hub: Hub, caller: Caller, before: int | None, limit: int) -> Page:
    """A page of the audit log; admins only."""
    rules.require_admin(caller)
    found = await hub.records.deeds(before, limit)
    return Page(found[:limit], len(found) > limit)
