"""What the chat's first page knows already, so that nothing is asked for before the open channel's messages."""

from typing import Any

import msgspec

from server.core import accounts, channels, markers, telling
from server.core.clock import now_ms
from server.core.hub import Hub
from server.core.model import Caller, Told
from server.core.ports import Span

LOOKED_THROUGH = 200


async def first_state(hub: Hub, caller: Caller) -> dict[str, Any]:
    """The caller, its channels with what is unread there, all accounts, what waits for its answer, and since when.

    The stream goes on from `cursor`, which is read first: what happens meanwhile is told twice and never left out.
    """
    cursor = f"{hub.dispatch.epoch}:{hub.dispatch.position}"
    unread = await markers.unread(hub, caller)
    asked = await telling.told(hub, caller, caller.agent.id, None, Span(LOOKED_THROUGH))
    waiting = [told for told in asked.events if told.agent_id == caller.agent.id and _waits(told)]
    state = {
        "cursor": cursor,
        "counted": hub.dispatch.position,
        "me": caller.agent,
        "channels": channels.visible(hub, caller),
        "agents": accounts.listed(hub),
        "unread": unread,
        "asked": waiting,
    }
    built: dict[str, Any] = msgspec.to_builtins(state)
    return built


def _waits(told: Told) -> bool:
    expires_at = told.event.data.expires_at or 0
    return telling.is_question(told.event) and told.decision is None and expires_at > now_ms()
