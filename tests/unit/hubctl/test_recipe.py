"""The laws of the recipe, tried over the whole list: plan only reads, apply makes it so, again changes nothing,
undo restores; what is not ours is left alone; whatever is amiss is found and mended.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from hubctl.answers import Answers
from hubctl.engine import Stopped, amiss, look, setup, uninstall
from hubctl.installed import (
    BACKUP_TIMER,
    BACKUPS,
    COMMAND,
    HUB_UNIT,
    OUTSIDER_PASSWORD,
    REDIS_CONF,
    REDIS_UNIT,
    REDIS_URL,
    SETTINGS,
    STATE,
    SYSUSERS,
    TMPFILES,
    UNITS,
    UPGRADES,
)
from hubctl.receipt import COPY, RECEIPT
from hubctl.step import State, Step
from hubctl.steps.choice import UnwantedStep
from hubctl.steps.files import FileStep, FolderStep, LinkStep
from hubctl.steps.machine import Looked
from tests.unit.hubctl.fake_machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def build(machine: Machine, answers: Answers | None = None, adopt: tuple[str, ...] = ()) -> int:
    return setup(machine.recipe(answers), machine.host, machine.receipt, adopt=adopt, say=lambda _step, _words: None)


def remove(machine: Machine, *, purge: bool) -> None:
    uninstall(machine.recipe(), machine.host, machine.receipt, purge=purge, say=lambda _step, _words: None)


def wrong(machine: Machine, answers: Answers | None = None) -> dict[str, State]:
    findings = look(machine.recipe(answers), machine.host, machine.receipt)
    return {step.key: verdict.state for step, verdict in amiss(findings)}


PLAIN = Answers()
EVERYTHING = Answers(
    tls="self",
    redis_url="redis://hub:secret@redis.example/0",
    database_url="postgresql://hub:secret@db.example/hub",
    local_name=True,
    monitoring=True,
)
KEYS = [
    pytest.param(answers, step.key, id=f"{name} {step.key}")
    for name, answers in (("plain", PLAIN), ("everything", EVERYTHING))
    for step in Machine.recipe(object.__new__(Machine), answers)
    if not isinstance(step, UnwantedStep)
]
each_variant = pytest.mark.parametrize("answers", [PLAIN, EVERYTHING], ids=["plain", "everything"])


def step_of(machine: Machine, answers: Answers, key: str) -> Step:
    return next(step for step in machine.recipe(answers) if step.key == key)


def test_each_step_has_words_and_a_key_of_its_own(machine: Machine) -> None:
    steps = machine.recipe()
    assert len({step.key for step in steps}) == len({step.name for step in steps}) == len(steps)
    assert [step.key for step in steps if not step.hint.endswith((".", "tail"))] == []


def test_plan_changes_nothing(machine: Machine) -> None:
    before = machine.tree()
    assert len(wrong(machine)) > 15
    assert machine.tree() == before
    assert machine.installed_by_name == []


@each_variant
def test_apply_makes_it_so_and_again_changes_nothing(machine: Machine, answers: Answers) -> None:
    assert build(machine, answers) > 15
    assert wrong(machine) == {}
    built = machine.tree()
    assert build(machine) == 0
    assert build(machine, answers) == 0
    assert machine.tree() == built


@each_variant
def test_undo_restores(machine: Machine, answers: Answers) -> None:
    before, packages = machine.tree(), machine.packages - {"python3-venv"}
    build(machine, answers)
    remove(machine, purge=True)
    assert machine.tree() == before
    # install.sh noted that it brought the venv module.
    assert machine.packages == packages
    assert machine.active == set()
    assert not (machine.root / "opt/openclaw-hub").exists()


def test_what_is_no_longer_chosen_is_taken_back(machine: Machine) -> None:
    build(machine, PLAIN)
    plain, active = set(machine.tree()), set(machine.active)
    build(machine, EVERYTHING)
    assert REDIS_UNIT not in machine.active
    assert set(machine.tree()) != plain
    build(machine, PLAIN)
    assert set(machine.tree()) == plain
    assert machine.active == active


def test_undo_twice_and_undo_of_nothing(machine: Machine) -> None:
    before = machine.tree()
    remove(machine, purge=True)
    build(machine)
    remove(machine, purge=True)
    remove(machine, purge=True)
    assert machine.tree() == before


@pytest.mark.parametrize(("answers", "key"), KEYS)
def test_a_step_that_is_undone_is_made_again(machine: Machine, answers: Answers, key: str) -> None:
    build(machine, answers)
    built = machine.tree()
    step = step_of(machine, answers, key)
    step.undo(machine.host, machine.receipt)
    chosen = getattr(step, "wanted", True) and (key != "choices" or answers != PLAIN)
    if isinstance(step, Looked | FolderStep) or key in ("version", "receipt") or not chosen:
        # Nothing to undo; a folder with something in it stays.
        return
    assert key in wrong(machine, answers)
    step.apply(machine.host, machine.receipt)
    assert step.check(machine.host, machine.receipt).state is State.OK
    build(machine, answers)
    assert set(machine.tree()) == set(built)


@pytest.mark.parametrize(("answers", "key"), KEYS)
def test_a_setup_that_is_cut_short_goes_on_and_can_be_undone(machine: Machine, answers: Answers, key: str) -> None:
    before = machine.tree()
    steps = machine.recipe(answers)
    cut = next(number for number, step in enumerate(steps) if step.key == key)
    setup(steps[:cut], machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)
    steps[cut].apply(machine.host, machine.receipt)
    build(machine, answers)
    assert wrong(machine) == {}
    remove(machine, purge=True)
    assert machine.tree() == before


def test_what_holds_data_stays_until_purged(machine: Machine) -> None:
    before = machine.tree()
    build(machine)
    (machine.root / STATE[1:] / "hub.db").write_text("messages")
    (machine.root / BACKUPS[1:] / "monday").write_text("a backup")
    secret = machine.host.read(REDIS_URL)
    remove(machine, purge=False)
    assert machine.active == set()
    assert machine.host.read(f"{STATE}/hub.db") == b"messages"
    assert machine.host.user_id("openclaw-hub") is not None
    assert machine.host.read(f"{UNITS}/{HUB_UNIT}") is None
    (machine.root / "opt/openclaw-hub/versions/1.0").mkdir(parents=True)
    build(machine)
    assert machine.host.read(f"{STATE}/hub.db") == b"messages"
    assert machine.host.read(REDIS_URL) == secret
    remove(machine, purge=True)
    assert machine.tree() == before


FILES = {
    step.path: step.key
    for step in Machine.recipe(object.__new__(Machine), PLAIN)
    if isinstance(step, FileStep | LinkStep)
}


@pytest.mark.parametrize("path", [path for path in (*FILES, SETTINGS) if not path.startswith("/opt")])
def test_what_somebody_else_made_is_left_alone_until_adopted(machine: Machine, path: str) -> None:
    key = FILES.get(path, "settings")
    machine.host.make_folder(str(Path(path).parent), 0o755)
    machine.host.write(path, b"somebody else's\n", 0o640)
    if path in (SETTINGS, REDIS_CONF):
        machine.host.make_folder("/etc/openclaw-hub", 0o700)
    before = machine.tree()
    assert wrong(machine)[key] is State.FOREIGN
    with pytest.raises(Stopped, match=f"--adopt {key}"):
        build(machine)
    assert machine.host.read(path) == b"somebody else's\n"
    build(machine, adopt=(key,))
    assert wrong(machine) == {}
    remove(machine, purge=True)
    assert machine.tree() == before


def spoil(path: str) -> Callable[[Machine], None]:
    return lambda machine: machine.host.write(path, b"\0 not toml [", 0o600)


def lose(path: str) -> Callable[[Machine], None]:
    return lambda machine: machine.host.remove(path)


def open_up(path: str) -> Callable[[Machine], None]:
    return lambda machine: machine.host.path(path).chmod(0o777)


SABOTAGES: dict[str, tuple[str, Callable[[Machine], object]]] = {
    "hub stopped": ("hub", lambda machine: machine.active.discard(HUB_UNIT)),
    "redis stopped": ("redis", lambda machine: machine.active.discard(REDIS_UNIT)),
    "hub masked": ("hub-unit", lambda machine: machine.host.link(f"{UNITS}/{HUB_UNIT}", "/dev/null")),
    "unit edited": ("hub-unit", spoil(f"{UNITS}/{HUB_UNIT}")),
    "unit lost": ("redis-unit", lose(f"{UNITS}/{REDIS_UNIT}")),
    "not at boot": ("hub", lose(f"{UNITS}/{HUB_UNIT}.wanted")),
    "settings damaged": ("settings", spoil(SETTINGS)),
    "settings lost": ("settings", lose(SETTINGS)),
    "settings open": ("settings", open_up(SETTINGS)),
    "password lost": ("redis-password", lose(REDIS_URL)),
    "password damaged": ("redis-password", spoil(REDIS_URL)),
    "password open": ("outsider-password", open_up(OUTSIDER_PASSWORD)),
    "redis configured otherwise": ("redis-conf", spoil(REDIS_CONF)),
    "credentials open": ("credentials", open_up("/etc/openclaw-hub/credentials")),
    "data open": ("var-lib-openclaw-hub", open_up(STATE)),
    "command gone": ("command", lose(COMMAND)),
    "user gone": ("user", lambda machine: machine.host.must("userdel", "openclaw-hub")),
    "sysusers edited": ("sysusers", spoil(SYSUSERS)),
    "tmpfiles lost": ("tmpfiles", lose(TMPFILES)),
    "no more backups": ("backup-timer", lambda machine: machine.active.discard(BACKUP_TIMER)),
    "receipt cut short": ("receipt", spoil(RECEIPT)),
    "receipt lost": ("receipt", lose(RECEIPT)),
    "the receipt's copy damaged": ("receipt", spoil(COPY)),
    "upgrades noted in nonsense": ("upgrade", spoil(UPGRADES)),
    "unit changed, and not read": ("hub", lambda machine: setattr(machine, "unit_files_say", "NeedDaemonReload=yes")),
    "redis removed": ("redis-program", lambda machine: machine.host.must("apt-get", "purge", "redis-tools")),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_what_is_amiss_is_found_and_mended(machine: Machine, name: str) -> None:
    key, sabotage = SABOTAGES[name]
    build(machine)
    sabotage(machine)
    assert key in wrong(machine)
    assert build(machine) > 0
    assert wrong(machine) == {}
    remove(machine, purge=True)
    assert not (machine.root / "etc/openclaw-hub").exists()


def _old(machine: Machine) -> None:
    (machine.root / "etc/os-release").write_text('ID=debian\nVERSION_ID="11"\n')


UNFIT: dict[str, tuple[str, Callable[[Machine], object]]] = {
    "port taken": ("port", lambda machine: setattr(machine, "listening", 'LISTEN 0 1 users:(("nginx",pid=7,fd=3))')),
    "disk full": ("disk", lambda machine: setattr(machine.host, "_free_bytes", 1000)),
    "clock at 1970": ("clock", lambda machine: setattr(machine, "clock_s", 100)),
    "no systemd": ("machine", lambda machine: (machine.root / "run/systemd/system").rmdir()),
    "old distribution": ("machine", _old),
    "little memory": ("machine", lambda machine: (machine.root / "proc/meminfo").write_text("MemTotal:   99999 kB\n")),
    "from a checkout": ("version", lambda machine: (machine.root / "opt/openclaw-hub/versions/1.0").rmdir()),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_machine_is_refused_before_anything_is_touched(machine: Machine, name: str) -> None:
    key, spoiled = UNFIT[name]
    spoiled(machine)
    before = machine.tree()
    assert wrong(machine)[key] is State.UNFIT
    with pytest.raises(Stopped):
        build(machine, adopt=(key,))
    assert machine.tree() == before
    assert machine.installed_by_name == []


def test_the_port_is_the_hubs_own(machine: Machine) -> None:
    machine.listening = 'LISTEN 0 1 users:(("python",pid=42,fd=3))'
    assert "port" not in wrong(machine)


def test_the_package_that_brings_a_server_is_never_installed(machine: Machine) -> None:
    machine.offered = {"redis-server", "redis-tools", "valkey-tools", "valkey-server"}
    build(machine)
    assert machine.installed_by_name == ["redis-tools"]


def test_packages_that_others_came_to_need_stay(machine: Machine) -> None:
    build(machine)
    machine.also_removed = {"somebody-elses-program"}
    remove(machine, purge=True)
    assert "redis-tools" in machine.packages


def test_a_redis_that_was_there_is_used_and_stays(machine: Machine) -> None:
    (machine.root / "usr/bin/redis-check-rdb").write_text("a program")
    machine.packages.add("redis-tools")
    build(machine)
    remove(machine, purge=True)
    assert machine.installed_by_name == []
    assert "redis-tools" in machine.packages


def test_a_change_of_the_settings_starts_the_hub_again(machine: Machine) -> None:
    build(machine)
    machine.host.write(SETTINGS, Answers(port=9000).settings(STATE).encode(), 0o600)
    assert wrong(machine) == {"hub": State.DRIFTED}
    assert build(machine) == 1


def test_the_same_answers_change_nothing_and_others_do(machine: Machine) -> None:
    answers = Answers(host="127.0.0.1", port=9000, allowed_hosts=("hub.example",))
    build(machine, answers)
    assert build(machine, answers) == 0
    assert build(machine, Answers(host="127.0.0.1", port=9001)) == 2
    edited = (machine.host.read(SETTINGS) or b"") + b"[log]\nretention_days = 7\n"
    machine.host.write(SETTINGS, edited, 0o600)
    with pytest.raises(Stopped, match="--adopt settings"):
        build(machine, answers)
    assert machine.host.read(SETTINGS) == edited


def test_damaged_settings_are_kept_beside_the_new_ones(machine: Machine) -> None:
    build(machine)
    spoil(SETTINGS)(machine)
    build(machine)
    assert machine.host.read(f"{SETTINGS}.damaged") == b"\0 not toml ["


def test_a_command_that_fails_stops_setup_with_its_words_and_a_hint(machine: Machine) -> None:
    machine.broken = {"restart"}
    with pytest.raises(Stopped, match=r"the hub's Redis runs: systemctl restart .*Job failed\. journalctl -u"):
        build(machine)
    machine.broken = set()
    build(machine)


def test_uninstall_goes_on_past_what_fails_and_says_so(machine: Machine) -> None:
    build(machine)
    machine.broken = {"userdel"}
    with pytest.raises(Stopped, match="userdel is broken"):
        remove(machine, purge=True)
    assert machine.host.read(f"{UNITS}/{HUB_UNIT}") is None
    machine.broken = set()
    remove(machine, purge=True)


def test_secrets_are_shown_in_no_difference(machine: Machine) -> None:
    build(machine)
    machine.host.write(REDIS_CONF, b"other", 0o600)
    machine.host.write(f"{UNITS}/{HUB_UNIT}", b"[Unit]\n", 0o644)
    assert "\n" not in step_of(machine, PLAIN, "redis-conf").check(machine.host, machine.receipt).words
    assert "\n+Type=notify" in step_of(machine, PLAIN, "hub-unit").check(machine.host, machine.receipt).words
