"""A Redis that Sentinels watch: `redis+sentinel://user:password@host:26379,host2:26379/NAME/DB`.

NAME is what the Sentinels call the master. `rediss+sentinel://` speaks TLS to all of them; `?sentinel_password=`, and
`?sentinel_username=`, are for Sentinels that want one of their own.
"""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel

PORT = 26379
PATIENCE_S = 0.15
"""How long one Sentinel may take: the next one is to be asked before who wants to know gives up."""


def is_sentinel(url: str) -> bool:
    """Whether the URL names Sentinels rather than a Redis."""
    return url.startswith(("redis+sentinel://", "rediss+sentinel://"))


def sentinel_client(url: str, **options: Any) -> Redis:
    """A client of whoever is the master when it connects. Raises ValueError for another URL."""
    parts = urlsplit(url)
    name, _, database = parts.path.strip("/").partition("/")
    said = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    unknown = said.keys() - {"sentinel_username", "sentinel_password"}
    if not name or unknown or not (database or "0").isdigit():
        raise ValueError("Sentinels are named as redis+sentinel://host:26379,host2:26379/NAME")
    own = {"username": said.get("sentinel_username"), "password": said.get("sentinel_password")}
    secure: dict[str, Any] = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    times = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    asked = Sentinel(_hosts(parts.netloc), sentinel_kwargs={**options, **times, **secure, **own})
    client: Redis = asked.master_for(
        unquote(name),
        db=int(database or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        **secure,
        **options,
    )
    return client


def _hosts(place: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for word in place.rpartition("@")[2].split(","):
        one = urlsplit(f"//{word.strip()}")
        try:
            found.append((one.hostname or "localhost", one.port or PORT))
        except ValueError:
            raise ValueError(f"{word} has no port between 1 and 65535") from None
    return found
