"""The command line against a real hub: two agents in two lines, a tail, a send, and a hub that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0
WAIT_S = 15.0
HUBCTL = [sys.executable, "-m", "hubctl"]


def until(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


class Terminal:
    """A shell's worth of hubctl: one data directory, one port, started and killed as the test wants."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.hub: subprocess.Popen[bytes] | None = None
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")} | {
            "PYTHONPATH": str(ROOT),
            "HUB_URL": f"http://127.0.0.1:{port}",
            "HUB_DATA_DIR": str(folder / "data"),
        }

    def start(self) -> None:
        with (self.folder / "hub.log").open("ab") as log:
            command = [*HUBCTL, "run", "--port", str(self.port)]
            self.hub = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log, cwd=self.folder)
        until(self._answers, START_TIMEOUT_S)

    def _answers(self) -> bool:
        assert self.hub is not None
        assert self.hub.poll() is None, (self.folder / "hub.log").read_text("utf-8")
        return self.run("status").returncode == 0

    def stop(self, how: signal.Signals) -> int:
        assert self.hub is not None
        self.hub.send_signal(how)
        code = self.hub.wait(START_TIMEOUT_S)
        self.hub = None
        return code

    def run(self, *arguments: str, token: str = "", text: str = "") -> subprocess.CompletedProcess[str]:
        command = [*HUBCTL, *arguments]
        return subprocess.run(
            command,
            env=self.environ | {"HUB_TOKEN": token},
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def done(self, *arguments: str, token: str = "", text: str = "") -> str:
        """The output of a command that must succeed."""
        result = self.run(*arguments, token=token, text=text)
        assert result.returncode == 0, result.stderr
        return result.stdout

    @contextmanager
    def tail(self, *arguments: str, token: str) -> Iterator["Tail"]:
        """A tail in the background."""
        with (self.folder / "tail.out").open("w+b") as out, (self.folder / "tail.err").open("w+b") as err:
            process = subprocess.Popen(
                [*HUBCTL, "tail", *arguments], env=self.environ | {"HUB_TOKEN": token}, stdout=out, stderr=err
            )
            try:
                yield Tail(process, out, err)
            finally:
                process.kill()
                process.wait()


class Tail:
    """A tail that runs, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]) -> None:
        self.process = process
        self._out = Path(out.name)
        self._err = Path(err.name)

    def lines(self) -> list[str]:
        return self._out.read_text("utf-8").splitlines()

    def errors(self) -> str:
        return self._err.read_text("utf-8")

    def contents(self) -> list[str]:
        """The messages of a tail with --json."""
        events = [json.loads(line)["event"] for line in self.lines()]
        return [event["message"]["content"] for event in events if event["type"] == "channel.message"]


@pytest.fixture
def terminal(tmp_path: Path, free_port: int) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, free_port)
    try:
        opened.start()
        yield opened
    finally:
        if opened.hub is not None:
            opened.stop(signal.SIGTERM)


def test_two_agents_talk_and_a_killed_hub_loses_and_repeats_nothing(terminal: Terminal) -> None:
    planner = terminal.done("agent", "add", "planner", "--token").strip()
    builder = terminal.done("agent", "add", "builder", "--token").strip()
    cursor = terminal.folder / "cursor"
    said = []
    with terminal.tail("general", "--json", "--cursor", str(cursor), token=builder) as tail:
        until(cursor.exists)
        for number in range(3):
            said.append(f"before {number}")
            terminal.done("send", "general", said[-1], token=planner)
        until(lambda: tail.contents() == said)
        terminal.stop(signal.SIGKILL)
        terminal.start()
        said.append("after")
        terminal.done("send", "#general", "-", token=planner, text="after\n")
        until(lambda: tail.contents() == said)
        assert tail.errors().count("connection lost") == 1
        assert tail.errors().count("connection is back") == 1
        assert "GAP" not in tail.errors()
    said = ["while away"]
    terminal.done("send", "general", said[0], token=planner)
    with terminal.tail("general", "--json", "--cursor", str(cursor), "--count", "1", token=builder) as tail:
        assert tail.process.wait(WAIT_S) == 0
        assert tail.contents() == said


def test_people_read_lines_and_ctrl_c_ends_quietly(terminal: Terminal) -> None:
    planner = terminal.done("agent", "add", "planner", "--token").strip()
    with terminal.tail("--since", "0", token=planner) as tail:
        terminal.done("send", "general", "hello \x1b[2J\nthere", token=planner)
        until(lambda: any("planner: hello" in line for line in tail.lines()))
        at = next(number for number, line in enumerate(tail.lines()) if "planner: hello" in line)
        assert tail.lines()[at].endswith("#general planner: hello \\x1b[2J")
        assert tail.lines()[at + 1] == "    there"
        tail.process.send_signal(signal.SIGINT)
        assert tail.process.wait(WAIT_S) == 0
        assert tail.errors() == ""


def test_a_revoked_token_ends_its_tail(terminal: Terminal) -> None:
    terminal.done("agent", "add", "planner")
    made = json.loads(terminal.done("token", "create", "planner", "--json", "--name", "laptop"))
    assert set(made) >= {"id", "agentId", "name", "expiresAt", "scopes", "token"}
    with terminal.tail("--since", "0", token=made["token"]) as tail:
        until(lambda: bool(tail.lines()))
        assert "laptop" in terminal.done("token", "list")
        terminal.done("token", "revoke", made["id"])
        assert tail.process.wait(WAIT_S) == 1
    result = terminal.run("send", "general", "x", token=made["token"])
    assert result.returncode == 1
    assert "does not take the token from HUB_TOKEN" in result.stderr


def test_channels(terminal: Terminal) -> None:
    planner = terminal.done("agent", "add", "planner", "--token").strip()
    made = json.loads(terminal.done("channel", "create", "ops", "--topic", "what runs", "--json"))
    assert terminal.run("send", "ops", "not yet", token=planner).returncode == 1
    terminal.done("channel", "join", "ops", token=planner)
    terminal.done("send", made["id"], "now", token=planner)
    channels = json.loads(terminal.done("channel", "list", "--json"))["channels"]
    assert {channel["name"] for channel in channels} >= {"general", "ops"}
    assert "what runs" in terminal.done("channel", "list")
    terminal.done("channel", "archive", "ops")
    assert terminal.run("send", "ops", "too late", token=planner).returncode == 1


def test_agents(terminal: Terminal) -> None:
    terminal.done("agent", "add", "planner", "--name", "The Planner")
    again = terminal.run("agent", "add", "planner")
    assert again.returncode == 1
    assert again.stderr.startswith("Error: ")
    assert "The Planner" in terminal.done("agent", "list")
    terminal.done("agent", "rm", "planner")
    agents = json.loads(terminal.done("agent", "list", "--json"))["agents"]
    assert "planner" not in {agent["id"] for agent in agents}


def test_status_and_a_hub_that_stopped(terminal: Terminal) -> None:
    status = json.loads(terminal.done("status", "--json"))
    assert status["ready"] is True
    assert status["me"]["id"]
    assert terminal.stop(signal.SIGINT) == 0
    gone = terminal.run("status")
    assert gone.returncode == 1
    assert "hubctl run" in gone.stderr
