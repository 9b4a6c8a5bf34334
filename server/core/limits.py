"""How often somebody may do something in a minute."""

from math import ceil
from typing import Literal

from server.core.errors import TooMany
from server.core.hub import OPERATOR, Hub
from server.core.model import Caller, Limits

Action = Literal["message", "reaction", "invite"]


async def allow(hub: Hub, caller: Caller, action: Action) -> None:
    """Count one action of the caller. Raises TooMany when it was one too many for this minute.

    Without a limit nothing is counted and nothing is waited for; far from it nothing is waited for.
    """
    if allow_ahead(hub, caller, action):
        return
    most = limit_of(hub, caller, action)
    count = await hub.counters.count(action, caller.agent.id)
    if count.times > most:
        wait_s = max(1, ceil(count.resets_ms / 1000))
        raise TooMany("rate_limited", f"{most} times a minute is the limit for {action}; wait {wait_s} s", wait_s)


def allow_ahead(hub: Hub, caller: Caller, action: Action) -> bool:
    """Count one action of a caller without a limit or far from it; else nothing is counted, and it takes `allow`."""
    most = limit_of(hub, caller, action)
    return not most or hub.counters.count_ahead(action, caller.agent.id, most)


def limit_of(hub: Hub, caller: Caller, action: Action) -> int:
    """The caller's limit: its own, else that of its kind; the command line's account has none. 0 is no limit."""
    agent = caller.agent
    own = _of(agent.limits, action) if agent.limits is not None else None
    if own is not None:
        return own
    if agent.id == OPERATOR:
        return 0
    return _of(hub.bounds.people if agent.kind == "human" else hub.bounds.agents, action) or 0


def _of(limits: Limits, action: Action) -> int | None:
    if action == "message":
        return limits.message
    return limits.reaction if action == "reaction" else limits.invite
