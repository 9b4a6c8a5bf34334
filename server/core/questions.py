"""Asking a person: a question is settled once, by its addressee in time or by its expiry, and the asker hears which."""

import asyncio
from contextlib import suppress
from hashlib import sha256
from typing import Literal

import msgspec

from server.core.changes import Decision, Outgoing, SettleQuestion
from server.core.clock import now_ms
from server.core.errors import Conflict, Forbidden, HubError, NotFound
from server.core.events import AgentNotification, AgentPart, Verdict
from server.core.hub import Hub
from server.core.model import Caller, Told
from server.core.telling import is_question

LOOK_S = 1.0
AT_ONCE = 100


async def answer(hub: Hub, caller: Caller, agent_id: str, seq: int, decision: Literal["allow", "refuse"]) -> Told:
    """Settle a question that the caller, a person, was asked; the question with its answer.

    Raises Forbidden (somebody else's, or no person), NotFound, Conflict (no question, settled, expired).
    """
    if caller.agent.id != agent_id:
        raise Forbidden("not_addressee", "a question is answered by the one who was asked")
    if caller.agent.kind != "human":
        raise Forbidden("human_required", "a question is answered by a person")
    asked = await hub.records.question(seq)
    if asked is None or asked.agent_id != agent_id:
        raise NotFound("event_not_found", "there is no such event, or none for you")
    if not is_question(asked.event):
        raise Conflict("no_question", "this event does not ask for a decision")
    if asked.decision is not None:
        raise Conflict("settled", "this was answered before, or has expired")

    at = now_ms()

    def decide() -> Decision:
        if (asked.event.data.expires_at or 0) <= now_ms():
            raise Conflict("expired", "the time to answer is over")
        return settling(asked, decision, at)

    await hub.writer.submit(decide)
    return msgspec.structs.replace(asked, decision=decision, decided_at=at)


def settling(asked: Told, decision: Verdict, at: int) -> Decision:
    """What settles a question and tells the asker, and the addressee's other devices too.

    `sha256` is that of the exact content which the addressee was shown.
    """
    part = AgentPart(
        from_agent=asked.agent_id,
        in_reply_to=asked.seq,
        decision=decision,
        by=None if decision == "expired" else asked.agent_id,
        sha256=sha256((asked.event.data.content or "").encode()).hexdigest(),
    )
    outgoing = Outgoing(AgentNotification(data=part), at, asked.agent_id, agent_id=asked.sender_id)
    return Decision((SettleQuestion(asked.seq, decision, at),), (outgoing,))


async def expire(hub: Hub) -> None:
    """Tell the askers of all questions whose time is over."""
    now = now_ms()
    for asked in await hub.records.overdue(now, AT_ONCE):
        with suppress(Conflict):  # answered, or told by another hub, in this moment
            await hub.writer.submit(lambda asked=asked: settling(asked, "expired", now))  # type: ignore[misc]


async def watch(hub: Hub) -> None:
    """Look once a second, from the start on: what expired while no hub ran is told then."""
    while True:
        with suppress(HubError):  # the database is away; the next look finds the same
            await expire(hub)
        await asyncio.sleep(LOOK_S)
