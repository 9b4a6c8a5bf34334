"""What the file system refuses is told so that a person knows what to do, and setup says what it has done by then."""

import errno
import os
import shutil
import signal
from pathlib import Path

import pytest

from hubctl.commands import appliance
from hubctl.engine import look
from hubctl.errors import Failure
from hubctl.host import Host, HostError, Outcome
from hubctl.installed import HUB_UNIT
from hubctl.receipt import Receipt
from hubctl.refusal import words
from hubctl.step import State
from hubctl.steps.disk import PlacesStep
from hubctl.steps.packages import install
from hubctl.undisturbed import SIGNALS, undisturbed
from tests.unit.hubctl.fake_machine import Machine


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "is mounted read-only"),
        (errno.ENOSPC, "there is no room left in"),
        (errno.EPERM, "is marked immutable"),
        (errno.EIO, "the disk failed at"),
    ],
)
def test_a_number_of_the_system_is_said_in_words(tmp_path: Path, number: int, said: str) -> None:
    told = words(OSError(number, os.strerror(number), str(tmp_path / ".hubctl.new")))
    assert said in told
    assert str(tmp_path) in told
    assert "Errno" not in told
    assert ".new" not in told


def test_other_words_stay_as_they_are() -> None:
    assert words(HostError("apt knows nothing")) == "apt knows nothing"
    assert words(OSError(errno.ENOTDIR, "Not a directory", "/etc/x")) == "/etc/x: Not a directory"
    assert words(OSError("no number")) == "no number"


def test_a_place_that_cannot_be_written_is_named_unless_nothing_has_to_be_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path)
    step = PlacesStep(
        key="places", name="", hint="", folders=("/etc/hub",), command="/usr/local/bin/hubctl", to="/opt/hubctl"
    )
    assert step.check(host, Receipt(host)).state is State.OK
    closed = {str(tmp_path / "usr/local/bin")}
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda path, _mode: str(path) not in closed)
    verdict = step.check(host, Receipt(host))
    assert verdict.state is State.UNFIT
    assert verdict.words == "nothing can be written in /usr/local/bin"
    (tmp_path / "usr/local/bin/hubctl").symlink_to("/opt/hubctl")
    assert step.check(host, Receipt(host)).state is State.OK


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path / "machine")
    monkeypatch.setattr(appliance, "recipe", lambda _installation: made.recipe())
    return made


def taken(machine: Machine) -> str:
    with pytest.raises(Failure) as stopped:
        appliance._taken(machine.recipe(), machine.host, machine.receipt)
    return stopped.value.message


def test_setup_that_stops_says_what_it_has_done(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.clock_s = 100
    assert taken(machine).endswith("Nothing was changed.")
    machine.clock_s = 1_800_000_000
    refused = OSError(errno.ENOSPC, "No space left on device", str(machine.root / "etc/sysusers.d/.x.new"))

    def write(name: str, content: bytes, mode: int) -> None:
        if name.startswith("/etc/sysusers.d"):
            raise refused
        Host.write(machine.host, name, content, mode)

    monkeypatch.setattr(machine.host, "write", write)
    said = taken(machine)
    assert "there is no room left in" in said
    assert "What was done before stays (" in said


def test_packages_that_were_cut_short_are_brought_to_their_end_first(tmp_path: Path) -> None:
    commands: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], _text: str) -> Outcome:
        commands.append(argv)
        if argv[0] == "apt-get" and "install" in argv and "--simulate" not in argv:
            mended = ("dpkg", "--configure", "-a") in commands
            words = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."
            return Outcome(0) if mended else Outcome(100, err=words)
        return Outcome(0)

    host = Host(tmp_path, run)
    install(host, Receipt(host), "package", "redis-tools")
    assert ("dpkg", "--configure", "-a") in commands
    assert list(Receipt(host).names("installing")) == []


def test_an_installation_that_was_cut_short_is_finished_although_its_program_is_there(machine: Machine) -> None:
    appliance._taken(machine.recipe(), machine.host, machine.receipt)
    machine.receipt.add("installing", "redis-tools")
    (verdict,) = [
        one for step, one in look(machine.recipe(), machine.host, machine.receipt) if one.state is not State.OK
    ]
    assert verdict.words == "the installation of redis-tools was cut short"
    machine.installed_by_name.clear()
    assert appliance._taken(machine.recipe(), machine.host, machine.receipt) == 1
    assert machine.installed_by_name == ["redis-tools"]
    assert list(machine.receipt.names("installing")) == []


def test_what_may_not_be_cut_short_is_not() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with undisturbed():
        for each in SIGNALS:
            os.kill(os.getpid(), each)
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_data_that_is_gone_is_said_before_an_empty_hub_takes_its_place(machine: Machine) -> None:
    appliance._taken(machine.recipe(), machine.host, machine.receipt)
    shutil.rmtree(machine.root / "var/lib/openclaw-hub")
    findings = look(machine.recipe(), machine.host, machine.receipt)
    (words_on_it,) = [verdict.words for step, verdict in findings if step.key == "var-lib-openclaw-hub"]
    assert "is gone, with all that was in it" in words_on_it
    assert "`hubctl restore`" in words_on_it
    assert HUB_UNIT in machine.active
    assert appliance._taken(machine.recipe(), machine.host, machine.receipt) == 2, "the folder, and the hub that ran"
