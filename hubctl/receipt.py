"""What setup made on this machine, so that uninstall takes back that and nothing else."""

import json
from collections.abc import Iterator

from hubctl.host import Host

RECEIPT = "/etc/openclaw-hub/receipt.json"


class Receipt:
    """Entries of a kind (`file`, `package`, …) and a name, each with a word on it; saved at every change."""

    def __init__(self, host: Host) -> None:
        self._host = host
        text = host.read(RECEIPT)
        self._entries: dict[str, dict[str, str]] = json.loads(text) if text else {}

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
            self._save()

    def drop(self, kind: str, name: str) -> None:
        """Note that it is gone."""
        if self._entries.get(kind, {}).pop(name, None) is None:
            return
        if not self._entries[kind]:
            del self._entries[kind]
        self._save()

    def _save(self) -> None:
        if self._entries:
            text = json.dumps(self._entries, indent=1, sort_keys=True)
            self._host.make_folder("/etc/openclaw-hub", 0o700)
            self._host.write(RECEIPT, text.encode() + b"\n", 0o600)
        else:
            self._host.remove(RECEIPT)
            self._host.remove_folder("/etc/openclaw-hub")
