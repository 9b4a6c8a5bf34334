"""What the machine itself brings along: what stops setup, and what is worth no more than a word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hubctl.answers import Answers
from hubctl.engine import look
from hubctl.host import Outcome
from hubctl.step import State
from tests.unit.hubctl.fake_machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def found(machine: Machine, key: str, answers: Answers | None = None) -> tuple[State, str]:
    findings = look(machine.recipe(answers), machine.host, machine.receipt)
    return next((verdict.state, verdict.words) for step, verdict in findings if step.key == key)


def put(machine: Machine, path: str, text: str) -> None:
    file = machine.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def card(machine: Machine) -> None:
    machine.disk = "mmcblk0 disk 0"
    put(machine, "sys/block/mmcblk0/device/type", "SD\n")


def emmc(machine: Machine, life: str, spare: str) -> None:
    machine.disk = "mmcblk0 disk 0"
    put(machine, "sys/block/mmcblk0/device/type", "MMC\n")
    put(machine, "sys/block/mmcblk0/device/life_time", life)
    put(machine, "sys/block/mmcblk0/device/pre_eol_info", spare)


def smart(machine: Machine) -> None:
    said = Outcome(0, "SMART overall-health self-assessment test result: FAILED!")
    machine._smartctl = lambda _argv, _text: said  # type: ignore[method-assign]


DISKS: dict[str, tuple[Callable[[Machine], object], State, str]] = {
    "a good one": (lambda _: None, State.OK, ""),
    "an SD card": (card, State.MIND, "an SD card (mmcblk0)"),
    "one that turns": (lambda machine: setattr(machine, "disk", "sda disk 1"), State.MIND, "a disk that turns"),
    "one of a virtual machine": (lambda machine: setattr(machine, "disk", "vda disk 1"), State.OK, ""),
    "young eMMC": (lambda machine: emmc(machine, "0x01 0x02\n", "0x01\n"), State.OK, ""),
    "worn eMMC": (lambda machine: emmc(machine, "0x01 0x0a\n", "0x01\n"), State.MIND, "100% of its life"),
    "eMMC without spares": (lambda machine: emmc(machine, "0x01 0x01\n", "0x03\n"), State.MIND, "hardly a spare block"),
    "one that says it fails": (smart, State.MIND, "says that it fails"),
    "one with errors": (
        lambda machine: put(machine, "sys/fs/ext4/sda1/errors_count", "7\n"),
        State.MIND,
        "has met 7 errors",
    ),
    "one that fills": (
        lambda machine: setattr(machine.host, "_free_bytes", 900_000_000),
        State.MIND,
        "0.9 GB are left",
    ),
    "a full one": (lambda machine: setattr(machine.host, "_free_bytes", 9_000_000), State.UNFIT, "9 MB are free"),
    "one gone read-only": (
        lambda machine: setattr(machine, "mounted", "/dev/sda1 ro,relatime"),
        State.UNFIT,
        "read-only",
    ),
    "none to be seen": (lambda machine: setattr(machine, "disk", ""), State.OK, ""),
}


@pytest.mark.parametrize("name", DISKS)
def test_the_disk(machine: Machine, name: str) -> None:
    spoil, state, words = DISKS[name]
    spoil(machine)
    verdict = found(machine, "disk")
    assert verdict[0] is state
    assert words in verdict[1]


def test_a_clock_that_nobody_sets_is_worth_a_word(machine: Machine) -> None:
    machine.synchronized = "no"
    state, words = found(machine, "clock")
    assert (state, "it shows 2027-01-15 08:00 UTC" in words) == (State.MIND, True)


def test_a_port_of_roots_is_refused(machine: Machine) -> None:
    state, words = found(machine, "port", Answers(port=443))
    assert state is State.UNFIT
    assert "a proxy in front" in words


def test_a_redis_built_for_other_pages_is_told_with_the_way_out(machine: Machine) -> None:
    put(machine, "usr/bin/redis-check-rdb", "a program")
    assert found(machine, "redis-program")[0] is State.OK
    machine.redis_says = "<jemalloc>: Unsupported system page size"
    state, words = found(machine, "redis-program")
    assert state is State.UNFIT
    assert "pages have 16384 bytes" in words
    assert "kernel8.img" in words


PI = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


@pytest.mark.parametrize(
    "release",
    [
        PI,
        'ID=raspbian\nVERSION_ID="12"\n',
        'ID=debian\nVERSION_ID="13"\n',
        'ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n',
        'ID=ubuntu\nVERSION_ID="24.04"\n',
    ],
)
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_machines_that_a_hub_runs_on(machine: Machine, release: str, architecture: str) -> None:
    (machine.root / "etc/os-release").write_text(release)
    machine.architecture = architecture
    assert found(machine, "machine") == (State.OK, "")


@pytest.mark.parametrize("architecture", ["armhf", "riscv64", "i386"])
def test_other_processors_are_named(machine: Machine, architecture: str) -> None:
    machine.architecture = architecture
    state, words = found(machine, "machine")
    assert state is State.UNFIT
    assert f"built for {architecture}," in words
    assert ("edition of 64 bits" in words) is (architecture == "armhf")


CONTROLLERS = "sys/fs/cgroup/cgroup.controllers"


def test_a_kernel_that_holds_no_unit_to_its_memory_is_worth_a_word(machine: Machine) -> None:
    put(machine, CONTROLLERS, "cpuset cpu io memory pids\n")
    assert found(machine, "machine") == (State.OK, "")
    put(machine, CONTROLLERS, "cpuset cpu io pids\n")
    state, words = found(machine, "machine")
    assert state is State.MIND
    assert "limits of memory do not hold" in words
    assert "/boot/firmware" not in words


def test_on_a_raspberry_pi_the_word_says_where_to_turn_it_on(machine: Machine) -> None:
    put(machine, CONTROLLERS, "cpuset cpu io pids\n")
    put(machine, "boot/firmware/cmdline.txt", "console=tty1 rootwait\n")
    assert "cgroup_enable=memory to the line in /boot/firmware/cmdline.txt" in found(machine, "machine")[1]
