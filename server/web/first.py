"""What the chat's first page knows already, so that it is whole without asking for anything."""

from typing import Any

import msgspec

from server.core import accounts, announcing, channels, here, markers, messages, telling
from server.core.clock import now_ms
from server.core.hub import Hub
from server.core.model import Caller, Channel, Told
from server.core.ports import Span

LOOKED_THROUGH = 200

PAGE = 50

MOST_LETTERS = 48_000
"""More than this of a channel's words is left to be asked for: the page comes first."""


async def first_state(hub: Hub, caller: Caller, last: str) -> dict[str, Any]:
    """The caller, its channels with what is unread there, all accounts, what waits for its answer, and since when;
    and the channel that was open `last` with its newest messages, or the one where everybody is.

    The stream goes on from `cursor`, which is read first: what happens meanwhile is told twice and never left out.
    """
    cursor = f"{hub.dispatch.epoch}:{hub.dispatch.position}"
    unread = await markers.unread(hub, caller)
    asked = await telling.told(hub, caller, caller.agent.id, None, Span(LOOKED_THROUGH))
    waiting = [told for told in asked.events if told.agent_id == caller.agent.id and _waits(told)]
    visible = channels.visible(hub, caller)
    state = {
        "cursor": cursor,
        "counted": hub.dispatch.position,
        "me": caller.agent,
        "channels": visible,
        "place": await _place(hub, caller, _first(visible, last)),
        "agents": accounts.listed(hub),
        "unread": unread.channels,
        "replies": unread.threads,
        "asked": waiting,
    }
    built: dict[str, Any] = msgspec.to_builtins(state)
    return built


def _first(visible: list[Channel], last: str) -> Channel | None:
    """The channel that was open last, else the one where everybody is, else one of the caller's own."""

    def rank(channel: Channel) -> tuple[bool, bool, bool]:
        return channel.id != last, channel.role is None, channel.name != "general"

    return min(visible, key=rank, default=None)


async def _place(hub: Hub, caller: Caller, channel: Channel | None) -> dict[str, Any] | None:
    if channel is None:
        return None
    page = await messages.history(hub, caller, channel.id, messages.Paging(PAGE, None, None))
    if sum(len(message.content) for message in page.messages) > MOST_LETTERS:
        return None
    found, more = await announcing.works(hub, caller, channel.id, Span(PAGE))
    if sum(len(envelope) for envelope in found) > MOST_LETTERS:
        return None
    works = {"events": [msgspec.json.decode(envelope) for envelope in found], "hasMore": more}
    present = await here.presence(hub, caller, channel.id)
    return {"channelId": channel.id, "page": page, "works": works, "presence": present}


def _waits(told: Told) -> bool:
    expires_at = told.event.data.expires_at or 0
    return telling.is_question(told.event) and told.decision is None and expires_at > now_ms()
