"""Wherever an upgrade is cut short or fails, it ends in one of its two whole states, and no word of anybody is lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hubctl.host import Host, HostError, Outcome
from hubctl.installed import CURRENT, GATE, SNAPSHOTS, UNITS, UPGRADES, VERSIONS, WAY_BACK
from hubctl.locks import alone, is_free
from hubctl.receipt import Receipt
from hubctl.upgrade import journal, moving, versions
from hubctl.upgrade.budget import budget_s
from hubctl.upgrade.journal import Done, Journal, Trying
from hubctl.upgrade.moving import Returned, Stuck, mend, move
from hubctl.upgrade.returning import way_back

NOVELTY = f"{UNITS}/openclaw-hub-novelty.timer"
WORDS = ", with words"
OLD, NEW = f"{VERSIONS}/1.0", f"{VERSIONS}/2.0"
MOMENTS = 20
"""At least as many as an upgrade runs commands."""

TRYING = Trying(OLD, NEW, "1.0-now", 0.0)


class Killed(BaseException):
    """kill -9: nothing of the program runs any more."""


class Machine:
    """Versions, a database that is a word, and a hub that runs or not. `trouble` sees each command before it runs."""

    def __init__(self, root: Path) -> None:
        self.host = Host(root, self.run, free_bytes=10**12)
        self.running = OLD
        self.database = "as it was"
        self.written = 0
        self.commands: list[tuple[str, ...]] = []
        self.trouble: Callable[[tuple[str, ...]], Outcome | None] = lambda _argv: None
        self.schema = {OLD: ("0004", ["0004"], ["0003"]), NEW: ("0005", ["0005", "0004"], ["0004"])}
        self.since = {"at": 0, "messages": 2, "events": 0, "accounts": 1}
        self.host.write(f"{UNITS}/openclaw-hub.service", b"[Service]", 0o644)
        self.host.link(CURRENT, OLD)
        for venv in (OLD, NEW):
            self.host.write(f"{venv}/.wheel", b"digest", 0o644)

    @property
    def receipt(self) -> Receipt:
        return Receipt(self.host)

    @property
    def is_open(self) -> bool:
        return self.running != "" and self.host.status(GATE) is None

    def run(self, argv: tuple[str, ...], _text: str) -> Outcome:
        self.commands.append(argv)
        found = self.trouble(argv)
        if found is not None:
            return found
        if "settle" in argv:
            self._start(argv[-2].removesuffix("/bin/hubctl"))
        elif "server" in argv:
            venv = argv[argv.index("-P") - 1].removesuffix("/bin/python")
            return Outcome(0, self._housework(venv, argv[argv.index("server") + 1 :]))
        elif argv[:2] in (("systemctl", "stop"), ("systemctl", "kill")) and "openclaw-hub.service" in argv:
            self.running = ""
        elif argv[0] == "ss":
            return Outcome(0, 'users:(("python",pid=42,fd=7))' if self.is_open else "")
        elif argv[:2] == ("systemctl", "show"):
            return Outcome(0, "42\n")
        return Outcome(0)

    def _start(self, venv: str) -> None:
        self.running = venv
        self.host.link(CURRENT, venv)
        if venv == NEW:
            self.host.write(NOVELTY, b"[Timer]", 0o644)
            self.receipt.add("file", NOVELTY)
            self.database = self.database.replace("as it was", "changed")
        self._people_write()

    def _people_write(self) -> None:
        """While anybody gets in, somebody writes, and is told that it was taken."""
        if self.is_open:
            self.database += WORDS
            self.written += 1

    def _housework(self, venv: str, words: tuple[str, ...]) -> str:
        assert not self.running or words[0] in ("prove", "schema", "since")
        folder = self.host.path(words[1]) if words[0] in ("snapshot", "revert") else None
        if words[0] == "snapshot" and folder is not None:
            self.host.write(f"{words[1]}/hub.db", self.database.encode(), 0o600)
            self.host.write(f"{words[1]}/manifest.json", b"{}", 0o600)
        elif words[0] == "revert" and folder is not None:
            self.database = (folder / "hub.db").read_text()
        elif words[0] == "prove":
            return f"{self.running.rpartition('/')[2]}\n"
        elif words[0] == "schema":
            head, known, back = self.schema[venv]
            present = "0005" if "changed" in self.database else "0004"
            schema = {"head": head, "known": known, "present": present, "back": back}
            return json.dumps({"version": venv.rpartition("/")[2], "schema": schema})
        elif words[0] == "since":
            return json.dumps(self.since)
        elif words[0] in ("migrate", "restore"):
            self.database = f"{words[0]}d"
        return ""

    def upgrade(self) -> None:
        move(self.host, TRYING, lambda: None, within_s=30, say=lambda _words: None)

    def mend(self) -> str:
        self._people_write()
        return mend(self.host, lambda _words: None)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def whole(machine: Machine) -> str:
    """The version that serves; fails unless everything belongs to it."""
    assert machine.is_open
    assert machine.host.target(CURRENT) == machine.running
    assert machine.host.status(WAY_BACK) is None
    assert journal.read(machine.host).trying is None
    assert machine.database.count(WORDS) == machine.written, "what was acknowledged is there"
    assert machine.database.removesuffix(WORDS * machine.written) == (
        "as it was" if machine.running == OLD else "changed"
    )
    assert (machine.host.status(NOVELTY) is None) == (machine.running == OLD), (
        "units belong to the version that made them"
    )
    assert (machine.receipt.word("file", NOVELTY) is None) == (machine.running == OLD)
    return machine.running


def test_a_good_version_is_taken_and_noted(machine: Machine) -> None:
    machine.upgrade()
    machine._people_write()
    assert whole(machine) == NEW
    state = journal.read(machine.host)
    assert state.done == (Done(OLD, NEW, "1.0-now", 0.0, ("openclaw-hub.service",)),)
    assert "the upgrade from 1.0 to 2.0" in state.last
    assert machine.host.names(SNAPSHOTS) == ["1.0-now"]
    assert 10 <= len(machine.commands) <= MOMENTS


@pytest.mark.parametrize("number", range(MOMENTS))
def test_one_that_is_killed_at_any_moment_ends_whole(machine: Machine, number: int) -> None:
    def kill(_argv: tuple[str, ...]) -> Outcome | None:
        if len(machine.commands) == number + 1:
            raise Killed
        return None

    machine.trouble = kill
    try:
        machine.upgrade()
    except Killed:
        machine.trouble = lambda _argv: None
        machine.mend()
    machine._people_write()
    assert whole(machine) in (OLD, NEW)


@pytest.mark.parametrize("number", range(MOMENTS))
@pytest.mark.parametrize("after", range(1, 8))
def test_one_that_is_killed_again_while_it_is_mended_ends_whole(machine: Machine, number: int, after: int) -> None:
    def kill(_argv: tuple[str, ...]) -> Outcome | None:
        if len(machine.commands) in (number + 1, number + 1 + after):
            raise Killed
        return None

    machine.trouble = kill
    try:
        machine.upgrade()
    except Killed:
        try:
            machine.mend()
        except Killed:
            machine.mend()
    machine._people_write()
    assert whole(machine) in (OLD, NEW)


FAILURES = {
    "the hub does not stop": ("systemctl", "stop", "openclaw-hub.service"),
    "no snapshot": ("snapshot",),
    "it does not start": (f"{NEW}/bin/hubctl", "settle"),
    "it does not answer": ("prove",),
}


@pytest.mark.parametrize("name", FAILURES)
def test_one_that_fails_is_taken_back(machine: Machine, name: str) -> None:
    words = FAILURES[name]

    def fail(argv: tuple[str, ...]) -> Outcome | None:
        return Outcome(1, err="hub: no room\n") if set(words) <= set(argv) and machine.database != "gone" else None

    machine.trouble = fail
    with pytest.raises(Returned, match=r"2.0 was not taken: .*no room.*1.0 serves again") as caught:
        machine.upgrade()
    assert whole(machine) == OLD
    assert "byte for byte" in str(caught.value)
    assert "was taken back" in journal.read(machine.host).last
    assert machine.host.names(SNAPSHOTS) == []


def test_one_that_calls_itself_something_else_is_taken_back(machine: Machine) -> None:
    machine.trouble = lambda argv: Outcome(0, "1.9") if "prove" in argv else None
    with pytest.raises(Returned, match=r"what answers calls itself 1.9, not 2.0"):
        machine.upgrade()
    assert whole(machine) == OLD


def test_one_that_never_opens_its_port_is_taken_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "OPENING_S", 0.0)
    machine.trouble = lambda argv: Outcome(0, "") if argv[0] == "ss" and machine.running == NEW else None
    with pytest.raises(Returned, match="did not open its port"):
        machine.upgrade()
    assert whole(machine) == OLD


def test_when_nothing_starts_any_more_everything_is_kept_and_told(machine: Machine) -> None:
    machine.trouble = lambda argv: Outcome(1, err="Error: no disk") if "settle" in argv else None
    with pytest.raises(Stuck, match=r"1.0 could not be started again: no disk. The database is as it was.*rollback"):
        machine.upgrade()
    assert machine.database == "as it was"
    machine.trouble = lambda _argv: None
    assert "is taken back" in machine.mend()
    assert whole(machine) == OLD


def test_a_snapshot_that_cannot_be_put_back_keeps_the_hub_closed(machine: Machine) -> None:
    bad = ("prove", "revert")
    machine.trouble = lambda argv: Outcome(1, err="hub: EIO") if set(bad) & set(argv) else None
    with pytest.raises(Stuck, match=rf"lies as it was in {SNAPSHOTS}/1.0-now"):
        machine.upgrade()
    assert not machine.is_open
    machine.trouble = lambda _argv: None
    machine.mend()
    assert whole(machine) == OLD


def test_a_gate_that_nobody_stands_at_goes(machine: Machine) -> None:
    machine.host.write(GATE, b"", 0o644)
    assert "kept the hub closed" in machine.mend()
    assert machine.mend() == ""
    assert whole(machine) == OLD


def test_only_one_upgrades_at_a_time(machine: Machine) -> None:
    with alone(machine.host):
        assert not is_free(machine.host)
        with pytest.raises(HostError, match="under way"), alone(machine.host, wait_s=0):
            pass
    assert is_free(machine.host)


def test_old_versions_and_snapshots_go(machine: Machine) -> None:
    done = tuple(Done(f"{VERSIONS}/0.{n}", f"{VERSIONS}/0.{n + 1}", f"s{n}", 0.0) for n in range(4))
    for name in ("0.0", "0.1", "0.2", "0.3", "1.0"):
        machine.host.write(f"{VERSIONS}/{name}/.wheel", b"", 0o644)
        machine.host.write(f"{SNAPSHOTS}/s{name[-1]}/hub.db", b"", 0o644)
    said = list(versions.prune_versions(machine.host, NEW, (*done, Done(OLD, NEW, "last", 0.0))))
    assert machine.host.names(VERSIONS) == ["0.3", "1.0", "2.0"]
    assert said == [
        f"version {name} is removed; the one in use and the 2 before it stay" for name in ("0.0", "0.1", "0.2")
    ]
    versions.prune_snapshots(machine.host, done)
    assert machine.host.names(SNAPSHOTS) == ["s3"]


STEP = Done(OLD, NEW, "1.0-now", 0.0)


def test_the_way_back_keeps_what_the_older_version_can_read(machine: Machine) -> None:
    machine.upgrade()
    machine.schema[OLD] = ("0005", ["0005", "0004"], [])
    assert way_back(machine.host, STEP, discard=False).words == "keeps everything that was written"


def test_the_way_back_takes_the_schema_back_where_that_keeps_everything(machine: Machine) -> None:
    machine.upgrade()
    way = way_back(machine.host, STEP, discard=False)
    assert way.words == "keeps everything that was written; the database goes back from schema 0005 to 0004"
    machine.running = ""
    way.prepare()
    assert machine.database == "migrated"


def test_the_way_back_asks_before_it_discards(machine: Machine) -> None:
    machine.upgrade()
    machine.schema[NEW] = ("0005", ["0005", "0004"], [])
    before = list(machine.commands)
    with pytest.raises(HostError, match=r"discards 2 messages, 1 change of accounts since .*--discard-since"):
        way_back(machine.host, STEP, discard=False)
    assert not [argv for argv in machine.commands[len(before) :] if {"stop", "restore", "migrate"} & set(argv)]
    way = way_back(machine.host, STEP, discard=True)
    assert "discards 2 messages" in way.words
    machine.running = ""
    way.prepare()
    assert machine.database == "restored"
    machine.database = "changed"
    machine.since = {"at": 0, "messages": 0, "events": 0, "accounts": 0}
    assert "discards nothing" in way_back(machine.host, STEP, discard=False).words


def test_without_a_version_or_a_snapshot_there_is_no_way_back(machine: Machine) -> None:
    machine.upgrade()
    machine.schema[NEW] = ("0005", ["0005", "0004"], [])
    machine.host.remove_tree(SNAPSHOTS)
    with pytest.raises(HostError, match="the snapshot from before is gone"):
        way_back(machine.host, STEP, discard=True)
    machine.host.remove_tree(OLD)
    with pytest.raises(HostError, match="no longer there"):
        way_back(machine.host, STEP, discard=False)


def test_a_wheel_is_known_by_its_name_and_its_content(machine: Machine, tmp_path: Path) -> None:
    wheel = tmp_path / "openclaw_hub-2.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    assert versions.wheel_version(wheel) == "2.0"
    assert not versions.is_installed(machine.host, wheel, NEW)
    with pytest.raises(HostError, match="no wheel of the hub"):
        versions.wheel_version(tmp_path / "numpy-2.0.whl")


def test_an_install_that_fails_leaves_no_half_version(machine: Machine, tmp_path: Path) -> None:
    wheel = tmp_path / "openclaw_hub-3.0-py3-none-any.whl"
    machine.host.write(f"{VERSIONS}/3.0/half", b"", 0o644)
    machine.trouble = lambda argv: Outcome(1, err="no network") if argv[0] == "sh" else None
    with pytest.raises(HostError, match="could not be installed: no network"):
        versions.install(machine.host, wheel)
    assert "3.0" not in machine.host.names(VERSIONS)


def test_room_is_asked_for_beforehand(tmp_path: Path) -> None:
    host = Host(tmp_path, lambda _argv, _text: Outcome(0), free_bytes=10**6)
    with pytest.raises(HostError, match="1 MB are free"):
        versions.need_room(host)


def test_the_journal_can_be_read_again(machine: Machine) -> None:
    state = Journal(TRYING, (STEP,), "words")
    journal.write(machine.host, state)
    assert journal.read(machine.host) == state
    machine.host.remove(UPGRADES)
    assert journal.read(machine.host) == Journal()


def test_what_a_killed_upgrade_left_running_is_ended_before_the_way_back(machine: Machine) -> None:
    def trouble(argv: tuple[str, ...]) -> Outcome | None:
        if "prove" in argv:
            raise Killed
        return None

    machine.trouble = trouble
    with pytest.raises(Killed):
        machine.upgrade()
    machine.trouble = lambda _argv: None
    machine.commands.clear()
    machine.mend()
    left = ("systemctl", "kill", "--signal=KILL", "openclaw-hub-work-*")
    kill = ("systemctl", "kill", "--kill-who=all", "--signal=KILL", "openclaw-hub.service")
    assert machine.commands.index(left) < machine.commands.index(kill), "or it starts the hub again"
    settling = [argv for argv in machine.commands if "settle" in argv]
    assert [any(word.startswith("--unit=openclaw-hub-work-") for word in argv) for argv in settling] == [True]


@pytest.mark.parametrize(
    ("shown", "expected_s"),
    [
        ("InactiveExitTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=2500000\n", 25),
        ("InactiveExitTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=8600000\n", 76),
        ("InactiveExitTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=901000000\n", 300),
        # a hub that has never run, and one that was stopped before it was ready
        ("InactiveExitTimestampMonotonic=0\nActiveEnterTimestampMonotonic=0\n", 25),
        ("InactiveExitTimestampMonotonic=90000000\nActiveEnterTimestampMonotonic=2000000\n", 25),
        ("", 25),
    ],
)
def test_a_slow_machine_gives_a_version_longer_to_prove_itself(tmp_path: Path, shown: str, expected_s: float) -> None:
    assert budget_s(Host(tmp_path, lambda _argv, _text: Outcome(0, shown))) == expected_s
