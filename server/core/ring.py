"""The newest log in memory: what a reader that was away for a moment gets without asking the database."""

from server.core.changes import Entry

RING_BYTES = 8 << 20
"""How much of the newest log stays encoded in memory, where there is enough."""

ENTRY_BYTES = 400
"""What Python needs for an entry beside its frame."""


class Ring:
    """Entries by their seq, without a gap; the oldest go first when they are more than `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: dict[int, Entry] = {}
        self._bytes = 0
        self._oldest = 1

    def start(self, seq: int) -> None:
        """Hold nothing, and begin behind `seq`."""
        self._entries, self._bytes, self._oldest = {}, 0, seq + 1

    def add(self, entry: Entry) -> None:
        """Hold the entry that follows the newest."""
        self._entries[entry.seq] = entry
        self._bytes += len(entry.frame) + ENTRY_BYTES

    def forget(self, until: int) -> None:
        """Let go of what is too much, but of nothing behind `until`."""
        while self._bytes > self._most_bytes and self._oldest <= until:
            self._bytes -= len(self._entries.pop(self._oldest).frame) + ENTRY_BYTES
            self._oldest += 1

    def __getitem__(self, seq: int) -> Entry:
        """One entry that is held for sure."""
        return self._entries[seq]

    def get(self, seq: int) -> Entry | None:
        """One entry, while it is held."""
        return self._entries.get(seq)

    def span(self, after: int, until: int) -> list[Entry] | None:
        """The entries with after < seq <= until, or None when the first of them are not held any more."""
        if after + 1 < self._oldest:
            return None
        return [self._entries[seq] for seq in range(after + 1, until + 1)]
