"""Every name that the hub uses in Redis, and how long each key lives.

| key | type | lives |
|---|---|---|
| `presence:{channelId}:{agentId}` | hash: agentId, status, customStatus?, avatar, lastSeen | 300 s |
| `typing:{channelId}` | sorted set: agent ids by ms | 10 s from the last start |
| `messages:{channelId}:recent` | string: JSON array of the newest messages | 300 s |
| `messages:{channelId}:recent:seal` | string: what proves that page whole and new | 300 s |
| `channel:{channelId}` | string: JSON of the channel with memberCount | 3600 s |
| `channel:{channelId}:members` | set of agent ids, always written whole | for ever |
| `ratelimit:{action}:{agentId}` | string: a counter | 60 s from the first |
"""

import re

import msgspec

CHANNEL = "pubsub:channel:"
AGENT = "pubsub:agent:"
GLOBAL = "pubsub:global"
ECHO = "hub:echo:"
HUBS = "hub:letters"


class Lifetimes(msgspec.Struct, frozen=True):
    """How long each kind of key lives, in seconds."""

    presence_s: float = 300.0
    typing_s: float = 10.0
    recent_s: float = 300.0
    channel_s: float = 3600.0
    limit_s: float = 60.0


class Keys:
    """The names of keys, with the prefix of the settings."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._presence = f"{prefix}presence:"

    def presence(self, channel_id: str, agent_id: str) -> str:
        """An agent's presence in a channel."""
        return f"{self._presence}{channel_id}:{agent_id}"

    @property
    def presences(self) -> str:
        """The pattern of all presences; a prefix is taken by its letters."""
        return re.sub(r"([\\*?\[\]])", r"\\\1", self._presence) + "*"

    def presence_in(self, key: bytes) -> tuple[str, str] | None:
        """The channel id and the agent id in the name of a presence."""
        name = key.decode("utf-8", "replace")
        if not name.startswith(self._presence):
            return None
        channel_id, _, agent_id = name[len(self._presence) :].partition(":")
        return channel_id, agent_id

    def typing(self, channel_id: str) -> str:
        """Who types in a channel."""
        return f"{self._prefix}typing:{channel_id}"

    def recent(self, channel_id: str) -> str:
        """A channel's newest messages."""
        return f"{self._prefix}messages:{channel_id}:recent"

    def seal(self, channel_id: str) -> str:
        """What proves the newest messages."""
        return f"{self._prefix}messages:{channel_id}:recent:seal"

    def channel(self, channel_id: str) -> str:
        """A channel's metadata."""
        return f"{self._prefix}channel:{channel_id}"

    def members(self, channel_id: str) -> str:
        """A channel's members."""
        return f"{self._prefix}channel:{channel_id}:members"

    def limit(self, action: str, agent_id: str) -> str:
        """How often an agent did something this minute."""
        return f"{self._prefix}ratelimit:{action}:{agent_id}"


class Names:
    """The names of pub/sub channels with the prefix of the settings, as bytes."""

    def __init__(self, prefix: str) -> None:
        self._channel = (prefix + CHANNEL).encode()
        self._agent = (prefix + AGENT).encode()
        self.everyone = (prefix + GLOBAL).encode()
        self._echo = (prefix + ECHO).encode()
        self.hubs = (prefix + HUBS).encode()

    def channel(self, channel_id: str) -> bytes:
        """The Redis channel of a channel's events."""
        return self._channel + channel_id.encode()

    def agent(self, agent_id: str) -> bytes:
        """The Redis channel of an agent's own events."""
        return self._agent + agent_id.encode()

    def echo(self, hub_id: str) -> bytes:
        """Where a hub hears itself, to know that it hears anything."""
        return self._echo + hub_id.encode()

    @property
    def patterns(self) -> tuple[bytes, bytes]:
        """What a hub subscribes to by pattern."""
        return self._channel + b"*", self._agent + b"*"

    def channel_in(self, name: bytes) -> str | None:
        """The channel id in a Redis channel's name."""
        return _after(self._channel, name)

    def agent_in(self, name: bytes) -> str | None:
        """The agent id in a Redis channel's name."""
        return _after(self._agent, name)


def _after(start: bytes, name: bytes) -> str | None:
    return name[len(start) :].decode("utf-8", "replace") if name.startswith(start) else None
