"""Damage that once ended a command with a trace, or was not seen: it is named and mended, and nothing is lost."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubctl.answers import Answers
from hubctl.cli import main
from hubctl.commands import appliance
from hubctl.engine import Stopped, amiss, look, setup, uninstall
from hubctl.host import Host, HostError, Outcome
from hubctl.installed import CURRENT, HUB_UNIT, REDIS_CONF, SETTINGS, SOFTWARE, STATE, UNITS, UPGRADES, VERSIONS
from hubctl.locks import changing
from hubctl.receipt import COPY, RECEIPT, Receipt
from hubctl.step import State, Step
from hubctl.steps.upgrading import InUseStep
from tests.unit.hubctl.fake_machine import Machine

OTHER = f"{VERSIONS}/2.0"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def build(machine: Machine) -> int:
    return setup(machine.recipe(), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)


def purge(machine: Machine) -> None:
    uninstall(machine.recipe(), machine.host, machine.receipt, purge=True, say=lambda _step, _words: None)


def wrong(machine: Machine) -> dict[str, tuple[State, str]]:
    findings = look(machine.recipe(), machine.host, machine.receipt)
    return {step.key: (verdict.state, verdict.words) for step, verdict in amiss(findings)}


@pytest.mark.parametrize("content", [b"", b'{"file": {"/etc', b"[]", b'{"file": "none"}', None])
@pytest.mark.parametrize("damaged", [RECEIPT, COPY])
def test_a_receipt_is_made_whole_from_its_copy(machine: Machine, damaged: str, content: bytes | None) -> None:
    before = machine.tree()
    build(machine)
    whole = machine.tree()
    if content is None:
        machine.host.remove(damaged)
    else:
        machine.host.write(damaged, content, 0o600)
    assert wrong(machine).keys() == {"receipt"}
    assert build(machine) == 1
    assert machine.tree() == whole
    purge(machine)
    assert machine.tree() == before


def test_without_any_receipt_nothing_is_touched_and_doctor_says_why(machine: Machine) -> None:
    build(machine)
    for path in (RECEIPT, COPY):
        machine.host.write(path, b"{", 0o600)
    before = machine.tree()
    state, words = wrong(machine)["receipt"]
    assert (state, "what setup made here is not known" in words) == (State.UNFIT, True)
    with pytest.raises(Stopped, match=r"Put it back from a backup"):
        build(machine)
    assert machine.tree() == before


@pytest.mark.parametrize("content", [b"{", None])
def test_uninstall_without_a_receipt_does_not_say_that_the_hub_is_gone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    build(machine)
    for path in (RECEIPT, COPY):
        machine.host.remove(path)
        if content is not None:
            machine.host.write(path, content, 0o600)
    before = machine.tree()
    monkeypatch.setattr(appliance, "_machine", lambda _command: machine.host)
    ended = CliRunner().invoke(main, ["uninstall", "--yes"])
    assert ended.exit_code == 1
    assert "what setup made is not known and nothing was removed" in ended.output
    assert machine.tree() == before


def test_what_cannot_be_looked_at_hides_nothing_of_the_rest(machine: Machine) -> None:
    build(machine)
    machine.broken = {"python"}
    machine.active.discard(HUB_UNIT)
    found = wrong(machine)
    assert found["redis-conf"][1].startswith("it cannot be looked at: ")
    assert found["redis-conf"][1].endswith("python is broken")
    assert "hub" in found


@pytest.mark.parametrize("content", [b"\0 not toml [", b"", None])
def test_damaged_settings_lose_neither_the_port_nor_the_names(machine: Machine, content: bytes | None) -> None:
    told = Answers(host="127.0.0.1", port=9000, allowed_hosts=("hub.example",))
    setup(machine.recipe(told), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)
    written = machine.host.read(SETTINGS)
    machine.host.remove(SETTINGS)
    if content is not None:
        machine.host.write(SETTINGS, content, 0o600)
    assert "settings" in wrong(machine)
    build(machine)
    assert machine.host.read(SETTINGS) == written
    assert wrong(machine) == {}


@pytest.mark.parametrize("path", [SETTINGS, f"{UNITS}/{HUB_UNIT}", REDIS_CONF])
def test_a_folder_in_the_place_of_a_file_is_set_aside(machine: Machine, path: str) -> None:
    build(machine)
    machine.host.remove(path)
    machine.host.make_folder(path, 0o755)
    (machine.host.path(path) / "precious").write_text("kept")
    assert wrong(machine) != {}
    build(machine)
    assert wrong(machine) == {}
    assert [file.read_text() for file in machine.root.rglob("precious")] == ["kept"]


def test_doctor_does_not_send_to_setup_when_only_the_hub_itself_is_not_ready(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appliance, "_machine", lambda _command: machine.host)
    monkeypatch.setattr(appliance, "recipe", lambda _wanted: machine.recipe())
    build(machine)
    machine.host._fetch = lambda _url, _trusted: 503
    said = CliRunner().invoke(main, ["doctor"]).output
    assert "answers 503\n       `hubctl status` names the part" in said
    assert "`hubctl setup` mends" not in said
    machine.active.discard(HUB_UNIT)
    assert "`hubctl setup` mends what is wrong." in CliRunner().invoke(main, ["doctor"]).output


def test_what_was_noted_of_upgrades_is_kept_aside_when_it_is_damaged(machine: Machine) -> None:
    build(machine)
    machine.host.write(UPGRADES, b"nonsense", 0o600)
    assert "upgrades.json is damaged" in wrong(machine)["upgrade"][1]
    build(machine)
    assert machine.host.read(f"{UPGRADES}.damaged") == b"nonsense"
    assert wrong(machine) == {}


BAD = f"LoadState=bad-setting\nDropInPaths={UNITS}/{HUB_UNIT}.d/10-setup.conf {UNITS}/{HUB_UNIT}.d/own.conf"


def test_a_unit_that_systemd_cannot_read_is_named_with_the_file_that_spoils_it(machine: Machine) -> None:
    build(machine)
    machine.unit_files_say = BAD
    state, words = wrong(machine)["hub"]
    assert state is State.DRIFTED
    assert f"(changed by {UNITS}/{HUB_UNIT}.d/own.conf); `systemd-analyze verify {HUB_UNIT}` names the line" in words
    with pytest.raises(Stopped, match="cannot be read"):
        build(machine)
    assert HUB_UNIT in machine.active, "what runs goes on"


class ByRoot(Host):
    """A machine as root sees it whose folder of data is the hub's, while what lies in it is not."""

    hub = 4711

    def user_id(self, name: str) -> int | None:
        return self.hub

    def status(self, name: str) -> os.stat_result | None:
        told = super().status(name)
        return os.stat_result((*told[:4], self.hub, *told[5:])) if told and name == STATE else told


