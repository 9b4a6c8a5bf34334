"""THE LIST, read top to bottom: what a machine is when it is a hub."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from hubctl.answers import Answers
from hubctl.assets import deploy_dir
from hubctl.host import Host
from hubctl.installed import (
    BACKUP_TIMER,
    BACKUP_UNIT,
    BACKUPS,
    COMMAND,
    CREDENTIALS,
    CURRENT,
    HUB_UNIT,
    MEND_UNIT,
    OUTSIDER_PASSWORD,
    REDIS_CONF,
    REDIS_SOCKET,
    REDIS_UNIT,
    REDIS_URL,
    RUNTIME,
    SETTINGS,
    SETTINGS_FOLDER,
    SOFTWARE,
    STATE,
    SYSUSERS,
    TMPFILES,
    UNITS,
    USER,
    own_url,
)
from hubctl.receipt import Receipt
from hubctl.step import Step
from hubctl.steps.accounts import OwnFolderStep, UserStep
from hubctl.steps.files import FileStep, FolderStep, LinkStep
from hubctl.steps.machine import ClockStep, DiskStep, MachineStep, PortStep, VersionStep
from hubctl.steps.packages import RedisProgramStep, found_server
from hubctl.steps.probe import AnswersStep
from hubctl.steps.settings import SecretStep, SettingsStep, redis_conf
from hubctl.steps.systemd import UnitStep
from hubctl.steps.upgrading import UpgradeStep

RELOAD = ("systemctl", "daemon-reload")


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be there: the answers, whether they were given this time, and the venv of this version."""

    answers: Answers
    asked: bool
    venv: str

    @property
    def url(self) -> str:
        """The hub's address on the machine itself."""
        return own_url(self.answers.host, self.answers.port)


def recipe(wanted: Installation) -> list[Step]:
    """Every step, in the order in which they build on each other."""
    return [
        *_machine(wanted),
        *_accounts(),
        *_settings(wanted),
        *_running(),
        *_backups(),
        *_mending(),
        _answers(wanted),
    ]


def _machine(wanted: Installation) -> list[Step]:
    return [
        UpgradeStep(
            key="upgrade",
            name="no upgrade is half done",
            hint="`hubctl rollback` or `hubctl setup` brings it to its end.",
            venv=wanted.venv,
        ),
        MachineStep(
            key="machine",
            name="the machine is one that a hub runs on",
            hint="Take another machine, or `hubctl run` on this one.",
        ),
        DiskStep(
            key="disk",
            name="the disk has room",
            hint=f"See what fills it: du -xh --max-depth=2 /var | sort -h | tail. Old backups lie in {BACKUPS}.",
            path=STATE,
        ),
        ClockStep(
            key="clock",
            name="the clock is set",
            hint="timedatectl set-ntp true sets it from the network.",
        ),
        PortStep(
            key="port",
            name=f"port {wanted.answers.port} is the hub's",
            hint=f"Stop the other program, or give the hub another port in {SETTINGS} or --answers.",
            port=wanted.answers.port,
            unit=HUB_UNIT,
        ),
        VersionStep(
            key="version",
            name="this version is installed",
            hint="deploy/install.sh --wheel FILE puts one into place.",
            folder=SOFTWARE,
            venv=wanted.venv,
        ),
        RedisProgramStep(
            key="redis-program",
            name="a Redis or Valkey program is installed",
            hint="See whether `apt-get install redis-tools` works, then run setup again.",
        ),
        LinkStep(
            key="current",
            name="this version is the current one",
            hint="Run setup again.",
            path=CURRENT,
            to=wanted.venv,
        ),
        LinkStep(
            key="command",
            name="hubctl is on the PATH",
            hint="Run setup again.",
            path=COMMAND,
            to=f"{CURRENT}/bin/hubctl",
        ),
    ]


def _accounts() -> list[Step]:
    folders = ((STATE, 0o700), (BACKUPS, 0o700), (RUNTIME, 0o750))
    return [
        _deployed("sysusers", "the hub's user is described", SYSUSERS, "sysusers.conf", keeps_data=True),
        UserStep(
            key="user",
            name=f"the user {USER} exists",
            hint="See what `systemd-sysusers` says.",
            keeps_data=True,
            user=USER,
            source=SYSUSERS,
        ),
        _deployed("tmpfiles", "the hub's folders are described", TMPFILES, "tmpfiles.conf", keeps_data=True),
        *(
            OwnFolderStep(
                key=path.strip("/").replace("/", "-"),
                name=f"{path} is the hub's alone",
                hint="Run setup again; it gives everything in there back to the hub.",
                keeps_data=path != RUNTIME,
                path=path,
                user=USER,
                mode=mode,
                source=TMPFILES,
            )
            for path, mode in folders
        ),
    ]


