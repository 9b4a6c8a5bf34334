"""The last word of a hub that stops on purpose."""

import asyncio
import logging

from server.core.changes import Decision, Outgoing
from server.core.clock import now_ms
from server.core.errors import HubError
from server.core.events import GlobalPart, SystemShutdown
from server.core.hub import OPERATOR, Hub

PATIENCE_S = 1.0

LOG = logging.getLogger(__name__)


async def announce_shutdown(hub: Hub) -> None:
    """Put `system.shutdown` into the log and before every reader; without a database that takes it, just stop.

    It is a word about the whole, so the last hub on a database says it.
    """
    if not hub.follower.alone:
        return  # the others go on; who reads here is told goodbye
    part = GlobalPart(message="the hub stops on purpose; streams resume by themselves", severity="info")
    decision = Decision((), (Outgoing(SystemShutdown(data=part), now_ms(), OPERATOR),))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await hub.writer.submit(lambda: decision)
    except (HubError, TimeoutError) as error:
        LOG.warning("could not announce the stop: %r", error)
    hub.dispatch.advance()
