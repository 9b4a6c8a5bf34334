"""The newest messages of a channel in Redis, with the seal that says whether to believe them."""

from server.bus.keys import Keys, Lifetimes
from server.bus.link import Link


class RedisPages:
    """Fulfils `core.ports.Pages`."""

    def __init__(self, link: Link, keys: Keys, lifetimes: Lifetimes) -> None:
        self._link = link
        self._keys = keys
        self._lifetime_ms = int(lifetimes.recent_s * 1000)

    async def page(self, channel_id: str) -> tuple[bytes | None, bytes | None]:
        """See `core.ports.Pages.page`."""
        if not self._link.healthy:
            return None, None
        pipeline = self._link.pipeline(transaction=False)
        pipeline.mget(self._keys.recent(channel_id), self._keys.seal(channel_id))
        answers = await self._link.run("page", pipeline)
        if answers is None or not isinstance(answers[0], list):
            return None, None
        messages, seal = answers[0]
        return messages, seal

    async def keep_page(self, channel_id: str, messages: bytes, seal: bytes) -> None:
        """See `core.ports.Pages.keep_page`."""
        if not self._link.healthy:
            return
        pipeline = self._link.pipeline()
        pipeline.set(self._keys.recent(channel_id), messages, px=self._lifetime_ms)
        pipeline.set(self._keys.seal(channel_id), seal, px=self._lifetime_ms)
        await self._link.run("page", pipeline)