def _settings(wanted: Installation) -> list[Step]:
    folders = ((SETTINGS_FOLDER, "settings-folder"), (CREDENTIALS, "credentials"))
    return [
        *(
            FolderStep(
                key=key, name=f"{path} is root's alone", hint="Run setup again.", keeps_data=True, path=path, mode=0o700
            )
            for path, key in folders
        ),
        SettingsStep(
            key="settings",
            name="the settings can be read",
            hint=f"Mend {SETTINGS}, or run setup, which writes it anew and keeps the damaged one beside it.",
            keeps_data=True,
            answers=wanted.answers,
            asked=wanted.asked,
        ),
        SecretStep(
            key="redis-password",
            name="the hub has a password for its Redis",
            hint="Run setup again; it makes a new one.",
            keeps_data=True,
            path=REDIS_URL,
            make=lambda: f"unix://hub:{secrets.token_urlsafe(32)}@{REDIS_SOCKET}",
            shape=rf"unix://hub:[A-Za-z0-9_-]{{43}}@{REDIS_SOCKET}",
        ),
        SecretStep(
            key="outsider-password",
            name="other programs have a password for it",
            hint="Run setup again; it makes a new one, which they need to be told.",
            keeps_data=True,
            path=OUTSIDER_PASSWORD,
            make=lambda: secrets.token_urlsafe(24),
            shape=r"[A-Za-z0-9_-]{32}",
        ),
        FileStep(
            key="redis-conf",
            name="the Redis configuration is this version's",
            hint="Run setup again.",
            path=REDIS_CONF,
            text=redis_conf(f"{wanted.venv}/bin/python"),
            mode=0o600,
            secret=True,
        ),
    ]


def _running() -> list[Step]:
    return [
        FileStep(
            key="redis-unit",
            name="the unit of the hub's Redis is this version's",
            hint=f"Run setup again. What is to differ belongs into `systemctl edit {REDIS_UNIT}`.",
            path=f"{UNITS}/{REDIS_UNIT}",
            text=_redis_unit,
            then=RELOAD,
        ),
        UnitStep(
            key="redis",
            name="the hub's Redis runs",
            hint=f"journalctl -u {REDIS_UNIT} says what it lacks.",
            unit=REDIS_UNIT,
            sources=(f"{UNITS}/{REDIS_UNIT}", REDIS_CONF),
        ),
        _deployed("hub-unit", "the hub's unit is this version's", f"{UNITS}/{HUB_UNIT}", HUB_UNIT, then=RELOAD),
        UnitStep(
            key="hub",
            name="the hub runs",
            hint=f"journalctl -u {HUB_UNIT} says what it lacks.",
            unit=HUB_UNIT,
            sources=(f"{UNITS}/{HUB_UNIT}", SETTINGS, REDIS_URL, CURRENT),
        ),
    ]


def _backups() -> list[Step]:
    unit, timer = f"{UNITS}/{BACKUP_UNIT}", f"{UNITS}/{BACKUP_TIMER}"
    return [
        _deployed("backup-unit", "the backup's unit is this version's", unit, BACKUP_UNIT, then=RELOAD),
        _deployed("backup-timer-unit", "the backup's timer is this version's", timer, BACKUP_TIMER, then=RELOAD),
        UnitStep(
            key="backup-timer",
            name="a backup is made every day",
            hint=f"systemctl status {BACKUP_TIMER} says what it lacks.",
            unit=BACKUP_TIMER,
            sources=(timer,),
        ),
    ]


def _mending() -> list[Step]:
    unit = f"{UNITS}/{MEND_UNIT}"
    return [
        _deployed("mend-unit", "the unit that mends an upgrade is this version's", unit, MEND_UNIT, then=RELOAD),
        UnitStep(
            key="mend",
            name="an upgrade that a power cut interrupted is mended at boot",
            hint=f"systemctl status {MEND_UNIT} says what it lacks.",
            unit=MEND_UNIT,
            sources=(unit,),
        ),
    ]


def _answers(wanted: Installation) -> Step:
    return AnswersStep(
        key="answers",
        name="the hub answers",
        hint=f"journalctl -u {HUB_UNIT} says more.",
        url=wanted.url,
    )


def _deployed(
    key: str, name: str, path: str, source: str, *, then: tuple[str, ...] = (), keeps_data: bool = False
) -> FileStep:
    """A file that is as it lies in the wheel."""
    hint = f"Run setup again. What is to differ belongs into `systemctl edit {source}`." if then else "Run setup again."
    return FileStep(key=key, name=name, hint=hint, keeps_data=keeps_data, path=path, text=_text_of(source), then=then)


def _text_of(source: str) -> Callable[[Host, Receipt], str]:
    return lambda _host, _receipt: (deploy_dir() / "systemd" / source).read_text("utf-8")


def _redis_unit(host: Host, _receipt: Receipt) -> str:
    server = found_server(host)
    text = (deploy_dir() / "systemd" / REDIS_UNIT).read_text("utf-8")
    return text.replace("@BINARY@", server.path).replace("@NAME@", server.name) if server else text
