"""What setup made on this machine, so that uninstall takes back that and nothing else."""

from collections.abc import Iterator

import msgspec

from hubctl.host import Host

RECEIPT = "/etc/openclaw-hub/receipt.json"
COPY = f"{RECEIPT}.copy"
"""The same once more: without a receipt everything that setup made would be a stranger's."""

Entries = dict[str, dict[str, str]]


class Receipt:
    """Entries of a kind (`file`, `package`, …) and a name, each with a word on it; saved at every change.

    `lost` says that neither the receipt nor its copy can be read; then it is as if nothing had been made.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        found = [_entries(host, path) for path in (RECEIPT, COPY)]
        self._entries: Entries = next((entries for entries in found if entries is not None), {})
        self.lost = found == [None, None] and (host.status(RECEIPT) or host.status(COPY)) is not None

    def __bool__(self) -> bool:
        """Whether anything was made."""
        return bool(self._entries)

    def word(self, kind: str, name: str) -> str | None:
        """What was noted about it; None when we did not make it."""
        return self._entries.get(kind, {}).get(name)

    def names(self, kind: str) -> Iterator[str]:
        """Everything of a kind that we made."""
        yield from sorted(self._entries.get(kind, {}))

    def add(self, kind: str, name: str, word: str = "") -> None:
        """Note that we made it."""
        if self.word(kind, name) != word:
            self._entries.setdefault(kind, {})[name] = word
            self.save()

    def drop(self, kind: str, name: str) -> None:
        """Note that it is gone."""
        if self._entries.get(kind, {}).pop(name, None) is None:
            return
        if not self._entries[kind]:
            del self._entries[kind]
        self.save()

    def unsaved(self) -> list[str]:
        """The files that do not say what is known."""
        wanted = self._text() if self._entries else None
        return [path for path in (RECEIPT, COPY) if self._host.read(path) != wanted]

    def save(self) -> None:
        """Write it down twice; nothing is left of it when nothing is."""
        if self._entries:
            self._host.make_folder("/etc/openclaw-hub", 0o700)
            for path in (RECEIPT, COPY):
                self._host.write(path, self._text(), 0o600)
        else:
            self._host.remove(RECEIPT)
            self._host.remove(COPY)
            self._host.remove_folder("/etc/openclaw-hub")

    def _text(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self._entries, order="sorted"), indent=1) + b"\n"


def _entries(host: Host, path: str) -> Entries | None:
    """What is noted there; None where nothing can be read."""
    try:
        return msgspec.json.decode(host.read(path) or b"", type=Entries)
    except msgspec.MsgspecError:
        return None
