"""How much memory this process may use, so that what only makes it faster takes its share of that and no more."""

from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
TOTAL = Path("/proc/meminfo")


def share(part: int, most: int) -> int:
    """One `part`th of this process's memory in bytes, `most` at most."""
    return min(most, limit_bytes() // part)


def limit_bytes() -> int:
    """The least of what the machine has and of what the control groups allow."""
    return min([_total(), *_allowed()])


def _total() -> int:
    try:
        return int(TOTAL.read_text().split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return 1 << 40


def _allowed() -> list[int]:
    """What each control group that this process is in allows, the old kind's and the new kind's."""
    found: list[int] = []
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        root, name = (CONTROL_GROUPS / "memory", "memory.limit_in_bytes") if kinds else (CONTROL_GROUPS, "memory.max")
        group = root / path.lstrip("/")
        for place in (group, *group.parents):
            if place.is_relative_to(root):
                found.extend(_number(place / name))
    return found


def _number(file: Path) -> list[int]:
    try:
        return [int(file.read_text())]
    except (OSError, ValueError):
        return []  # no such group, or "max"
