"""The hub's one client of Redis for commands: it fails fast, and then leaves Redis alone for a moment."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from server.bus.breaker import Breaker
from server.bus.patience import Patience
from server.bus.sentinel import is_sentinel, sentinel_client
from server.core.stats import REDIS_EDGES_S, Histogram, Stats

COMMAND_TIMEOUT_S = 0.5
STUCK_S = 10.0
"""The client's own limit, by the clock alone: a last resort behind ours."""

logger = structlog.get_logger()


def client_of(url: str) -> Redis:
    """A client that tries once; whoever uses it says how long (COMMAND_TIMEOUT_S)."""
    options: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": STUCK_S,
        "socket_connect_timeout": STUCK_S,
        "retry": Retry(NoBackoff(), 0),
        "client_name": "openclaw-hub",
    }
    return sentinel_client(url, **options) if is_sentinel(url) else Redis.from_url(url, **options)


class Link:
    """A client, its breaker, and what is counted of both. Nothing here raises what Redis does wrong."""

    def __init__(self, url: str, stats: Stats) -> None:
        self.client = client_of(url)
        self.breaker = Breaker()
        self._stats = stats

    @property
    def healthy(self) -> bool:
        """Whether a command sent now is likely to be answered at once."""
        return self.breaker.closed

    def pipeline(self, *, transaction: bool = True) -> Pipeline:
        """Commands that travel together, in a transaction unless told otherwise."""
        return self.client.pipeline(transaction=transaction)

    async def run(self, name: str, pipeline: Pipeline) -> list[Any] | None:
        """The answers, an error among them as a value; None when Redis did not take the commands.

        `name` is the metric's label. Whether Redis is worth an attempt is asked before, by `healthy`.
        """
        began_s = perf_counter()
        try:
            async with Patience(COMMAND_TIMEOUT_S):
                answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            self.failed(name, error)
            return None
        self.succeeded(name, began_s, answers)
        return list(answers)

    def failed(self, name: str, error: Exception) -> None:
        """Note that commands had no answer, or were refused as a whole."""
        self._stats.redis_errors[name] += 1
        if isinstance(error, ResponseError):
            logger.warning("redis refused a command", command=name, error=str(error))
        else:
            self.breaker.failed()

    def succeeded(self, name: str, began_s: float, answers: Sequence[object]) -> None:
        """Note that commands were answered, some with an error perhaps."""
        self.breaker.succeeded()
        self._stats.redis_s.setdefault(name, Histogram(REDIS_EDGES_S)).observe(perf_counter() - began_s)
        self._stats.redis_errors[name] += sum(isinstance(answer, Exception) for answer in answers)

    async def close(self) -> None:
        """Hang up."""
        await self.client.aclose()
