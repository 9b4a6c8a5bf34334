"""A real hub in a process of its own, to be driven from outside: started, killed, spoken to as an agent does."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from tests import servers

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0
POLL_S = 0.02
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Hub:
    """One data directory, one port; the hub there may come and go."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{port or servers.free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "server", "--data-dir", str(self.data), "--port", self.address.split(":")[-1]]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise RuntimeError(f"the hub did not start: {self._log.read_text('utf-8', 'replace')}")
            time.sleep(POLL_S)

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, nothing said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, which: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(which)

    def stop(self) -> None:
        """End it as it wants to be ended."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_S)
            self._process = None

    @property
    def data(self) -> Path:
        """The hub's data directory."""
        return self.folder / "data"

    @property
    def link(self) -> str:
        """The one-time link that it prints when it is ready."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            found = re.search(r"^https?://\S+/welcome#\S+$", self._log.read_text("utf-8"), re.MULTILINE)
            if found is not None:
                return found[0]
            time.sleep(POLL_S)
        raise RuntimeError("the hub printed no link")

    @property
    def _log(self) -> Path:
        return self.folder / "hub.log"

    @property
    def admin(self) -> str:
        """The token of the command line."""
        return (self.data / "admin.token").read_text("ascii").strip()

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """What the API answers, as the command line or as whoever `token` belongs to."""
        headers = {"Authorization": f"Bearer {token or self.admin}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, sent, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def channel(self, name: str = "general") -> str:
        """The id of a channel."""
        channels = self.call("GET", "/api/channels")["channels"]
        return str(next(channel["id"] for channel in channels if channel["name"] == name))

    def make_agent(self, agent_id: str, **more: object) -> str:
        """Make an agent and answer a token of it."""
        self.call("POST", "/api/agents", {"id": agent_id, "kind": "agent", **more})
        return str(self.call("POST", "/api/tokens", {"agentId": agent_id, "name": "test"})["token"])

    def say(self, token: str, content: str, channel: str = "general") -> dict[str, Any]:
        """Post as that agent."""
        wanted = {"channelId": self.channel(channel), "content": content}
        message: dict[str, Any] = self.call("POST", "/api/messages", wanted, token=token)["message"]
        return message

    def flood(self, token: str, count: int, channel: str = "general") -> None:
        """Post `flood 0` and so on as fast as one connection goes."""
        channel_id = self.channel(channel)
        host, port = self.address.removeprefix("http://").split(":")
        wire = http.client.HTTPConnection(host, int(port), timeout=15)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for number in range(count):
            body = json.dumps({"channelId": channel_id, "content": f"flood {number}"})
            wire.request("POST", "/api/messages", body, headers)
            answer = wire.getresponse()
            if answer.status != 201:
                raise RuntimeError(f"{answer.status} {answer.read().decode()}")
            answer.read()
        wire.close()

    def text(self, path: str) -> str:
        """What is answered as text."""
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"Bearer {self.admin}"})
        with urllib.request.urlopen(request, timeout=15) as response:
            return str(response.read().decode())

    def until_heard(self) -> None:
        """Wait until a page's stream is open: what is not kept reaches nobody before."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while 'hub_sse_connections{client="page"} 0' in self.text("/metrics"):
            if time.monotonic() > deadline_s:
                raise RuntimeError("no page has opened its stream")
            time.sleep(POLL_S)

    def publish(self, sender_id: str, content: str, channel: str = "general") -> None:
        """Publish the way another program on this machine's Redis does, past the hub."""
        password = (self.data / "redis-outsider.password").read_text("ascii").strip()
        channel_id, now_ms = self.channel(channel), time.time_ns() // 1_000_000
        message = {"id": "msg-uuid", "content": content, "senderId": sender_id, "timestamp": now_ms}
        event = {"type": "channel.message", "channelId": channel_id, "message": message}
        payload = {"event": event, "timestamp": now_ms, "channelId": channel_id, "senderId": sender_id}
        path = str(self.data / "redis.sock")
        with redis.Redis(unix_socket_path=path, username="outsider", password=password) as client:
            client.publish(f"pubsub:channel:{channel_id}", json.dumps(payload))

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/healthz", timeout=1):
            return True
        return False
