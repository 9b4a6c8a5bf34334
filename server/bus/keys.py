"""Every name that the hub uses in Redis."""

CHANNEL = "pubsub:channel:"
AGENT = "pubsub:agent:"
GLOBAL = "pubsub:global"
ECHO = "hub:echo:"


class Names:
    """The names with the prefix of the settings, as bytes."""

    def __init__(self, prefix: str) -> None:
        self._channel = (prefix + CHANNEL).encode()
        self._agent = (prefix + AGENT).encode()
        self.everyone = (prefix + GLOBAL).encode()
        self._echo = (prefix + ECHO).encode()

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
