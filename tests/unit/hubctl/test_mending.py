"""Doctor sees that an upgrade is half done, setup brings it to its end; who may not upgrade is told why."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hubctl.cli import main
from hubctl.host import HostError
from hubctl.installed import BACKUPS, CURRENT, GATE
from hubctl.locks import alone
from hubctl.step import State
from hubctl.steps.upgrading import RestoreStep, UpgradeStep
from hubctl.upgrade import journal
from hubctl.upgrade.journal import Journal
from tests.unit.hubctl.test_upgrade import NEW, OLD, TRYING, Machine, whole


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def step(venv: str = OLD) -> UpgradeStep:
    return UpgradeStep(key="upgrade", name="no upgrade is half done", hint="", venv=venv)


def test_nothing_is_half_done(machine: Machine) -> None:
    assert step().check(machine.host, machine.receipt).state is State.OK
    machine.upgrade()
    assert step().check(machine.host, machine.receipt).state is State.OK


def test_one_that_is_under_way_is_waited_for(machine: Machine) -> None:
    journal.write(machine.host, Journal(TRYING))
    with alone(machine.host):
        verdict = step().check(machine.host, machine.receipt)
    assert verdict.state is State.UNFIT
    assert verdict.words == "the upgrade from 1.0 to 2.0 is under way; wait for its end"


def test_one_that_was_cut_short_is_mended(machine: Machine) -> None:
    journal.write(machine.host, Journal(TRYING))
    machine.host.write(GATE, b"", 0o644)
    machine.host.link(CURRENT, NEW)
    verdict = step().check(machine.host, machine.receipt)
    assert verdict.state is State.DRIFTED
    assert verdict.words == "the upgrade from 1.0 to 2.0 was cut short"
    with pytest.raises(HostError, match=r"the hub is 1.0. Run setup again, which is that of 1.0 now"):
        step(NEW).apply(machine.host, machine.receipt)
    assert step().check(machine.host, machine.receipt).state is State.OK
    assert whole(machine) == OLD


def test_a_gate_without_an_upgrade_is_seen_and_goes(machine: Machine) -> None:
    machine.host.write(GATE, b"", 0o644)
    assert "keeps the hub closed" in step().check(machine.host, machine.receipt).words
    step().apply(machine.host, machine.receipt)
    assert step().check(machine.host, machine.receipt).state is State.OK


def test_a_restore_that_was_killed_is_told_and_cleared_away(machine: Machine) -> None:
    restore = RestoreStep(key="restore", name="no restore is half done", hint="")
    assert restore.check(machine.host, machine.receipt).state is State.OK
    machine.host.write(f"{BACKUPS}/.restoring.db", b"a copy", 0o600)
    with alone(machine.host):
        verdict = restore.check(machine.host, machine.receipt)
    assert (verdict.state, verdict.words) == (State.UNFIT, "a restore is under way; wait for its end")
    verdict = restore.check(machine.host, machine.receipt)
    assert verdict.state is State.DRIFTED
    assert "`hubctl restore FILE` again" in verdict.words
    restore.apply(machine.host, machine.receipt)
    assert restore.check(machine.host, machine.receipt).state is State.OK


@pytest.mark.parametrize("command", [["upgrade", "hub.whl", "--yes"], ["rollback", "--yes"]])
def test_a_hub_that_setup_did_not_make_is_not_upgraded(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hub.whl").write_bytes(b"")
    ended = CliRunner().invoke(main, command)
    assert ended.exit_code == 1
    assert "is for root on a machine that `hubctl setup` made a hub" in ended.output
