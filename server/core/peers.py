"""The other hubs on the same database, as the database tells of them; on SQLite there is never one."""

from collections.abc import Callable, Mapping

import msgspec


class Beat(msgspec.Struct, frozen=True):
    """What the database said last: where the log and the directory stand, and the keys of the hubs by their ids."""

    seq: int
    oldest: int
    version: int
    hubs: Mapping[str, bytes]


class Peers:
    """Who else is there. `me` and `key` are this process's own, new at each start."""

    def __init__(self, me: str = "", key: bytes = b"") -> None:
        self.me = me
        self.key = key
        self.keys: dict[str, bytes] = {}
        self.on_change: list[Callable[[], None]] = []

    @property
    def alone(self) -> bool:
        """Whether there is no other hub."""
        return not self.keys

    def meet(self, hubs: Mapping[str, bytes]) -> None:
        """These are there now."""
        others = {hub_id: key for hub_id, key in hubs.items() if hub_id != self.me}
        if others != self.keys:
            self.keys = others
            for changed in self.on_change:
                changed()
