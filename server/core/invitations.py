"""One-time links that nobody has followed yet: listed without their codes, and taken back."""

from uuid import UUID

import msgspec

from server.core import rules
from server.core.audit import noted
from server.core.changes import Decision, DropCode
from server.core.clock import now_ms
from server.core.errors import NotFound
from server.core.hub import Hub
from server.core.model import Caller, Purpose


class Open(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A link that still works: for the first person, for one more, or for the lost password of `agentId`."""

    id: str
    purpose: Purpose
    expires_at: int
    agent_id: str | None = None


def id_of(digest: bytes) -> str:
    """What a code is called: a part of its SHA-256, which leads nobody back to it."""
    return str(UUID(bytes=digest[:16]))


async def listed(hub: Hub, caller: Caller) -> list[Open]:
    """Those that nobody has used and that have not run out; admins only."""
    rules.require_admin(caller)
    codes = await hub.records.codes(now_ms())
    found = [
        Open(id=id_of(digest), purpose=code.purpose, expires_at=code.expires_at, agent_id=code.agent_id)
        for digest, code in codes
    ]
    return sorted(found, key=lambda one: one.expires_at)


async def withdraw(hub: Hub, caller: Caller, invitation_id: str) -> None:
    """Make a link void before anybody follows it; admins only."""
    rules.require_admin(caller)
    wanted = rules.uuid("id", invitation_id)
    found = [one for one in await hub.records.codes(now_ms()) if id_of(one[0]) == wanted]
    if not found:
        raise NotFound("invitation_not_found", "there is no such link, or somebody has used it")
    ((digest, code),) = found
    note = noted(caller.agent.id, "invitation.withdraw", code.agent_id or "", purpose=code.purpose)
    await hub.writer.submit(lambda: Decision((DropCode(digest), note)))
