"""One command at a time changes this machine. The kernel gives a lock back when its holder ends, however it does."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hubctl.host import Host, HostError
from hubctl.installed import SOFTWARE, UPGRADE_LOCK

FOR_EVER_S = float("inf")
POLL_S = 0.2


@contextmanager
def changing(host: Host, wait_s: float = 5.0) -> Iterator[None]:
    """Nobody else sets up, renews, removes, upgrades or restores meanwhile. The folder of the software is the lock.

    Raises HostError when somebody else does for longer than `wait_s`. Where there is no such folder, there is nothing
    that could be changed.
    """
    if host.status(SOFTWARE) is None:
        yield
        return
    with _held(os.open(host.path(SOFTWARE), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), wait_s):
        yield


@contextmanager
def upgrading(host: Host, wait_s: float = 5.0) -> Iterator[None]:
    """The same for upgrades alone: what a setup takes that finds one half done. Raises HostError."""
    host.path(SOFTWARE).mkdir(parents=True, exist_ok=True)
    with _held(os.open(host.path(UPGRADE_LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), wait_s):
        yield


@contextmanager
def alone(host: Host, wait_s: float = 5.0) -> Iterator[None]:
    """Both: for upgrades, rollbacks and restores. Raises HostError."""
    with changing(host, wait_s), upgrading(host, wait_s):
        yield


def is_free(host: Host) -> bool:
    """Whether nobody upgrades, rolls back or restores now. Leaves no trace."""
    if host.status(UPGRADE_LOCK) is None:
        return True
    lock = os.open(host.path(UPGRADE_LOCK), os.O_RDONLY | os.O_NOFOLLOW)
    try:
        return _locked(lock)
    finally:
        os.close(lock)


@contextmanager
def _held(lock: int, wait_s: float) -> Iterator[None]:
    deadline_s = time.monotonic() + wait_s
    try:
        while not _locked(lock):
            if time.monotonic() > deadline_s:
                raise HostError("another setup, upgrade or restore is under way; wait for its end")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
