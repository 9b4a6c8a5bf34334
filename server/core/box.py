"""The machine that the hub runs on, as far as it matters to it: room on the disk, and what the process holds."""

import os
import shutil
from pathlib import Path

DISK_LOW_BYTES = 1_000_000_000
"""Below this the alert `HubDiskLow` fires, and the hub says it by itself."""

STATM = Path("/proc/self/statm")


def disk_free_bytes(folder: Path) -> int:
    """What is free where the hub keeps its files; nothing where they were taken away."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def resident_bytes() -> int:
    """How much memory the process holds."""
    return int(STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
