"""`hubctl status` on an installed machine: each part, and whether it is as it should be."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubctl.answers import Answers
from hubctl.engine import setup
from hubctl.installed import BACKUPS, HUB_CERT, HUB_UNIT, REDIS_UNIT
from hubctl.overview import Part, installed_here, parts
from tests.unit.hubctl.fake_machine import Machine

DAY_S = 86_400


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def seen(machine: Machine, answers: Answers = Answers()) -> dict[str, Part]:  # noqa: B008 - it is frozen
    setup(machine.recipe(answers), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)
    return looked(machine)


def looked(machine: Machine) -> dict[str, Part]:
    now = datetime.fromtimestamp(machine.clock_s, UTC)
    return {part.name: part for part in parts(machine.host, now)}


def test_a_machine_without_a_hub(machine: Machine) -> None:
    assert not installed_here(machine.host)


def test_all_is_well(machine: Machine) -> None:
    found = seen(machine)
    assert installed_here(machine.host)
    assert {HUB_UNIT, REDIS_UNIT, "openclaw-hub-backup.timer", "disk", "last backup"} == set(found)
    assert all(part.well for part in found.values())


def test_a_unit_that_stands_still(machine: Machine) -> None:
    seen(machine)
    machine.active.discard(REDIS_UNIT)
    assert looked(machine)[REDIS_UNIT] == Part(REDIS_UNIT, "inactive", well=False)


def test_a_restore_that_was_killed_is_shown(machine: Machine) -> None:
    seen(machine)
    machine.host.write(f"{BACKUPS}/.restoring.db", b"a copy", 0o600)
    part = looked(machine)["restore"]
    assert not part.well
    assert part.state.startswith("it was cut short, and the hub may stand still: ")


def test_a_backup_that_failed_is_shown(machine: Machine) -> None:
    seen(machine)
    machine.last_run = "failed"
    assert not looked(machine)["openclaw-hub-backup.service"].well


def test_a_disk_that_is_full(machine: Machine) -> None:
    seen(machine)
    machine.host._free_bytes = 10**6
    assert not looked(machine)["disk"].well


@pytest.mark.parametrize(("days", "well"), [(1, True), (3, False)])
def test_the_age_of_the_last_backup(machine: Machine, days: int, well: bool) -> None:
    seen(machine)
    file = machine.root / BACKUPS[1:] / "hub-1.db"
    file.write_text("a backup")
    os.utime(file, (machine.clock_s - days * DAY_S,) * 2)
    assert looked(machine)["last backup"].well is well


def test_the_end_of_the_certificate(machine: Machine) -> None:
    assert seen(machine, Answers(tls="self"))["certificate"].well
    machine.clock_s += 500 * DAY_S
    assert not looked(machine)["certificate"].well
    machine.host.write(HUB_CERT, b"nothing", 0o600)
    assert "no certificate" in looked(machine)["certificate"].state


def test_a_redis_of_ones_own_has_no_unit(machine: Machine) -> None:
    assert REDIS_UNIT not in seen(machine, Answers(redis_url="redis://redis.example/0"))
