"""Trying a Redis of the owner's before it is used: does it answer, is it new enough, may the hub do what it needs."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from server.bus.keys import CHANNEL, ECHO, Keys

PATIENCE_S = 5.0
TRIED = "setup-try"


async def unfit_redis(url: str, prefix: str) -> str:
    """Why it does not do; empty when it does. What is written for it is removed, or gone after a few seconds."""
    try:
        client = Redis.from_url(
            url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError as error:
        return f"this is no URL of a Redis: {error}"
    try:
        return await _tried(client, prefix)
    except AuthenticationError:
        return "Redis does not take this user and password"
    except (RedisError, OSError, TimeoutError) as error:
        return f"Redis does not answer: {error}"
    finally:
        await client.aclose()


async def _tried(client: Redis, prefix: str) -> str:
    await client.ping()
    keys = Keys(prefix)
    presence, typing = keys.presence(TRIED, TRIED), keys.typing(TRIED)
    recent, members = keys.recent(TRIED), keys.members(TRIED)
    counter = keys.limit(TRIED, TRIED)
    commands = (
        ("SET", counter, "1", "EX", "5"),
        ("SET", recent, "1", "EX", "5"),
        ("SET", keys.channel(TRIED), "1", "EX", "5"),
        ("HSET", presence, "agentId", TRIED),
        ("ZADD", typing, "1", TRIED),
        ("SADD", members, TRIED),
        ("DEL", recent, keys.channel(TRIED), presence, typing, members),
        ("SCAN", "0", "COUNT", "1"),
        ("PUBLISH", f"{prefix}{CHANNEL}{TRIED}", "{}"),
        ("PUBLISH", f"{prefix}{ECHO}{TRIED}", TRIED),
    )
    for command in commands:
        try:
            await client.execute_command(*command)
        except (NoPermissionError, ResponseError) as error:
            return f"the hub may not {command[0]} {command[1]} on it: {error}"
    try:
        # The option came with 7.0.
        await client.execute_command("EXPIRE", counter, "5", "NX")
    except ResponseError as error:
        return f"this Redis is older than 7.0 ({error})"
    return await _heard(client, f"{prefix}{ECHO}{TRIED}", f"{prefix}pubsub:*")


async def _heard(client: Redis, channel: str, pattern: str) -> str:
    async with client.pubsub() as listening:
        try:
            await listening.subscribe(channel)
            await listening.get_message(timeout=PATIENCE_S)
            await listening.psubscribe(pattern)
            await listening.get_message(timeout=PATIENCE_S)
        except (NoPermissionError, ResponseError) as error:
            return f"the hub may not listen to {channel} and {pattern} on it: {error}"
    return ""
