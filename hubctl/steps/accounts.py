"""The user that the hub runs as, and the folders that are that user's."""

import stat
from dataclasses import dataclass

from hubctl.host import Host
from hubctl.installed import BACKUPS, HUB_UNIT, STATE
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, foreign, missing

NAMED = 5
"""So many of somebody else's files are named; there may be thousands."""


LOST = f"; put it back first, or let setup make an empty one and `hubctl restore` a backup from {BACKUPS}"


@dataclass(frozen=True, kw_only=True)
class UserStep(Described):
    """The user exists, made by systemd-sysusers from `source`."""

    user: str
    source: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look into the machine's list of users."""
        if host.user_id(self.user) is None:
            return missing(f"there is no user {self.user}")
        if receipt.word("user", self.user) is None:
            return foreign(f"a user {self.user} is there already")
        return OK

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Make the user and the group; one that is there is taken over as it is, and never removed."""
        if receipt.word("user", self.user) is None:
            # Noted first: what is made and not noted would be a stranger's.
            receipt.add("user", self.user, "made" if host.user_id(self.user) is None else "adopted")
        host.must("systemd-sysusers", self.source)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove the user if we made it."""
        if receipt.word("user", self.user) == "made" and host.user_id(self.user) is not None:
            host.must("userdel", self.user)
            host.run("groupdel", self.user)
        receipt.drop("user", self.user)


@dataclass(frozen=True, kw_only=True)
class OwnFolderStep(Described):
    """A folder belongs to `user` with this mode, made by systemd-tmpfiles from `source`."""

    path: str
    user: str
    mode: int
    source: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare kind, owner and mode; and whether another user's files lie in it."""
        status = host.status(self.path)
        if status is None:
            if self.keeps_data and receipt.word("folder", self.path) is not None:
                return missing(f"{self.path} is gone, with all that was in it{LOST if self.path == STATE else ''}")
            return missing(f"{self.path} is not there")
        if not stat.S_ISDIR(status.st_mode):
            return foreign(f"{self.path} is there and is no folder")
        if receipt.word("folder", self.path) is None:
            return foreign(f"{self.path} is there already")
        owner = host.user_id(self.user)
        if status.st_uid != owner:
            return drifted(f"{self.path} belongs to user {status.st_uid}, not to {self.user}")
        if stat.S_IMODE(status.st_mode) != self.mode:
            return drifted(f"{self.path} has mode {stat.S_IMODE(status.st_mode):04o}, not {self.mode:04o}")
        strange = [path.name for path in host.path(self.path).iterdir() if path.lstat().st_uid != owner]
        if not strange:
            return OK
        more = f" and {len(strange) - NAMED} more" if len(strange) > NAMED else ""
        return drifted(f"in {self.path} these belong to somebody else: {', '.join(sorted(strange)[:NAMED])}{more}")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Make or mend it. What lies in it is given to the user, links themselves and not what they point at."""
        if receipt.word("folder", self.path) is None:
            receipt.add("folder", self.path, "made" if host.status(self.path) is None else "adopted")
        if host.status(self.path) is None and receipt.word("started", HUB_UNIT) is not None:
            # A hub that runs holds on to the one that is gone: it is to be started again.
            receipt.add("started", HUB_UNIT)
        host.must("systemd-tmpfiles", "--create", f"--prefix={self.path}", self.source)
        host.must("chown", "-hR", f"{self.user}:{self.user}", str(host.path(self.path)))

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it with all that is in it, if we made it."""
        if receipt.word("folder", self.path) == "made":
            host.remove_tree(self.path)
        receipt.drop("folder", self.path)