def test_of_thousands_of_strange_files_some_are_named(machine: Machine) -> None:
    build(machine)
    for number in range(1000):
        (machine.root / STATE[1:] / f"{number:04}").write_text("")
    words = step_of(machine, "var-lib-openclaw-hub").check(ByRoot(machine.root), machine.receipt).words
    assert words == f"in {STATE} these belong to somebody else: 0000, 0001, 0002, 0003, 0004 and 995 more"


def test_what_apt_brings_is_noted_before_it_comes(machine: Machine) -> None:
    before = machine.packages - {"python3-venv"}
    machine.apt_ends_the_program = True
    with pytest.raises(KeyboardInterrupt):
        build(machine)
    machine.apt_ends_the_program = False
    (machine.root / "usr/bin/redis-check-rdb").write_text("a program")
    build(machine)
    purge(machine)
    assert machine.packages == before


def test_where_no_packages_can_be_fetched_it_is_the_network_that_is_named(machine: Machine) -> None:
    machine.offered = set()
    machine.apt_update_says = "W: Failed to fetch http://deb.example/InRelease  Could not connect\nW: Some index files"
    with pytest.raises(Stopped, match=r"neither redis-tools nor valkey-tools \(W: Failed to fetch http://deb\.example"):
        build(machine)


def test_a_user_that_was_made_and_then_the_power_went_is_ours(machine: Machine) -> None:
    before = machine.tree()

    def cut(argv: tuple[str, ...], text: str) -> Outcome:
        machine.run(argv, text)
        raise KeyboardInterrupt

    machine.host._run = lambda argv, text: (cut if "sysusers" in argv[0] else machine.run)(argv, text)
    with pytest.raises(KeyboardInterrupt):
        build(machine)
    machine.host._run = machine.run
    build(machine)
    purge(machine)
    assert machine.tree() == before


def test_removing_a_timer_ends_what_it_has_started(machine: Machine) -> None:
    build(machine)
    machine.active.add("openclaw-hub-backup.service")
    purge(machine)
    assert machine.active == set()


def step_of(machine: Machine, key: str) -> Step:
    return next(step for step in machine.recipe() if step.key == key)


def in_use() -> InUseStep:
    return InUseStep(key="in-use", name="", hint="", venv=OTHER)


def test_to_another_version_that_works_only_an_upgrade_leads(machine: Machine) -> None:
    assert in_use().check(machine.host, machine.receipt).state is State.OK
    build(machine)
    machine.host.write(f"{VERSIONS}/1.0/.wheel", b"digest", 0o644)
    verdict = in_use().check(machine.host, machine.receipt)
    assert (verdict.state, verdict.words) == (State.UNFIT, "the hub is 1.0, and this hubctl is that of 2.0")
    machine.broken = {"python"}
    assert in_use().check(machine.host, machine.receipt).state is State.OK
    machine.broken = set()
    machine.host.link(CURRENT, OTHER)
    assert in_use().check(machine.host, machine.receipt).state is State.OK


def test_one_setup_at_a_time(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appliance, "_machine", lambda _command: machine.host)
    build(machine)
    before = machine.tree()
    with changing(machine.host):
        for words in (["setup", "--yes"], ["uninstall", "--yes"]):
            refused = CliRunner().invoke(main, words)
            assert refused.exit_code == 1
            assert "another setup, upgrade or restore is under way" in refused.output
        with pytest.raises(HostError), changing(machine.host, wait_s=0):
            pass
    assert machine.tree() == before
    with changing(machine.host, wait_s=0):
        pass


def test_where_no_software_lies_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.host.remove_tree(SOFTWARE)
    with changing(machine.host), changing(machine.host):
        pass


def test_the_receipt_and_its_copy_say_the_same(machine: Machine) -> None:
    build(machine)
    assert machine.host.read(RECEIPT) == machine.host.read(COPY)
    assert json.loads(machine.host.read(COPY) or b"")["user"] == {"openclaw-hub": "made"}
    assert bool(Receipt(machine.host))
