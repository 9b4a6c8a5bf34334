"""When tokens and sessions were used last: kept in memory, written down once a minute at most."""

import asyncio
import logging

from server.core.changes import Decision, NoteUses
from server.core.clock import now_ms
from server.core.errors import HubError
from server.core.writer import Writer

FLUSH_S = 60.0

LOG = logging.getLogger(__name__)


class Uses:
    """The last use of each credential since this process began."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._fresh: dict[str, int] = {}

    def seen(self, credential: str) -> None:
        """Note a use now; nothing waits for it."""
        self._at[credential] = self._fresh[credential] = now_ms()

    def last(self, credential: str, stored: int | None) -> int | None:
        """When a credential was used last, `stored` being what is on disk."""
        return self._at.get(credential, stored)

    def since(self, at_ms: int) -> list[str]:
        """Ids of the credentials that were used from then on."""
        return [credential for credential, at in self._at.items() if at >= at_ms]

    async def flush(self, writer: Writer) -> None:
        """Write down what is new; where that fails, a later use is written down later."""
        fresh, self._fresh = self._fresh, {}
        try:
            if fresh:
                await writer.submit(lambda: Decision((NoteUses(fresh),)))
        except HubError as error:
            LOG.warning("the last uses were not written down: %s", error)

    async def run(self, writer: Writer) -> None:
        """Flush now and then, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush(writer)
