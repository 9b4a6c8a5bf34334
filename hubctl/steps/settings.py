"""The settings file, the secrets, and the configuration of the hub's Redis that follows from both."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from hubctl.answers import Answers
from hubctl.choices import answered
from hubctl.host import Host
from hubctl.installed import OUTSIDER_PASSWORD, REDIS_SOCKET, REDIS_URL, SETTINGS, STATE
from hubctl.receipt import Receipt
from hubctl.step import Described, Verdict, drifted, foreign, missing
from hubctl.steps.files import keep_aside, owner_and_mode, put_back
from hubctl.steps.packages import found_server, version_of
from server.config import SettingsError, load

DAMAGED = ".damaged"


@dataclass(frozen=True, kw_only=True)
class SettingsStep(Described):
    """The settings file can be read. It is the person's: setup writes it once, and again when it is damaged.

    `asked` are answers that were given this time; a file that setup wrote follows them, an edited one only by --adopt.
    """

    answers: Answers
    asked: bool

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Read it as the hub would."""
        content = host.read(SETTINGS)
        if host.status(SETTINGS) is None:
            return missing(f"{SETTINGS} is not there")
        if content is None:
            return drifted(f"damaged: {SETTINGS} is no file")
        if receipt.word("file", SETTINGS) is None:
            return foreign(f"{SETTINGS} is there already")
        try:
            settings = load(file=host.path(SETTINGS), environ={"HOME": "/"})
        except SettingsError as error:
            return drifted(f"damaged: {error}")
        if str(settings.data_dir) != STATE:
            return drifted(f"{SETTINGS} names another data_dir than {STATE}, which is all that the hub may write to")
        if self.asked and answered(settings).listening != self.answers.listening:
            if content.decode() == receipt.word("file", SETTINGS):
                return drifted("the answers have changed")
            return foreign(f"{SETTINGS} was edited and says otherwise than the answers")
        return owner_and_mode(host, SETTINGS, 0o600)

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Write it; one that is damaged is kept under another name."""
        state = self.check(host, receipt)
        if "mode" in state.words or "belongs" in state.words:
            host.own(SETTINGS)
            host.write(SETTINGS, host.read(SETTINGS) or b"", 0o600)
            return
        if receipt.word("file", SETTINGS) is None:
            keep_aside(host, receipt, SETTINGS)
        elif host.status(SETTINGS) is not None and state.words.startswith(("damaged", SETTINGS)):
            host.move(SETTINGS, SETTINGS + DAMAGED)
        text = self.answers.settings(STATE)
        host.write(SETTINGS, text.encode(), 0o600)
        receipt.add("file", SETTINGS, text)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it if we made it."""
        if receipt.word("file", SETTINGS) is None:
            return
        host.remove(SETTINGS)
        host.remove(SETTINGS + DAMAGED)
        put_back(host, receipt, SETTINGS)
        receipt.drop("file", SETTINGS)


@dataclass(frozen=True, kw_only=True)
class SecretStep(Described):
    """A secret lies in a file of root's alone. It is made once, and again when it is lost or of another shape."""

    path: str
    make: Callable[[], str]
    shape: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Look at its shape, never show it."""
        content = host.read(self.path)
        if content is None:
            return missing(f"{self.path} is not there")
        if not re.fullmatch(self.shape, content.decode("utf-8", "replace").strip()):
            return drifted(f"what is in {self.path} is no secret of ours")
        return owner_and_mode(host, self.path, 0o600)

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Keep one that is usable, else make one."""
        present = (host.read(self.path) or b"").decode("utf-8", "replace").strip()
        secret = present if re.fullmatch(self.shape, present) else self.make()
        receipt.add("file", self.path)
        host.write(self.path, f"{secret}\n".encode(), 0o600)

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it."""
        if receipt.word("file", self.path) is not None:
            host.remove(self.path)
            receipt.drop("file", self.path)


def redis_conf(python: str) -> Callable[[Host, Receipt], str]:
    """The text of the Redis configuration; the hub's own program makes it, since it knows what it needs of Redis."""

    def text(host: Host, _receipt: Receipt) -> str:
        server = found_server(host)
        url = (host.read(REDIS_URL) or b"").decode().strip()
        outsider = (host.read(OUTSIDER_PASSWORD) or b"").decode().strip()
        if server is None or not url or not outsider:
            return ""
        request = {
            "socket": REDIS_SOCKET,
            "hub_password": url.partition("hub:")[2].partition("@")[0],
            "outsider": outsider,
            "version": version_of(host, server),
            "prefix": _prefix(host),
        }
        return host.must(python, "-P", "-m", "server", "redis-conf", text=json.dumps(request))

    return text


def _prefix(host: Host) -> str:
    try:
        return load(file=host.path(SETTINGS), environ={"HOME": "/"}).redis.prefix
    except SettingsError:
        return ""
