"""How one gets back to the version before: with what people wrote since where the schema allows it, else without."""

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from hubctl.host import Host, HostError
from hubctl.housework import housework
from hubctl.installed import SNAPSHOTS, STATE
from hubctl.upgrade.journal import Done, version_of
from hubctl.upgrade.versions import Known, asked, is_whole


class Since(msgspec.Struct, frozen=True):
    """What was written after a snapshot; see `server.store.snapshots.Since`."""

    at: int
    messages: int
    events: int
    accounts: int

    def __str__(self) -> str:
        counted = ((self.messages, "message"), (self.events, "other event"), (self.accounts, "change of accounts"))
        words = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counted if count]
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.at / 1000))
        return f"{', '.join(words) or 'nothing'} since {when}"


class Way(NamedTuple):
    """A way back: what becomes of what people wrote, and what the database needs while the hub stands still."""

    words: str
    prepare: Callable[[], None]


def way_back(host: Host, step: Done, *, discard: bool) -> Way:
    """The way back over an upgrade. Raises HostError where there is none, or none without `discard`."""
    old = version_of(step.old)
    if not is_whole(host, step.old):
        raise HostError(f"version {old} is no longer there, so there is nothing to return to")
    before, now = asked(host, step.old), asked(host, step.new)
    if not discard:
        way = _keeping(host, step, before, now)
        if way is not None:
            return way
    kept = f"{SNAPSHOTS}/{step.snapshot}"
    if host.status(f"{kept}/manifest.json") is None:
        raise HostError(
            f"{version_of(step.new)} changed the database so that {old} cannot read it, and the snapshot from before "
            "is gone: there is no way back"
        )
    since = msgspec.json.decode(housework(host, step.new, "since", kept).out, type=Since)
    if not discard and (since.messages or since.events or since.accounts):
        raise HostError(
            f"{version_of(step.new)} changed the database so that {old} cannot read it: going back means going back to "
            f"the snapshot from before, and discards {since}. If that is what you want, say "
            "`hubctl rollback --discard-since`; it keeps a copy of what it discards"
        )
    return Way(f"discards {since}; a copy of today's database stays", lambda: _to_snapshot(host, step.old, kept))


def _keeping(host: Host, step: Done, before: Known, now: Known) -> Way | None:
    present = now.schema.present
    if present in before.schema.known:
        return Way("keeps everything that was written", lambda: None)
    head = before.schema.head
    if head in now.schema.back:
        words = f"keeps everything that was written; the database goes back from schema {present} to {head}"
        return Way(words, lambda: _to_schema(host, step.new, head))
    return None


def _to_schema(host: Host, venv: str, head: str) -> None:
    housework(host, venv, "migrate", "--until", head)


def _to_snapshot(host: Host, venv: str, kept: str) -> None:
    dumped = host.status(f"{kept}/hub.dump") is not None
    housework(host, venv, "restore", f"{kept}/{'hub.dump' if dumped else 'hub.db'}")


def copies(host: Host) -> set[str]:
    """The databases that were replaced and are kept beside the one in use."""
    marks = ("hub.db.before-restore-", "hub-before-restore-")
    return {f"{STATE}/{name}" for name in host.names(STATE) if name.startswith(marks)}
