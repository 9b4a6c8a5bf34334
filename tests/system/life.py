"""Life on an installed hub while a test does something to it: somebody writes all the time, and notes what happens."""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Self

from tests.servers import free_port
from tests.system.booted import Booted

PORT = free_port()
URL = f"http://127.0.0.1:{PORT}"


def call(method: str, path: str, body: dict[str, Any] | None = None, token: str = "", timeout_s: float = 10) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return json.loads(answer.read().decode())


def version() -> str:
    """What answers on the port; empty when nothing does."""
    try:
        return str(call("GET", "/readyz")["version"])
    except OSError:
        return ""


def until(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


class Life:
    """Somebody who writes all the time, and notes what was acknowledged, who answered, and the longest silence."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.general = next(
            room["id"] for room in call("GET", "/api/channels", token=token)["channels"] if room["name"] == "general"
        )
        self.acknowledged: list[str] = []
        self.versions: list[str] = []
        self.silence_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        so_far = len(self.acknowledged)
        until(lambda: len(self.acknowledged) > so_far + 5, 60)
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        heard_s = time.monotonic()
        number = 0
        while not self._over.is_set():
            number += 1
            try:
                body = {"channelId": self.general, "content": f"word {number}"}
                said = call("POST", "/api/messages", body, self.token, timeout_s=3)["message"]["id"]
                now = version()
            except OSError:
                time.sleep(0.1)
                continue
            self.acknowledged.append(said)
            if now and now not in self.versions[-1:]:
                self.versions.append(now)
            self.silence_s = max(self.silence_s, time.monotonic() - heard_s)
            heard_s = time.monotonic()
            time.sleep(0.05)

    def lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        return [said for said in self.acknowledged if not self._is_there(said)]

    def _is_there(self, said: str) -> bool:
        try:
            return bool(call("GET", f"/api/messages/{said}", token=self.token)["content"])
        except OSError:
            return False


def installed(machine: Booted) -> str:
    """The version that this checkout is."""
    return machine.wheel.split("-")[1]


def hubctl(machine: Booted, *words: str) -> subprocess.CompletedProcess[str]:
    ended = machine.run("hubctl", *words)
    print(f"$ hubctl {' '.join(words)}\n{ended.stdout}{ended.stderr}[{ended.returncode}]")
    return ended


def well(machine: Booted) -> None:
    ended = hubctl(machine, "doctor")
    assert ended.returncode == 0, ended.stdout
