"""What the hub leans on and keeps to, by its settings: a Redis, a database that others may share, and bounds."""

from contextlib import AsyncExitStack

from server.bus.embedded import EmbeddedRedis
from server.bus.link import Link
from server.config import Settings, SettingsError
from server.core.hub import Bounds
from server.core.model import Limits
from server.core.peers import Peers
from server.core.stats import Stats
from server.store.database import Database
from server.store.engine import postgres_driver
from server.store.pulse import Pulse


async def pulse_of(settings: Settings, log: Database, peers: Peers, stack: AsyncExitStack) -> Pulse | None:
    """What tells of other hubs and of a database that is away; None on SQLite, which is ours alone."""
    driver = postgres_driver(settings.database_url)
    if driver is None:
        return None
    pulse = Pulse(*driver, peers)
    pulse.lost, pulse.found = log.reach.lose, log.reach.regain
    peers.on_change.append(lambda: log.tell_others(not peers.alone))
    stack.push_async_callback(pulse.stop)
    await pulse.start()
    return pulse


def link_to(url: str, stats: Stats) -> Link:
    """The client of this Redis. Raises SettingsError for what is no URL of one."""
    try:
        return Link(url, stats)
    except ValueError as error:
        raise SettingsError(f"setting refused: redis.url: {error}") from None


async def redis_url(settings: Settings, stack: AsyncExitStack) -> str:
    """Where Redis is: the user's own, or a private one that is started and ends with `stack`."""
    if not settings.embedded_redis:
        return settings.redis.url
    private = EmbeddedRedis(settings.data_dir, prefix=settings.redis.prefix)
    await private.start()
    stack.push_async_callback(private.stop)
    return private.url


def bounds_of(settings: Settings) -> Bounds:
    """What a request may ask for at most."""
    limits = settings.limits
    return Bounds(
        settings.messages.max_bytes,
        Limits(message=limits.message, reaction=limits.reaction, invite=limits.invite),
        Limits(message=limits.people_message, reaction=limits.people_reaction, invite=limits.people_invite),
    )
