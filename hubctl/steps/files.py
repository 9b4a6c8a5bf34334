"""Steps for files, folders and links that belong to root."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePosixPath

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, foreign, missing

KEPT = ".before-openclaw-hub"
"""What is appended to the name of a file that setup replaced; uninstall puts it back."""

Text = Callable[[Host, Receipt], str]


@dataclass(frozen=True, kw_only=True)
class FileStep(Described):
    """A file has the text that `text` says, belongs to root and has this mode. `then` is run after each change.

    A text that is `secret` is not shown in differences.
    """

    path: str
    text: Text
    mode: int = 0o644
    then: tuple[str, ...] = ()
    secret: bool = False

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare kind, text, mode and owner."""
        status = host.status(self.path)
        if status is None:
            return missing(f"{self.path} is not there")
        content = host.read(self.path)
        wanted = self.text(host, receipt).encode()
        if content != wanted:
            if receipt.word("file", self.path) is None:
                return foreign(f"{self.path} is there already")
            return drifted(f"{self.path} was changed{self._difference(content, wanted)}")
        return owner_and_mode(host, self.path, self.mode)

    def _difference(self, content: bytes | None, wanted: bytes) -> str:
        if content is None or self.secret:
            return ""
        old, new = (text.decode("utf-8", "replace").splitlines() for text in (content, wanted))
        lines = list(unified_diff(old, new, "as it is", "as it will be", lineterm="", n=0))
        return "\n" + "\n".join(lines)

    @property
    def _folders(self) -> list[str]:
        """Those that the file lies in, the nearest first."""
        return [str(folder) for folder in PurePosixPath(self.path).parents][:-1]

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Write it; what somebody else put there is kept beside it."""
        wanted = self.text(host, receipt).encode()
        content = host.read(self.path)
        if is_folder(host, self.path) or (receipt.word("file", self.path) is None and content != wanted):
            keep_aside(host, receipt, self.path)
            receipt.add("file", self.path)
        for folder in self._folders:
            if host.status(folder) is None:
                receipt.add("parent", folder)
        host.write(self.path, wanted, self.mode)
        if self.then:
            host.must(*self.then)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it if we made it, and put back what was there before."""
        if receipt.word("file", self.path) is None:
            return
        host.remove(self.path)
        put_back(host, receipt, self.path)
        receipt.drop("file", self.path)
        for folder in self._folders:
            if receipt.word("parent", folder) is not None:
                host.remove_folder(folder)
                if host.status(folder) is None:
                    receipt.drop("parent", folder)
        if self.then:
            host.run(*self.then)


@dataclass(frozen=True, kw_only=True)
class FolderStep(Described):
    """A folder of root's is there with this mode."""

    path: str
    mode: int

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare kind, mode and owner."""
        status = host.status(self.path)
        if status is None:
            return missing(f"{self.path} is not there")
        if not stat.S_ISDIR(status.st_mode):
            return foreign(f"{self.path} is there and is no folder")
        return owner_and_mode(host, self.path, self.mode)

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Make it, or mend its mode and owner."""
        if host.status(self.path) is None:
            receipt.add("folder", self.path)
        else:
            keep_aside_unless_folder(host, receipt, self.path)
        host.make_folder(self.path, self.mode)
        host.own(self.path)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it if we made it and it is empty."""
        if receipt.word("folder", self.path) is not None:
            host.remove_folder(self.path)
            receipt.drop("folder", self.path)
        put_back(host, receipt, self.path)


@dataclass(frozen=True, kw_only=True)
class LinkStep(Described):
    """A symbolic link points at `to`."""

    path: str
    to: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare where it points."""
        if host.status(self.path) is None:
            return missing(f"{self.path} is not there")
        target = host.target(self.path)
        if target == self.to:
            return OK
        if receipt.word("link", self.path) is None:
            return foreign(f"{self.path} is there already")
        return drifted(f"{self.path} points at {target or 'nothing, it is no link'}, not at {self.to}")

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Point it; what somebody else put there is kept beside it."""
        if receipt.word("link", self.path) is None:
            keep_aside(host, receipt, self.path)
            receipt.add("link", self.path)
        host.link(self.path, self.to)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it if we made it, and put back what was there before."""
        if receipt.word("link", self.path) is None:
            return
        host.remove(self.path)
        put_back(host, receipt, self.path)
        receipt.drop("link", self.path)


def owner_and_mode(host: Host, path: str, mode: int) -> Verdict:
    """Whether root owns it and nobody has more or less access than meant."""
    status = host.status(path)
    if status is None:
        return missing(f"{path} is not there")
    if status.st_uid != host.root_id():
        return drifted(f"{path} belongs to user {status.st_uid}, not to root")
    present = stat.S_IMODE(status.st_mode)
    return OK if present == mode else drifted(f"{path} has mode {present:04o}, not {mode:04o}")


def is_folder(host: Host, path: str) -> bool:
    """Whether a folder has this name."""
    status = host.status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def keep_aside(host: Host, receipt: Receipt, path: str) -> None:
    """Keep what has this name under another one, for `put_back`."""
    if host.status(path) is not None:
        host.move(path, path + KEPT)
        receipt.add("kept", path)


def keep_aside_unless_folder(host: Host, receipt: Receipt, path: str) -> None:
    """The same, unless it is a folder, which stays as it is."""
    if not is_folder(host, path):
        keep_aside(host, receipt, path)
        receipt.add("folder", path)


def put_back(host: Host, receipt: Receipt, path: str) -> None:
    """Give what was kept aside its name back."""
    if receipt.word("kept", path) is not None:
        if host.status(path + KEPT) is not None:
            host.move(path + KEPT, path)
        receipt.drop("kept", path)
