"""Load for the page: fan.c posts as many agents do, at a cost that leaves the processors to the page and the hub."""

import subprocess
import tempfile
from pathlib import Path
from typing import Self

import msgspec

from tests.browser.hub import Hub
from tests.load.generator import Figures, MeasureError, build

PATIENCE_S = 120.0
CLOSED_LOOP_S = 5.0


class Flood:
    """Posts into `general` from agents without a limit; a context, since it compiles its generator."""

    def __init__(self, hub: Hub, tokens: list[str]) -> None:
        self._hub = hub
        self._folder = tempfile.TemporaryDirectory(prefix="hub-flood-")
        self._count = len(tokens)
        build(self._path)
        (self._path / "tokens").write_text("\n".join(tokens) + "\n", "ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def start(self, rate: int, seconds: float) -> subprocess.Popen[str]:
        """Begin to post; rate 0 is as fast as the answers come."""
        address = self._hub.address.removeprefix("http://")
        head = f"POST /api/messages HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer %t\r\n"
        body = {"channelId": self._hub.channel(), "content": "a message of a flood, as agents write them: %m"}
        words = {
            "port": address.rpartition(":")[2],
            "readers": "0",
            "publishers": str(self._count),
            "rate": str(rate),
            "seconds": str(seconds),
            "tokens": str(self._path / "tokens"),
            "subscribe": "GET / HTTP/1.1\r\n\r\n",
            "publish": f"{head}Content-Type: application/json\r\n",
            "body": msgspec.json.encode(body).decode(),
        }
        command = [str(self._path / "fan")]
        for name, value in words.items():
            command += [f"--{name}", value]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, posting: subprocess.Popen[str]) -> Figures:
        """What was posted, when it is over. Raises MeasureError."""
        out, err = posting.communicate(timeout=PATIENCE_S)
        if posting.returncode:
            raise MeasureError(err)
        return msgspec.json.decode(out, type=Figures)

    def fill(self, count: int) -> int:
        """Post at least so many, as fast as it goes; how many it were."""
        done = 0
        while done < count:
            done += self.end(self.start(0, CLOSED_LOOP_S)).answered
        return done

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)
