"""What systemd's journal has of the hub, as lines for people: when, which part, how grave, what, and its details."""

import json
from datetime import UTC, datetime
from typing import Any

from hubctl import safe
from hubctl.installed import BACKUP_UNIT, HUB_UNIT, REDIS_UNIT, TLS_UNIT

PARTS = {HUB_UNIT: "hub", REDIS_UNIT: "redis", BACKUP_UNIT: "backup", TLS_UNIT: "tls"}
GRAVE = {"0": "emergency", "1": "alert", "2": "critical", "3": "error", "4": "warning"}

Record = dict[str, Any]


def record(line: str) -> Record | None:
    """A line of `journalctl -o json` as `time`, `part`, `level`, `event` and details; None for what is none."""
    try:
        entry: Record = json.loads(line)
    except ValueError:
        return None
    unit = str(entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or "")
    if unit not in PARTS:
        unit = str(entry.get("UNIT") or unit)
    at = datetime.fromtimestamp(int(entry.get("__REALTIME_TIMESTAMP", 0)) / 1e6, UTC)
    message = entry.get("MESSAGE")
    # Bytes that are no text come as a list of numbers.
    text = message if isinstance(message, str) else bytes(message or []).decode("utf-8", "replace")
    said = {
        "time": at.isoformat(),
        "part": PARTS.get(unit, unit),
        "level": GRAVE.get(str(entry.get("PRIORITY")), "info"),
    }
    return {**said, **_own_words(text)}


def _own_words(text: str) -> Record:
    """The hub logs JSON; everybody else says something."""
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, dict):
        return {"event": text}
    words.pop("timestamp", None)
    return words


def for_people(said: Record) -> str:
    """One line; what a message brings along besides follows it, a trace on lines of its own."""
    at = datetime.fromisoformat(said["time"]).astimezone()
    known = ("time", "part", "level", "event", "exception")
    details = " ".join(f"{name}={_short(value)}" for name, value in said.items() if name not in known)
    level = "" if said["level"] == "info" else f"{str(said['level']).upper()} "
    line = f"{at:%b %d %H:%M:%S} {said['part']:6} {level}{said.get('event', '')} {details}".rstrip()
    trace = said.get("exception")
    return safe.line(line) + (f"\n    {safe.block(str(trace))}" if trace else "")


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
